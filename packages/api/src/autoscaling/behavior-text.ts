import type { HorizontalPodAutoscalerBehavior, HPAScalingPolicy, HPAScalingRules } from '../generated/types.ts'

// Upstream writes its internal type into the annotation, with the names that the fields have in Go.

interface PolicyText {
  readonly Type: string
  readonly Value: number
  readonly PeriodSeconds: number
}
interface RulesText {
  readonly StabilizationWindowSeconds: number | null
  readonly SelectPolicy: string | null
  readonly Policies: readonly PolicyText[] | null
  readonly Tolerance: string | null
}
export interface BehaviorText {
  readonly ScaleUp: RulesText | null
  readonly ScaleDown: RulesText | null
}

const policyText = ({ type, value, periodSeconds }: HPAScalingPolicy): PolicyText => ({
  Type: type,
  Value: value,
  PeriodSeconds: periodSeconds,
})
const rulesText = (rules: HPAScalingRules | undefined): RulesText | null =>
  rules === undefined
    ? null
    : {
        StabilizationWindowSeconds: rules.stabilizationWindowSeconds ?? null,
        SelectPolicy: rules.selectPolicy ?? null,
        Policies: rules.policies?.map(policyText) ?? null,
        Tolerance: rules.tolerance ?? null,
      }

export const behaviorText = ({ scaleUp, scaleDown }: HorizontalPodAutoscalerBehavior): BehaviorText => ({
  ScaleUp: rulesText(scaleUp),
  ScaleDown: rulesText(scaleDown),
})

const policyOf = ({ Type, Value, PeriodSeconds }: PolicyText): HPAScalingPolicy => ({
  type: String(Type ?? ''),
  value: Number(Value ?? 0),
  periodSeconds: Number(PeriodSeconds ?? 0),
})
const rulesOf = (text: RulesText): HPAScalingRules => ({
  ...(text.StabilizationWindowSeconds == null ? {} : { stabilizationWindowSeconds: Number(text.StabilizationWindowSeconds) }),
  ...(text.SelectPolicy == null ? {} : { selectPolicy: String(text.SelectPolicy) }),
  ...(text.Policies == null ? {} : { policies: text.Policies.map(policyOf) }),
})

/** Undefined when the text says nothing. */
export const behaviorOf = ({ ScaleUp, ScaleDown }: BehaviorText): HorizontalPodAutoscalerBehavior | undefined =>
  ScaleUp || ScaleDown
    ? { ...(ScaleUp ? { scaleUp: rulesOf(ScaleUp) } : {}), ...(ScaleDown ? { scaleDown: rulesOf(ScaleDown) } : {}) }
    : undefined
