import { milliValue } from '@skiff/machinery'
import { compileAmount } from '../usage/amount.ts'
import type { Amount, UsageRule } from '../usage/usage.ts'
import type { Fields } from './fields.ts'
import { readScope, setOf } from './scope.ts'

/** Reads kwok's ResourceUsage, which is for the pod of its own name, or ClusterResourceUsage. */
export const readUsage = (kind: 'ResourceUsage' | 'ClusterResourceUsage', name: string, document: Fields): UsageRule[] => {
  const spec = document.object('spec') ?? document.refuse('spec', 'is missing')
  const scope = readScope(kind === 'ClusterResourceUsage', name, document)
  return spec.list('usages').map((each) => {
    const usage = each.object('usage')
    return {
      ...scope,
      containers: setOf(each.texts('containers')),
      cpu: amount(usage?.object('cpu')),
      memory: amount(usage?.object('memory')),
    }
  })
}

const amount = (fields: Fields | undefined): Amount | undefined => {
  if (!fields) return undefined
  const value = fields.text('value')
  // As in kwok, a value comes first.
  if (value === undefined) {
    const expression = fields.text('expression')
    return expression === undefined ? undefined : fields.reading('expression', () => compileAmount(expression))
  }
  try {
    const number = milliValue(value) / 1_000
    return () => number
  } catch {
    return fields.refuse('value', 'must be a quantity')
  }
}
