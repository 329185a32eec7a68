import type { Node, Pod, Taint } from '@skiff/api'
import { node as nodes, pod as pods } from '@skiff/api'
import type { Views } from '@skiff/client'
import { isRefusal, keyOf, rfc3339, splitKey } from '@skiff/machinery'
import { conditionOf } from '../conditions.ts'
import { type Controller, objectController, watching } from '../runner/controller.ts'
import { event, patch, remove, requeue, type Step, type Steps, targetOf } from '../runner/step.ts'
import { same } from '../same.ts'
import { nodeNameIndex } from './lifecycle.ts'
import { mustLeaveAtMs } from './tolerations.ts'

const evicting = (node: Node | undefined): readonly Taint[] => (node?.spec.taints ?? []).filter((taint) => taint.effect === 'NoExecute')

/** Since when the pod is on its node: a taint that was there before counts from then. */
const arrivedMs = ({ metadata, status }: Pod): number => {
  const scheduled = conditionOf(status?.conditions, 'PodScheduled')
  return Date.parse((scheduled?.status === 'True' && scheduled.lastTransitionTime) || metadata.creationTimestamp)
}

/**
 * Removes a pod from a node whose taint it does not tolerate, or no longer does. `heldMs`: when it was to leave so far, which taints that
 * come later do not put off.
 */
export const planEviction = (
  pod: Pod,
  views: Views,
  nowMs: number,
  sinceMs: (node: string, taint: Taint) => number,
  heldMs?: number,
): Steps => {
  const { nodeName } = pod.spec
  if (!nodeName || pod.metadata.deletionTimestamp !== undefined) return []
  const taints = evicting(views.view(nodes).get(nodeName))
  if (taints.length === 0) return []
  const arrival = arrivedMs(pod)
  const ownMs = mustLeaveAtMs(pod, taints, (taint) => Math.max(arrival, sinceMs(nodeName, taint)))
  if (ownMs === undefined) return []
  const leaveMs = ownMs === 0 ? 0 : (heldMs ?? ownMs)
  if (leaveMs > nowMs) return [requeue(leaveMs - nowMs)]
  const condition = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'DeletionByTaintManager',
    message: 'Taint manager: deleting due to NoExecute taint',
    lastTransitionTime: rfc3339(nowMs),
  }
  return [
    event(pod, 'Normal', 'TaintManagerEviction', `Marking for deletion Pod ${keyOf(pod)}`),
    patch(
      pods,
      { ...targetOf(pod), subresource: 'status' },
      'strategic',
      { metadata: { uid: pod.metadata.uid }, status: { conditions: [condition] } },
      { failed: (error) => (isRefusal(error, 404) ? [] : undefined) },
    ),
    remove(pods, pod),
  ]
}

/** Told of a pod that was to leave later, and may stay after all; and as upstream does, of each one that is gone. */
const cancelled = (key: string): Step => {
  const { namespace, name = '' } = splitKey(key)
  const about = { kind: 'Pod', apiVersion: 'v1', ...(namespace ? { namespace } : {}), name }
  return event(about, 'Normal', 'TaintManagerEviction', `Cancelling deletion of Pod ${key}`)
}

export const taintEvictionController = (): Controller => {
  /** Pods that leave when their tolerations end, and when that is. Those that were told to leave stay in it until they are gone. */
  const leaving = new Map<string, { readonly uid: string; readonly atMs: number }>()
  // Taints that users set carry no time: they count from when they were first seen.
  const firstSeen = new Map<string, Map<string, number>>()
  const idOf = ({ key, value = '' }: Taint) => `${key}=${value}`
  const note = (node: Node, nowMs: number): void => {
    const held = firstSeen.get(node.metadata.name)
    const taints = evicting(node)
    if (taints.length === 0) firstSeen.delete(node.metadata.name)
    else firstSeen.set(node.metadata.name, new Map(taints.map((taint) => [idOf(taint), held?.get(idOf(taint)) ?? nowMs])))
  }
  return objectController({
    name: 'taint-eviction-controller',
    account: 'node-controller',
    resource: pods,
    // Of pods on nodes without such taints, nearly all, nothing needs planning; taints that come ask for all pods of their node.
    concerns: ({ key, after }, views) =>
      leaving.has(key) || (after?.spec.nodeName !== undefined && evicting(views.view(nodes).get(after.spec.nodeName)).length > 0),
    watches: [
      watching<Pod>({ resource: pods, keys: () => [], indexes: nodeNameIndex }),
      watching<Node>({
        resource: nodes,
        keys: ({ before, after }, views, nowMs) => {
          if (!after) {
            firstSeen.delete(before?.metadata.name ?? '')
            return []
          }
          note(after, nowMs)
          if (same(evicting(before), evicting(after))) return []
          return views.view(pods).indexed('nodeName', after.metadata.name).map(keyOf)
        },
      }),
    ],
    plan: (pod, views, nowMs) => {
      const sinceMs = (node: string, taint: Taint) => Date.parse(taint.timeAdded ?? '') || (firstSeen.get(node)?.get(idOf(taint)) ?? nowMs)
      const key = keyOf(pod)
      const held = leaving.get(key)
      const { uid, deletionTimestamp } = pod.metadata
      // Told when it is gone.
      if (deletionTimestamp !== undefined) return []
      const steps = planEviction(pod, views, nowMs, sinceMs, held?.uid === uid ? held.atMs : undefined)
      const [first] = steps
      if (first) leaving.set(key, { uid, atMs: nowMs + (first.do === 'requeue' ? first.afterMs : 0) })
      else leaving.delete(key)
      return held && steps.length === 0 ? [cancelled(key)] : steps
    },
    gone: (key) => (leaving.delete(key) ? [cancelled(key)] : []),
  })
}
