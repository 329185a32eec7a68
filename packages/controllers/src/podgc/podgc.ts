import type { Node, Pod } from '@skiff/api'
import { node as nodes, pod as pods } from '@skiff/api'
import type { Views } from '@skiff/client'
import { isRefusal, rfc3339 } from '@skiff/machinery'
import { isFinished } from '../pods.ts'
import { type Controller, reading } from '../runner/controller.ts'
import { patch, read, remove, requeue, type Step, type Steps, targetOf, together } from '../runner/step.ts'

// Upstream's numbers.
const periodMs = 20_000
const quarantineMs = 40_000
const outOfServiceTaint = 'node.kubernetes.io/out-of-service'

/** Since when each node that pods name has been missing; kept from round to round. */
export type MissingSince = ReadonlyMap<string, number>

export const missingNodes = (views: Views, before: MissingSince, nowMs: number): MissingSince => {
  const missing = new Map<string, number>()
  for (const { spec } of views.view(pods).list())
    if (spec.nodeName && !views.view(nodes).get(spec.nodeName)) missing.set(spec.nodeName, before.get(spec.nodeName) ?? nowMs)
  return missing
}

/** Nobody is there to say how the pod ended: it is marked as failed, and removed without waiting. */
const forceRemove = (pod: Pod, why: string | undefined, nowMs: number): Steps => {
  const condition = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'DeletionByPodGC',
    message: why,
    lastTransitionTime: rfc3339(nowMs),
  }
  const status = { ...(isFinished(pod) ? {} : { phase: 'Failed' }), ...(why === undefined ? {} : { conditions: [condition] }) }
  const target = { ...targetOf(pod), subresource: 'status' }
  const mark = patch(
    pods,
    target,
    'strategic',
    { metadata: { uid: pod.metadata.uid }, status },
    {
      done: () => [remove(pods, pod, { gracePeriodSeconds: 0 })],
      failed: (error) => (isRefusal(error, 404) ? [] : undefined),
    },
  )
  return isFinished(pod) ? [remove(pods, pod, { gracePeriodSeconds: 0 })] : [mark]
}

const isOutOfService = (node: Node): boolean =>
  node.status?.conditions?.find((one) => one.type === 'Ready')?.status !== 'True' &&
  (node.spec.taints ?? []).some((taint) => taint.key === outOfServiceTaint)

/** One round over all pods: those of nodes that are gone, those that were deleted before they had a node, and ended ones in excess. */
export const planPodGarbage = (views: Views, missing: MissingSince, threshold: number, nowMs: number): Steps => {
  const all = [...views.view(pods).list()]
  const leaving = all.filter((pod) => pod.metadata.deletionTimestamp !== undefined)
  const ended = all.filter(isFinished)
  const surplus = threshold > 0 ? ended.sort(byUse).slice(0, Math.max(0, ended.length - threshold)) : []
  const stranded = leaving.filter((pod) => {
    const node = views.view(nodes).get(pod.spec.nodeName ?? '')
    return !pod.spec.nodeName || (node !== undefined && isOutOfService(node))
  })
  const lost = [...missing].filter(([, sinceMs]) => nowMs - sinceMs >= quarantineMs).map(([name]) => name)
  return [
    together([
      ...surplus.flatMap((pod) => forceRemove(pod, undefined, nowMs)),
      ...stranded.flatMap((pod) => forceRemove(pod, undefined, nowMs)),
      ...lost.map((name) => removeLost(name, all, nowMs)),
    ]),
    requeue(periodMs),
  ]
}

const removeLost = (name: string, all: readonly Pod[], nowMs: number): Step => {
  const orphans = all.filter((pod) => pod.spec.nodeName === name)
  const done = (node: Node | undefined): Steps =>
    node ? [] : [together(orphans.flatMap((pod) => forceRemove(pod, 'PodGC: node no longer exists', nowMs)))]
  return read(nodes, { name }, { done })
}
const byAge = (a: Pod, b: Pod): number =>
  a.metadata.creationTimestamp < b.metadata.creationTimestamp ||
  (a.metadata.creationTimestamp === b.metadata.creationTimestamp && a.metadata.name < b.metadata.name)
    ? -1
    : 1

const isEvicted = ({ status }: Pod): boolean => status?.phase === 'Failed' && status.reason === 'Evicted'
/** Evicted ones first, so that they do not crowd out what controllers count on. */
const byUse = (a: Pod, b: Pod): number => Number(isEvicted(b)) - Number(isEvicted(a)) || byAge(a, b)

export const podGarbageCollector = (threshold = 12_500): Controller => {
  let missing: MissingSince = new Map()
  const watches = [reading(pods), reading(nodes)]
  return {
    name: 'pod-garbage-collector-controller',
    account: 'pod-garbage-collector',
    component: 'pod-garbage-collector',
    watches: () => watches,
    initial: ['all pods'],
    plan: (_key, views, nowMs) => {
      missing = missingNodes(views, missing, nowMs)
      return planPodGarbage(views, missing, threshold, nowMs)
    },
  }
}
