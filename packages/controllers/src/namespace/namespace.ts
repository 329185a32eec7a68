import type { Namespace, Pod, Resource } from '@skiff/api'
import { namespace as namespaces, pod as pods, resourceKey } from '@skiff/api'
import type { ListValue } from '@skiff/client'
import { isRefusal, type KubeObject } from '@skiff/machinery'
import { isFinished } from '../pods.ts'
import { type Controller, objectController, watching } from '../runner/controller.ts'
import { clear, fail, list, type Outcome, requeue, type Step, type Steps, together, updatePart, updateStatus } from '../runner/step.ts'
import { type Remaining, withVerdicts } from './conditions.ts'

const finalizer = 'kubernetes'
// How long an object with a finalizer is given before we look again: upstream's guess.
const finalizerWaitSeconds = 15

/** What one round of emptying found; filled by the steps of one plan, read by the steps after them. */
interface Round {
  readonly remaining: Remaining[]
  waitSeconds: number
}

const finalizersOf = (items: readonly KubeObject[]): Map<string, number> => {
  const counts = new Map<string, number>()
  for (const { metadata } of items) for (const name of metadata.finalizers ?? []) counts.set(name, (counts.get(name) ?? 0) + 1)
  return counts
}

/** Pods take up to their grace period: no use to look again before. */
const graceSeconds = (resource: Resource, items: readonly KubeObject[], namespace: Namespace, nowMs: number): number => {
  if (resource.plural !== 'pods' || resource.group !== '') return 0
  const graces = (items as readonly Pod[]).filter((pod) => !isFinished(pod)).map((pod) => pod.spec.terminationGracePeriodSeconds ?? 0)
  const passed = (nowMs - Date.parse(namespace.metadata.deletionTimestamp ?? '')) / 1_000
  return Math.max(0, ...graces) - Math.max(0, passed)
}

const emptyKind = (resource: Resource, namespace: Namespace, round: Round, nowMs: number): Step => {
  const { name } = namespace.metadata
  const count = ({ items }: ListValue): Steps => {
    if (items.length === 0) return []
    const finalizers = finalizersOf(items)
    round.remaining.push({ resource, count: items.length, finalizers })
    const graceS = graceSeconds(resource, items, namespace, nowMs)
    round.waitSeconds = Math.max(round.waitSeconds, graceS, finalizers.size > 0 ? finalizerWaitSeconds : 1)
    return []
  }
  // Kinds that cannot be listed or cleared, or whose definition went meanwhile, hold nothing up.
  const unserved = (error: unknown): Steps | undefined => (isRefusal(error, 404) || isRefusal(error, 405) ? [] : undefined)
  return list(resource, name, {
    done: ({ items }) =>
      items.length === 0 ? [] : [clear(resource, name, { done: () => [list(resource, name, { done: count, failed: unserved })] })],
    failed: unserved,
  })
}

/**
 * Empties a namespace that is being deleted: its pods first, then every other kind at once, and lets it go when nothing is left.
 * It reads past the views, since an object made just before the deletion may not be seen yet.
 */
export const planNamespace = (namespace: Namespace, resources: readonly Resource[], nowMs: number): Steps => {
  if (namespace.metadata.deletionTimestamp === undefined) return []
  if (!namespace.spec?.finalizers?.includes(finalizer)) return []
  const terminating: Namespace =
    namespace.status?.phase === 'Terminating' ? namespace : { ...namespace, status: { ...namespace.status, phase: 'Terminating' } }
  const round: Round = { remaining: [], waitSeconds: 0 }
  const isPods = (resource: Resource) => resourceKey(resource) === resourceKey(pods)
  const rest = distinct(resources).filter((resource) => !isPods(resource))
  const podsFirst = resources.some(isPods) ? [emptyKind(pods, namespace, round, nowMs)] : []
  const empty = rest.map((resource) => emptyKind(resource, namespace, round, nowMs))
  return [
    together(podsFirst, {
      after: (first) =>
        round.remaining.length > 0 || failures(first).length > 0
          ? conclude(terminating, namespace, round, failures(first), nowMs)
          : [together(empty, { after: (outcomes) => conclude(terminating, namespace, round, failures(outcomes), nowMs) })],
    }),
  ]
}

const failures = (outcomes: readonly Outcome[]): readonly unknown[] => outcomes.flatMap(({ error }) => (error === undefined ? [] : [error]))

/** One list for all versions of a kind: they hold the same objects. */
const distinct = (resources: readonly Resource[]): readonly Resource[] => [
  ...new Map(resources.filter(({ namespaced }) => namespaced).map((resource) => [resourceKey(resource), resource])).values(),
]

const conclude = (terminating: Namespace, held: Namespace, round: Round, errors: readonly unknown[], nowMs: number): Steps => {
  const judged = withVerdicts(terminating, round.remaining, errors, nowMs)
  const isEmpty = round.remaining.length === 0 && errors.length === 0
  const next = (current: Namespace): Steps => {
    if (isEmpty) return [finalize(current)]
    if (errors.length > 0) return [fail(errors[0])]
    return [requeue((Math.trunc(round.waitSeconds / 2) + 1) * 1_000)]
  }
  return judged === held ? next(held) : [updateStatus(namespaces, judged, { done: next })]
}

const finalize = (namespace: Namespace): Step => {
  const finalizers = (namespace.spec?.finalizers ?? []).filter((one) => one !== finalizer)
  return updatePart(
    namespaces,
    'finalize',
    { ...namespace, spec: { ...namespace.spec, finalizers } },
    { failed: (error) => (isRefusal(error, 404) ? [] : undefined) },
  )
}

export const namespaceController = (resources: () => readonly Resource[]): Controller =>
  objectController({
    name: 'namespace-controller',
    account: 'namespace-controller',
    resource: namespaces,
    concerns: ({ after }) => after?.metadata.deletionTimestamp !== undefined,
    watches: [
      watching<Pod>({
        resource: pods,
        // The last pod is gone: no need to wait for what it might have taken.
        keys: ({ before, after }, views) => {
          const name = before?.metadata.namespace ?? ''
          if (after || !views.view(namespaces).get(name)?.metadata.deletionTimestamp) return []
          const [left] = views.view(pods).list(name)
          return left ? [] : [name]
        },
      }),
    ],
    plan: (namespace, _views, nowMs) => planNamespace(namespace, resources(), nowMs),
  })
