import type { HorizontalPodAutoscalerSpec, HPAScalingRules } from '@skiff/api'
import { changedWithin, type Memory, recommended } from './memory.ts'

/** The usual time that recommendations to shrink have to hold. */
export const downWindowMs = 300_000

/** A size with why it is not another one, as the conditions tell it. */
export interface Limited {
  readonly replicas: number
  /** The recommendation once the recent ones were heard. */
  readonly stabilized: number
  readonly memory: Memory
  readonly ableReason: string
  readonly ableMessage: string
  readonly limitReason: string
  readonly limitMessage: string
}

interface Bounds {
  readonly current: number
  readonly min: number
  readonly max: number
}

const ready = ['ReadyForNewScale', 'recommended size matches current size'] as const
const heldUp = [
  'ScaleUpStabilized',
  'recent recommendations were lower than current one, applying the lowest recent recommendation',
] as const
const heldDown = [
  'ScaleDownStabilized',
  'recent recommendations were higher than current one, applying the highest recent recommendation',
] as const

const within = ['DesiredWithinRange', 'the desired count is within the acceptable range'] as const
const tooFew = ['TooFewReplicas', 'the desired replica count is less than the minimum replica count'] as const
const tooMany = ['TooManyReplicas', 'the desired replica count is more than the maximum replica count'] as const
const upLimit = ['ScaleUpLimit', 'the desired replica count is increasing faster than the maximum scale rate'] as const
const downLimit = ['ScaleDownLimit', 'the desired replica count is decreasing faster than the maximum scale rate'] as const

type Told = readonly [reason: string, message: string]
const limited = (stabilized: number, memory: Memory, able: Told, [replicas, limit]: readonly [number, Told]): Limited => ({
  replicas,
  stabilized,
  memory,
  ableReason: able[0],
  ableMessage: able[1],
  limitReason: limit[0],
  limitMessage: limit[1],
})

/** The limits of an autoscaler, in seconds of upstream's own rules where its spec says nothing of behaviour. */
export const limit = (
  spec: Pick<HorizontalPodAutoscalerSpec, 'behavior'>,
  bounds: Bounds,
  wanted: number,
  memory: Memory,
  nowMs: number,
): Limited => (spec.behavior ? byBehaviour(spec.behavior, bounds, wanted, memory, nowMs) : byDefault(bounds, wanted, memory, nowMs))

const byDefault = (bounds: Bounds, wanted: number, memory: Memory, nowMs: number): Limited => {
  const recent = memory.recommendations.filter(({ atMs }) => atMs >= nowMs - downWindowMs)
  const stabilized = Math.max(wanted, ...recent.map(({ replicas }) => replicas))
  const able = stabilized === wanted ? ready : heldDown
  return limited(stabilized, recommended(memory, wanted, downWindowMs, nowMs), able, withDefaultRate(bounds, stabilized))
}

/** Upstream's guard against a wrong reading: at most twice the size, or four. */
const withDefaultRate = ({ current, min, max }: Bounds, wanted: number): readonly [number, Told] => {
  const fastest = Math.max(2 * current, 4)
  const [most, why] = max > fastest ? ([fastest, upLimit] as const) : ([max, tooMany] as const)
  if (wanted < min) return [min, tooFew]
  return wanted > most ? [most, why] : [wanted, within]
}

type Behaviour = NonNullable<HorizontalPodAutoscalerSpec['behavior']>

const byBehaviour = ({ scaleUp, scaleDown }: Behaviour, bounds: Bounds, wanted: number, memory: Memory, nowMs: number): Limited => {
  const upMs = (scaleUp?.stabilizationWindowSeconds ?? 0) * 1_000
  const downMs = scaleDown?.stabilizationWindowSeconds === undefined ? downWindowMs : scaleDown.stabilizationWindowSeconds * 1_000
  const since = (windowMs: number) => memory.recommendations.filter(({ atMs }) => atMs > nowMs - windowMs).map(({ replicas }) => replicas)
  const lowest = Math.min(wanted, ...since(upMs))
  const highest = Math.max(wanted, ...since(downMs))
  const stabilized = Math.min(Math.max(bounds.current, lowest), highest)
  const able = stabilized === wanted ? ready : wanted >= bounds.current ? heldUp : heldDown
  const next = recommended(memory, wanted, Math.max(upMs, downMs), nowMs)
  return limited(stabilized, next, able, withPolicies({ scaleUp, scaleDown }, bounds, stabilized, memory, nowMs))
}

const withPolicies = (
  { scaleUp, scaleDown }: { readonly scaleUp: HPAScalingRules | undefined; readonly scaleDown: HPAScalingRules | undefined },
  { current, min, max }: Bounds,
  wanted: number,
  memory: Memory,
  nowMs: number,
): readonly [number, Told] => {
  if (wanted > current) {
    const fastest = Math.max(current, highestAllowed(scaleUp, current, memory, nowMs))
    const [most, why] = max > fastest ? ([fastest, upLimit] as const) : ([max, tooMany] as const)
    if (wanted > most) return [most, why]
  } else if (wanted < current) {
    const fastest = Math.min(current, lowestAllowed(scaleDown, current, memory, nowMs))
    const [least, why] = min < fastest ? ([fastest, downLimit] as const) : ([min, tooFew] as const)
    if (wanted < least) return [least, why]
  }
  return [wanted, within]
}

/** Sizes that the policies allow, each counted from the size at the start of its period. */
const allowed = (rules: HPAScalingRules | undefined, current: number, memory: Memory, nowMs: number, sign: 1 | -1): readonly number[] =>
  (rules?.policies ?? []).map(({ type, value, periodSeconds }) => {
    const start = current - changedWithin(memory.ups, periodSeconds, nowMs) + changedWithin(memory.downs, periodSeconds, nowMs)
    if (type === 'Pods') return start + sign * value
    // Rounded up when growing: a small share of a few must not be nothing for ever.
    const share = start * (1 + (sign * value) / 100)
    return sign === 1 ? Math.ceil(share) : Math.trunc(share)
  })

const highestAllowed = (rules: HPAScalingRules | undefined, current: number, memory: Memory, nowMs: number): number => {
  if (rules?.selectPolicy === 'Disabled') return current
  const sizes = allowed(rules, current, memory, nowMs, 1)
  return rules?.selectPolicy === 'Min' ? Math.min(...sizes) : Math.max(...sizes)
}
const lowestAllowed = (rules: HPAScalingRules | undefined, current: number, memory: Memory, nowMs: number): number => {
  if (rules?.selectPolicy === 'Disabled') return current
  const sizes = allowed(rules, current, memory, nowMs, -1)
  return rules?.selectPolicy === 'Min' ? Math.max(...sizes) : Math.min(...sizes)
}

/** The longest period that any policy looks back: each counts changes of both directions. */
export const longestPeriod = ({ scaleUp, scaleDown }: Behaviour): number =>
  Math.max(0, ...[...(scaleUp?.policies ?? []), ...(scaleDown?.policies ?? [])].map(({ periodSeconds }) => periodSeconds))
