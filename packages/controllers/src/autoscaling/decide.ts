import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerCondition,
  HorizontalPodAutoscalerStatus,
  MetricStatus,
  Pod,
} from '@skiff/api'
import { rfc3339 } from '@skiff/machinery'
import { limit } from './limits.ts'
import type { Memory } from './memory.ts'
import { type Answer, type Proposal, propose } from './propose.ts'
import { quantityTolerance } from './tolerance.ts'

/** A target's scale, as its subresource tells it. */
export interface Scale {
  readonly metadata: { readonly name: string; readonly resourceVersion?: string }
  readonly spec?: { readonly replicas?: number }
  readonly status?: { readonly replicas?: number; readonly selector?: string }
}

type Conditions = readonly HorizontalPodAutoscalerCondition[]
export type Told = readonly [type: 'Normal' | 'Warning', reason: string, message: string]

/** What is to be done about an autoscaler; `size` is absent where its target keeps its own. */
export interface Decision {
  readonly size?: number
  /** Why the size changes. */
  readonly why: string
  readonly status: HorizontalPodAutoscalerStatus
  readonly events: readonly Told[]
  readonly memory: Memory
}

/** Upstream keeps the place of a condition; its time is that of its last change of status. */
export const setCondition = (
  conditions: Conditions | undefined,
  type: string,
  status: 'True' | 'False',
  reason: string,
  message: string,
  nowMs: number,
): Conditions => {
  const held = conditions?.find((each) => each.type === type)
  const lastTransitionTime = held?.status === status ? held.lastTransitionTime : rfc3339(nowMs)
  const next = { type, status, reason, message, ...(lastTransitionTime ? { lastTransitionTime } : {}) }
  return held ? (conditions ?? []).map((each) => (each === held ? next : each)) : [...(conditions ?? []), next]
}

/** The status of before with what was seen now. */
export const statusWith = (
  { status }: HorizontalPodAutoscaler,
  currentReplicas: number,
  desiredReplicas: number,
  currentMetrics: readonly MetricStatus[],
  conditions: Conditions,
): HorizontalPodAutoscalerStatus => ({
  ...(status?.lastScaleTime ? { lastScaleTime: status.lastScaleTime } : {}),
  currentReplicas,
  desiredReplicas,
  ...(currentMetrics.length > 0 ? { currentMetrics } : {}),
  conditions,
})

export interface Observed {
  readonly scale: Scale
  /** Those of the scale's selector. */
  readonly pods: readonly Pod[]
  /** One a metric of the spec. */
  readonly answers: readonly Answer[]
}

/** Whether the size follows metrics now: a target at zero is left alone, one out of bounds is brought back first. */
export const outOfBounds = (
  { spec }: HorizontalPodAutoscaler,
  scale: Scale,
): { readonly size?: number; readonly why: string; readonly isOff?: true } | undefined => {
  const current = scale.spec?.replicas ?? 0
  const { minReplicas = 1, maxReplicas } = spec
  if (current === 0 && minReplicas !== 0) return { why: '', isOff: true }
  if (current > maxReplicas) return { size: maxReplicas, why: 'Current number of replicas above Spec.MaxReplicas' }
  if (current < minReplicas) return { size: minReplicas, why: 'Current number of replicas below Spec.MinReplicas' }
  return undefined
}

const off = 'scaling is disabled since the replica count of the target is zero'

/** Decides about an autoscaler whose scale was read, and whose metrics were asked for where its size follows them. */
export const decide = (hpa: HorizontalPodAutoscaler, seen: Observed, memory: Memory, nowMs: number): Decision => {
  const current = seen.scale.spec?.replicas ?? 0
  const before = setCondition(hpa.status?.conditions, 'AbleToScale', 'True', 'SucceededGetScale', couldGet, nowMs)
  const bound = outOfBounds(hpa, seen.scale)
  if (bound?.isOff) {
    const conditions = setCondition(before, 'ScalingActive', 'False', 'ScalingDisabled', off, nowMs)
    return { why: '', status: statusWith(hpa, current, current, [], conditions), events: [], memory }
  }
  if (bound?.size !== undefined)
    return { size: bound.size, why: bound.why, status: statusWith(hpa, current, bound.size, [], before), events: [], memory }
  return byMetrics(hpa, seen, memory, before, nowMs)
}

export const couldGet = "the HPA controller was able to get the target's current scale"

const byMetrics = (hpa: HorizontalPodAutoscaler, seen: Observed, memory: Memory, before: Conditions, nowMs: number): Decision => {
  const { namespace = '' } = hpa.metadata
  const { minReplicas = 1, maxReplicas: max, metrics = [] } = hpa.spec
  const current = seen.scale.spec?.replicas ?? 0
  const target = {
    replicas: current,
    statusReplicas: seen.scale.status?.replicas ?? 0,
    pods: seen.pods,
    tolerance: quantityTolerance(hpa.spec.behavior),
    nowMs,
  }
  const proposals = metrics.map((spec, index) => propose(spec, namespace, target, seen.answers[index] ?? { failure: 'not asked for' }))
  const { best, failures, events, statuses } = tally(proposals)
  const [failed] = failures
  // Not knowing all, it may grow and never shrink.
  if (failed && (!best || best.replicas < current)) {
    const error = `invalid metrics (${failures.length} invalid out of ${metrics.length}), first error is: ${failed.error}`
    const conditions = setCondition(before, 'ScalingActive', 'False', failed.reason, unable(failed.cause), nowMs)
    return {
      why: '',
      status: statusWith(hpa, current, hpa.status?.desiredReplicas ?? 0, statuses, conditions),
      events: [...events, ['Warning', 'FailedComputeMetricsReplicas', error]],
      memory,
    }
  }
  const { replicas: wanted, name } = best ?? { replicas: 0, name: '' }
  const active = setCondition(before, 'ScalingActive', 'True', 'ValidMetricFound', `${couldCompute} ${name}`, nowMs)
  const held = limit(hpa.spec, { current, min: minReplicas, max }, wanted, memory, nowMs)
  const able = setCondition(active, 'AbleToScale', 'True', held.ableReason, held.ableMessage, nowMs)
  const isLimited = held.replicas !== held.stabilized
  const conditions = setCondition(able, 'ScalingLimited', isLimited ? 'True' : 'False', held.limitReason, held.limitMessage, nowMs)
  return {
    ...(held.replicas === current ? {} : { size: held.replicas }),
    why: wanted > current ? `${name} above target` : wanted < current ? 'All metrics below target' : '',
    status: statusWith(hpa, current, held.replicas, statuses, conditions),
    events,
    memory: held.memory,
  }
}

const unable = (cause: string): string => `the HPA was unable to compute the replica count: ${cause}`
const couldCompute = 'the HPA was able to successfully calculate a replica count from'

type Made = Extract<Proposal, { readonly replicas: number }>
type Failed = Extract<Proposal, { readonly error: string }>

/** The highest proposal, the first of equals; a metric without a value still has its place in the status. */
const tally = (proposals: readonly Proposal[]) => {
  let best: Made | undefined
  const failures: Failed[] = []
  for (const proposal of proposals)
    if ('error' in proposal) failures.push(proposal)
    else if (!best || best.replicas === 0 || proposal.replicas > best.replicas) best = proposal
  const statuses = proposals.map((each): MetricStatus => ('error' in each ? { type: '' } : each.status))
  const events = failures.map(({ reason, cause }): Told => ['Warning', reason, cause])
  return { best, failures, events, statuses }
}
