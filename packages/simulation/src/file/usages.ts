import { quantityValue } from '@skiff/machinery'
import type { UsageRule } from '../usage/usage.ts'
import type { Fields } from './fields.ts'

/** Reads kwok's ResourceUsage, which is for the pod of its own name, or ClusterResourceUsage. */
export const readUsage = (kind: 'ResourceUsage' | 'ClusterResourceUsage', name: string, document: Fields): UsageRule[] => {
  const spec = document.object('spec') ?? document.refuse('spec', 'is missing')
  const selector = spec.object('selector')
  const own = kind === 'ResourceUsage'
  const namespaces = own ? [document.object('metadata')?.text('namespace') ?? 'default'] : selector?.texts('matchNamespaces')
  const names = own ? [name] : selector?.texts('matchNames')
  return spec.list('usages').map((each) => {
    const containers = each.texts('containers')
    const usage = each.object('usage')
    return {
      namespaces: setOf(namespaces),
      names: setOf(names),
      containers: setOf(containers),
      cpu: amount(usage?.object('cpu')),
      memory: amount(usage?.object('memory')),
    }
  })
}

/** An empty list selects everything, as none does. */
const setOf = (values: readonly string[] | undefined): ReadonlySet<string> | undefined =>
  values && values.length > 0 ? new Set(values) : undefined

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
