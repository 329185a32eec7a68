import type { Namespace, NamespaceCondition, Resource } from '@skiff/api'
import { rfc3339 } from '@skiff/machinery'
import { reasonOf } from '../runner/step.ts'

/** What is left of one kind in a namespace that is being emptied. */
export interface Remaining {
  readonly resource: Resource
  readonly count: number
  /** How many objects each finalizer holds. */
  readonly finalizers: ReadonlyMap<string, number>
}

type Said = readonly [type: string, status: 'True' | 'False', reason: string, message: string]

const qualified = ({ plural, group }: Resource): string => `${plural}.${group}`

/** The five conditions of upstream, in its order. */
const verdicts = (remaining: readonly Remaining[], errors: readonly unknown[]): readonly Said[] => {
  const held = remaining.filter(({ count }) => count > 0)
  const finalizers = new Map<string, number>()
  for (const { finalizers: each } of held) for (const [name, count] of each) finalizers.set(name, (finalizers.get(name) ?? 0) + count)
  const instances = held.map(({ resource, count }) => `${qualified(resource)} has ${count} resource instances`).sort()
  const holders = [...finalizers].map(([name, count]) => `${name} in ${count} resource instances`).sort()
  const failed = `Failed to delete all resource types, ${errors.length} remaining: ${errors.map(reasonOf).sort().join(', ')}`
  return [
    ['NamespaceDeletionDiscoveryFailure', 'False', 'ResourcesDiscovered', 'All resources successfully discovered'],
    ['NamespaceDeletionGroupVersionParsingFailure', 'False', 'ParsedGroupVersions', 'All legacy kube types successfully parsed'],
    errors.length > 0
      ? ['NamespaceDeletionContentFailure', 'True', 'ContentDeletionFailed', failed]
      : ['NamespaceDeletionContentFailure', 'False', 'ContentDeleted', 'All content successfully deleted, may be waiting on finalization'],
    instances.length > 0
      ? ['NamespaceContentRemaining', 'True', 'SomeResourcesRemain', `Some resources are remaining: ${instances.join(', ')}`]
      : ['NamespaceContentRemaining', 'False', 'ContentRemoved', 'All content successfully removed'],
    holders.length > 0
      ? [
          'NamespaceFinalizersRemaining',
          'True',
          'SomeFinalizersRemain',
          `Some content in the namespace has finalizers remaining: ${holders.join(', ')}`,
        ]
      : ['NamespaceFinalizersRemaining', 'False', 'ContentHasNoFinalizers', 'All content-preserving finalizers finished'],
  ]
}

/** `namespace` with the conditions of this round; the same value when nothing of them changed. */
export const withVerdicts = (
  namespace: Namespace,
  remaining: readonly Remaining[],
  errors: readonly unknown[],
  nowMs: number,
): Namespace => {
  const conditions = [...(namespace.status?.conditions ?? [])]
  let changed = false
  for (const [type, status, reason, message] of verdicts(remaining, errors)) {
    const at = conditions.findIndex((one) => one.type === type)
    const held = conditions[at]
    if (held && held.status === status && held.reason === reason && held.message === message) continue
    changed = true
    const lastTransitionTime = held?.status === status && held.lastTransitionTime ? held.lastTransitionTime : rfc3339(nowMs)
    const next = { type, status, lastTransitionTime, reason, message } as NamespaceCondition
    if (at >= 0) conditions[at] = next
    else conditions.push(next)
  }
  return changed ? { ...namespace, status: { ...namespace.status, conditions } } : namespace
}
