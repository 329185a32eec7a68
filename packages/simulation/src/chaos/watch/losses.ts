import type { Node, Pod, Taint, Toleration } from '@skiff/api'
import type { Call } from '@skiff/client'
import { controllerOf, keyOf } from '@skiff/machinery'
import { isOver } from '../cluster-state.ts'
import type { OwnerParts } from './owners.ts'

export interface Losses {
  /** A node's agent falls silent, or speaks again. */
  died(node: string): void
  revived(node: string): void
  /** A user asks for a pod to go at once, whatever runs. */
  forced(uid: string): void
  /** A call of the controllers. */
  see(call: Call): void
  /** Pods that were driven off their nodes. */
  readonly evicted: number
  stop(): void
}

const sweepMs = 10_000
const slackMs = 60_000
// A write may be on its way when the agent dies.
const lastWordsMs = 20_000

const covers = (toleration: Toleration, taint: Taint): boolean =>
  (!toleration.effect || toleration.effect === taint.effect) &&
  (!toleration.key || toleration.key === taint.key) &&
  (toleration.operator === 'Exists' || (toleration.value ?? '') === (taint.value ?? ''))

/** When taints drive the pod off the node, on the clock that `sinceMs` goes by; undefined: never. */
const leavesAtMs = ({ spec }: Pod, node: Node | undefined, sinceMs: (taint: Taint) => number): number | undefined => {
  const ends = (node?.spec.taints ?? [])
    .filter(({ effect }) => effect === 'NoExecute')
    .flatMap((taint) => {
      const toleration = spec.tolerations?.find((each) => covers(each, taint))
      if (toleration && toleration.tolerationSeconds === undefined) return []
      return [toleration ? sinceMs(taint) + (toleration.tolerationSeconds ?? 0) * 1_000 : 0]
    })
  return ends.length > 0 ? Math.min(...ends) : undefined
}

/** By the clocks on the wall. One without a time counts from always. */
const addedMs = ({ timeAdded = '' }: Taint): number => Date.parse(timeAdded) || 0

const isDrivenOff = (pod: Pod | undefined): boolean =>
  pod?.status?.conditions?.some(({ reason, status }) => reason === 'DeletionByTaintManager' && status === 'True') ?? false

/** Pods of a node that dies leave it when their tolerations end, no sooner and no later, each once; and none is replaced that may still run. */
export const watchLosses = ({ truth, calm, env, wrong }: OwnerParts): Losses => {
  const { now } = truth
  const deadSinceMs = new Map<string, number>()
  const leavingSinceMs = new Map<string, number>()
  const overdueSinceMs = new Map<string, number>()
  const forced = new Set<string>()
  let evicted = 0

  const drivenOff = (pod: Pod): void => {
    evicted += 1
    const sinceMs = env.monotonicMs() - calm.lagMs('controllers')
    const wallMs = calm.latestWallMs()
    const isDue = (leavesMs: number | undefined) => leavesMs !== undefined && leavesMs <= wallMs
    if (!truth.ever(sinceMs, ({ nodes }) => isDue(leavesAtMs(pod, nodes.get(pod.spec.nodeName ?? ''), addedMs))))
      wrong.push(`${keyOf(pod)} was driven off ${pod.spec.nodeName} before its time`)
  }
  const gone = (pod: Pod): void => {
    const { nodeName = '' } = pod.spec
    const silentMs = env.monotonicMs() - (deadSinceMs.get(nodeName) ?? Number.POSITIVE_INFINITY)
    if (controllerOf(pod)?.kind !== 'StatefulSet' || isOver(pod) || silentMs < lastWordsMs || forced.has(pod.metadata.uid)) return
    // Of a node that was deleted nothing runs any more.
    if (truth.ever(env.monotonicMs() - calm.longMs, ({ nodes }) => !nodes.has(nodeName))) return
    wrong.push(`${keyOf(pod)} was given up, though it may still run on ${nodeName}`)
  }
  truth.on('pods', ({ before, after }) => {
    const isSame = before?.metadata.uid === after?.metadata.uid
    if (before && !isSame) gone(before)
    if (!after) return
    if (isDrivenOff(after) && !(isSame && isDrivenOff(before))) drivenOff(after)
    if (after.metadata.deletionTimestamp && !leavingSinceMs.has(after.metadata.uid))
      leavingSinceMs.set(after.metadata.uid, env.monotonicMs())
  })

  /** Since when the node has had its taints, on the clock that does not jump. */
  const taintedMs = new Map<string, Map<string, number>>()
  truth.on('nodes', ({ key, after }) => {
    const held = taintedMs.get(key)
    const taints = (after?.spec.taints ?? []).map((taint) => JSON.stringify(taint))
    taintedMs.set(key, new Map(taints.map((text) => [text, held?.get(text) ?? env.monotonicMs()])))
  })
  const lookForOverdue = (): void => {
    const nowMs = env.monotonicMs()
    const isQuiet = calm.quietMs('controllers') > slackMs && calm.quietMs('nodes') > slackMs
    for (const pod of now.pods.values()) {
      const { uid, deletionTimestamp } = pod.metadata
      const { nodeName = '' } = pod.spec
      const sinceMs = (taint: Taint) => taintedMs.get(nodeName)?.get(JSON.stringify(taint)) ?? nowMs
      const leavesMs = leavesAtMs(pod, now.nodes.get(nodeName), sinceMs)
      const isOverdue = isQuiet && !deletionTimestamp && !isOver(pod) && leavesMs !== undefined && leavesMs < nowMs
      if (!isOverdue) overdueSinceMs.delete(uid)
      else if (!overdueSinceMs.has(uid)) overdueSinceMs.set(uid, nowMs)
      else if (nowMs - (overdueSinceMs.get(uid) as number) > slackMs + calm.jumpsMs()) {
        wrong.push(`${keyOf(pod)} stays on ${pod.spec.nodeName} past its tolerations`)
        overdueSinceMs.set(uid, Number.POSITIVE_INFINITY)
      }
    }
    cancel = env.after(sweepMs, lookForOverdue)
  }
  let cancel = env.after(sweepMs, lookForOverdue)
  return {
    died: (node) => {
      if (!deadSinceMs.has(node)) deadSinceMs.set(node, env.monotonicMs())
    },
    revived: (node) => void deadSinceMs.delete(node),
    forced: (uid) => void forced.add(uid),
    see: ({ verb, resource, subresource, body }) => {
      if (verb !== 'delete' || resource !== 'pods' || subresource || !body || !('object' in body)) return
      const { preconditions, gracePeriodSeconds } = body.object as {
        readonly preconditions?: { readonly uid?: string }
        readonly gracePeriodSeconds?: number
      }
      const sinceMs = leavingSinceMs.get(preconditions?.uid ?? '')
      if (sinceMs === undefined || gracePeriodSeconds === 0) return
      if (env.monotonicMs() - sinceMs > calm.lagMs('controllers')) wrong.push(`the pod ${preconditions?.uid} is deleted again`)
    },
    get evicted() {
      return evicted
    },
    stop: () => cancel(),
  }
}
