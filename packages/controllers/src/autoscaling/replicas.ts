import type { Pod } from '@skiff/api'
import { isReady } from '../pods.ts'
import { groupPods, type PodGroups, type PodMetrics, requestsOf } from './pod-groups.ts'

/** How far use may be from the target before anything is done: 0.1 is a tenth. */
export interface Tolerance {
  readonly up: number
  readonly down: number
}
const isWithin = ({ up, down }: Tolerance, ratio: number): boolean => 1 - down <= ratio && ratio <= 1 + up

/** What an autoscaler's target is at. */
export interface Target {
  /** spec.replicas of its scale. */
  readonly replicas: number
  /** status.replicas of its scale. */
  readonly statusReplicas: number
  readonly pods: readonly Pod[]
  readonly tolerance: Tolerance
  readonly nowMs: number
}

const noPods = 'no pods returned by selector while calculating replica count'
const noMetrics = 'did not receive metrics for targeted pods (pods might be unready)'
const mostReplicas = 2 ** 31 - 1

type Ratio = (milliByPod: ReadonlyMap<string, number>) => number
const values = (metrics: PodMetrics): Map<string, number> => new Map([...metrics].map(([name, { milli }]) => [name, milli]))
const total = (numbers: Iterable<number>): number => [...numbers].reduce((sum, one) => sum + one, 0)

/**
 * Upstream's rule for metrics of pods: what pods without a metric would use is guessed against the change, `fallback` when
 * shrinking and nothing when growing, and a guess never turns the direction.
 */
const replicasFor = (
  { replicas, tolerance }: Target,
  { readyCount, unready, missing, metrics }: PodGroups,
  ratioOf: Ratio,
  fallback: (pod: string) => number,
): number => {
  const known = values(metrics)
  const ratio = ratioOf(known)
  const growsWithUnready = unready.length > 0 && ratio > 1
  if (!growsWithUnready && missing.length === 0) return isWithin(tolerance, ratio) ? replicas : Math.ceil(ratio * readyCount)
  if (ratio !== 1) for (const name of missing) known.set(name, ratio < 1 ? fallback(name) : 0)
  if (growsWithUnready) for (const name of unready) known.set(name, 0)
  const guessed = ratioOf(known)
  if (isWithin(tolerance, guessed) || (ratio < 1 && guessed > 1) || (ratio > 1 && guessed < 1)) return replicas
  const next = Math.ceil(guessed * known.size)
  return (guessed < 1 && next > replicas) || (guessed > 1 && next < replicas) ? replicas : next
}

/** By use as a share of what the pods ask for. Throws an Error in upstream's words. */
export const byUtilization = (
  target: Target,
  metrics: PodMetrics,
  targetPercent: number,
  resource: string,
  container?: string,
): { readonly replicas: number; readonly percent: number; readonly averageMilli: number } => {
  const { pods, nowMs } = target
  if (pods.length === 0) throw new Error(noPods)
  const groups = groupPods(pods, metrics, resource, nowMs)
  if (groups.metrics.size === 0) throw new Error(noMetrics)
  const requests = requestsOf(pods, container, resource)
  const measure = (known: ReadonlyMap<string, number>) => {
    const asked = [...known].filter(([name]) => requests.has(name))
    const requested = total(asked.map(([name]) => requests.get(name) as number))
    if (requested === 0) throw new Error('no metrics returned matched known pods')
    const used = total(asked.map(([, milli]) => milli))
    return { percent: Math.trunc((used * 100) / requested), averageMilli: Math.trunc(used / asked.length) }
  }
  const ratioOf: Ratio = (known) => measure(known).percent / targetPercent
  // Shrinking, a pod without a metric uses all that it asks for, or the target where that is more.
  const fallback = (name: string) => Math.trunc(((requests.get(name) as number) * Math.max(100, targetPercent)) / 100)
  const replicas = replicasFor(target, groups, ratioOf, fallback)
  return { replicas, ...measure(values(groups.metrics)) }
}

/** By use as it is, a pod. Throws an Error in upstream's words. */
export const byAverage = (
  target: Target,
  metrics: PodMetrics,
  targetMilli: number,
  resource: string,
): { readonly replicas: number; readonly averageMilli: number } => {
  if (target.pods.length === 0) throw new Error(noPods)
  const groups = groupPods(target.pods, metrics, resource, target.nowMs)
  if (groups.metrics.size === 0) throw new Error(noMetrics)
  const average = (known: ReadonlyMap<string, number>) => Math.trunc(total(known.values()) / known.size)
  const replicas = replicasFor(
    target,
    groups,
    (known) => average(known) / targetMilli,
    () => targetMilli,
  )
  return { replicas, averageMilli: average(values(groups.metrics)) }
}

/** By one value for all pods together. Throws an Error in upstream's words. */
export const byValue = ({ replicas, pods, tolerance }: Target, valueMilli: number, targetMilli: number): number => {
  const ratio = valueMilli / targetMilli
  if (replicas === 0) return Math.ceil(ratio)
  if (isWithin(tolerance, ratio)) return replicas
  if (pods.length === 0) throw new Error(`unable to calculate ready pods: ${noPods}`)
  const ready = pods.filter((pod) => pod.status?.phase === 'Running' && isReady(pod)).length
  return Math.min(mostReplicas, Math.ceil(ratio * ready))
}

/** By one value that the pods share. */
export const byShare = (
  { statusReplicas, tolerance }: Target,
  valueMilli: number,
  targetMilli: number,
): { readonly replicas: number; readonly averageMilli: number } => {
  const isFine = isWithin(tolerance, valueMilli / (targetMilli * statusReplicas))
  return {
    replicas: isFine ? statusReplicas : Math.min(mostReplicas, Math.ceil(valueMilli / targetMilli)),
    averageMilli: statusReplicas > 0 ? Math.ceil(valueMilli / statusReplicas) : valueMilli,
  }
}
