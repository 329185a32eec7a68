import type { Pod } from '@skiff/api'
import { isReady, readySinceMs, restartsOf } from '../pods.ts'

const costAnnotation = 'controller.kubernetes.io/pod-deletion-cost'
const phaseOrder: Record<string, number> = { Pending: 0, Unknown: 1, Running: 2 }

const costOf = (pod: Pod): number => {
  const text = pod.metadata.annotations?.[costAnnotation]
  const cost = text !== undefined && /^(0|[1-9][0-9]*|-[0-9]+)$/.test(text) ? Number(text) : 0
  // Validation admits only such integers, of 32 bits; anything else counts as no cost.
  return Math.abs(cost) < 2 ** 31 ? cost : 0
}

/** Pods that lived for about as long are alike: upstream compares the logarithm of their ages. */
const ageRank = (sinceMs: number, nowMs: number): number => (nowMs - sinceMs > 0 ? Math.trunc(Math.log2((nowMs - sinceMs) * 1e6)) : -1)

/** Sorts the pods that are missed least to the front. `neighbours` counts related pods on a pod's node. */
export const leastUseful = (pods: readonly Pod[], neighbours: (pod: Pod) => number, nowMs: number): Pod[] => {
  const facts = new Map(
    pods.map((pod) => [pod, { cost: costOf(pod), ready: isReady(pod), neighbours: neighbours(pod), restarts: restartsOf(pod) }]),
  )
  const compare = (a: Pod, b: Pod): number => {
    const left = facts.get(a)
    const right = facts.get(b)
    if (!left || !right) return 0
    return (
      Number(Boolean(a.spec.nodeName)) - Number(Boolean(b.spec.nodeName)) ||
      (phaseOrder[a.status?.phase ?? 'Pending'] ?? 0) - (phaseOrder[b.status?.phase ?? 'Pending'] ?? 0) ||
      Number(left.ready) - Number(right.ready) ||
      left.cost - right.cost ||
      right.neighbours - left.neighbours ||
      (left.ready && right.ready ? byAge(readySinceMs(a), readySinceMs(b), a, b, nowMs) : 0) ||
      right.restarts.most - left.restarts.most ||
      right.restarts.sidecars - left.restarts.sidecars ||
      byAge(Date.parse(a.metadata.creationTimestamp), Date.parse(b.metadata.creationTimestamp), a, b, nowMs)
    )
  }
  return [...pods].sort(compare)
}

/** The younger first; an unknown age is the youngest; of the same magnitude, the smaller uid. Equal times decide nothing. */
const byAge = (aMs: number | undefined, bMs: number | undefined, a: Pod, b: Pod, nowMs: number): number => {
  if (aMs === bMs) return 0
  if (aMs === undefined) return -1
  if (bMs === undefined) return 1
  return ageRank(aMs, nowMs) - ageRank(bMs, nowMs) || (a.metadata.uid < b.metadata.uid ? -1 : 1)
}

/** As `leastUseful`, for Jobs: without costs and neighbours, and ages are compared as they are. */
export const leastActive = (pods: readonly Pod[]): Pod[] => {
  const facts = new Map(pods.map((pod) => [pod, { ready: readySinceMs(pod), restarts: restartsOf(pod) }]))
  const compare = (a: Pod, b: Pod): number => {
    const [left, right] = [facts.get(a), facts.get(b)]
    if (!left || !right) return 0
    return (
      Number(Boolean(a.spec.nodeName)) - Number(Boolean(b.spec.nodeName)) ||
      (phaseOrder[a.status?.phase ?? 'Pending'] ?? 0) - (phaseOrder[b.status?.phase ?? 'Pending'] ?? 0) ||
      Number(isReady(a)) - Number(isReady(b)) ||
      (right.ready ?? 0) - (left.ready ?? 0) ||
      right.restarts.most - left.restarts.most ||
      right.restarts.sidecars - left.restarts.sidecars ||
      Date.parse(b.metadata.creationTimestamp) - Date.parse(a.metadata.creationTimestamp)
    )
  }
  return [...pods].sort(compare)
}
