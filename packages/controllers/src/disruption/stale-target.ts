import type { Pod } from '@skiff/api'
import { pod as pods } from '@skiff/api'
import { isRefusal, rfc3339 } from '@skiff/machinery'
import { conditionOf } from '../conditions.ts'
import { isFinished } from '../pods.ts'
import { patch, requeue, type Steps, targetOf } from '../runner/step.ts'

const type = 'DisruptionTarget'
// How long a pod may be about to be disrupted without being deleted.
const staleMs = 120_000

/** Said to be about to go, and not going. What a node agent says of its pods never becomes stale. */
export const isTarget = (pod: Pod): boolean => {
  const held = conditionOf(pod.status?.conditions, type)
  return (
    held?.status === 'True' && held.reason !== 'TerminationByKubelet' && pod.metadata.deletionTimestamp === undefined && !isFinished(pod)
  )
}

/** Takes the mark from a pod that was to be disrupted and was not. */
export const planStaleTarget = (pod: Pod, nowMs: number): Steps => {
  if (!isTarget(pod)) return []
  const sinceMs = Date.parse(conditionOf(pod.status?.conditions, type)?.lastTransitionTime ?? '') || 0
  const leftMs = sinceMs + staleMs - nowMs
  if (leftMs > 0) return [requeue(leftMs)]
  const condition = { type, status: 'False', reason: '', message: '', lastTransitionTime: rfc3339(nowMs) }
  const change = { metadata: { uid: pod.metadata.uid }, status: { conditions: [condition] } }
  const failed = (error: unknown): Steps | undefined => (isRefusal(error, 404) || isRefusal(error, 409) ? [] : undefined)
  return [patch(pods, { ...targetOf(pod), subresource: 'status' }, 'strategic', change, { failed })]
}
