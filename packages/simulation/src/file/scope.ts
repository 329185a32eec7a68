import type { PodScope } from '../answers/rules.ts'
import type { Fields } from './fields.ts'

/** Whom a document is for: kwok's `X` is for the pod of its own name, its `ClusterX` for those that its selector names, or for all. */
export const readScope = (isCluster: boolean, name: string, document: Fields): Omit<PodScope, 'containers'> => {
  const selector = document.object('spec')?.object('selector')
  const namespaces = isCluster ? selector?.texts('matchNamespaces') : [document.object('metadata')?.text('namespace') ?? 'default']
  const names = isCluster ? selector?.texts('matchNames') : [name]
  return { namespaces: setOf(namespaces), names: setOf(names) }
}

/** An empty list selects everything, as none does. */
export const setOf = (values: readonly string[] | undefined): ReadonlySet<string> | undefined =>
  values && values.length > 0 ? new Set(values) : undefined
