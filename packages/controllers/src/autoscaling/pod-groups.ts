import type { Container, Pod } from '@skiff/api'
import { milliValue } from '@skiff/machinery'
import { conditionOf } from '../conditions.ts'

/** One pod's metric, in thousandths of its unit. */
export interface PodMetric {
  readonly atMs: number
  readonly windowMs: number
  readonly milli: number
}
export type PodMetrics = ReadonlyMap<string, PodMetric>

// Upstream's defaults of --horizontal-pod-autoscaler-cpu-initialization-period and -initial-readiness-delay.
const cpuInitializationMs = 300_000
const initialReadinessDelayMs = 30_000

export interface PodGroups {
  readonly readyCount: number
  /** Names of pods whose metric does not count yet. */
  readonly unready: readonly string[]
  /** Names of pods that have none. */
  readonly missing: readonly string[]
  /** Of the other pods. */
  readonly metrics: PodMetrics
}

/** Which pods count: those being deleted or failed never do. `resource` is '' for metrics that are no resource. */
export const groupPods = (pods: readonly Pod[], metrics: PodMetrics, resource: string, nowMs: number): PodGroups => {
  const unready: string[] = []
  const missing: string[] = []
  const counted = new Map(metrics)
  let readyCount = 0
  for (const pod of pods) {
    const { name, deletionTimestamp } = pod.metadata
    const metric = metrics.get(name)
    if (deletionTimestamp !== undefined || pod.status?.phase === 'Failed') counted.delete(name)
    else if (pod.status?.phase === 'Pending') {
      unready.push(name)
      counted.delete(name)
    } else if (!metric) missing.push(name)
    else if (resource === 'cpu' && isWarmingUp(pod, metric, nowMs)) {
      unready.push(name)
      counted.delete(name)
    } else readyCount += 1
  }
  return { readyCount, unready, missing, metrics: counted }
}

/** The use of a pod that starts is no measure of its load. */
const isWarmingUp = ({ status }: Pod, metric: PodMetric, nowMs: number): boolean => {
  const condition = conditionOf(status?.conditions, 'Ready')
  if (!condition || !status?.startTime) return true
  const startMs = Date.parse(status.startTime)
  const changedMs = Date.parse(condition.lastTransitionTime ?? '') || 0
  if (startMs + cpuInitializationMs > nowMs) return condition.status === 'False' || metric.atMs < changedMs + metric.windowMs
  // Never ready since it started.
  return condition.status === 'False' && startMs + initialReadinessDelayMs > changedMs
}

/** What counts of a pod: its containers and those init containers that run beside them. */
const runningContainers = ({ spec }: Pod): readonly Container[] => [
  ...spec.containers,
  ...(spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always'),
]

/** Requests of each pod in thousandths; of one container alone where it is named. Throws an Error for one that asks for nothing. */
export const requestsOf = (pods: readonly Pod[], container: string | undefined, resource: string): ReadonlyMap<string, number> =>
  new Map(
    pods.map((pod) => {
      let milli = 0
      for (const { name, resources } of runningContainers(pod)) {
        if (container !== undefined && container !== name) continue
        const requests: Readonly<Record<string, string>> = resources?.requests ?? {}
        const request = Object.hasOwn(requests, resource) ? requests[resource] : undefined
        if (request === undefined) throw new Error(`missing request for ${resource} in container ${name} of Pod ${pod.metadata.name}`)
        milli += milliValue(request)
      }
      return [pod.metadata.name, milli] as const
    }),
  )
