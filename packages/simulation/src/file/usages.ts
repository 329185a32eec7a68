import { quantityValue } from '@skiff/machinery'
import type { UsageRule } from '../usage/usage.ts'
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

const amount = (fields: Fields | undefined): string | undefined => {
  if (!fields) return undefined
  const value = fields.text('value')
  if (value === undefined && fields.text('expression') !== undefined)
    fields.refuse('expression', 'is not understood here; give a value, or the annotations simulated.skiff.dev/cpu and /memory to the pods')
  if (value === undefined) return undefined
  try {
    quantityValue(value)
  } catch {
    fields.refuse('value', 'must be a quantity')
  }
  return value
}
