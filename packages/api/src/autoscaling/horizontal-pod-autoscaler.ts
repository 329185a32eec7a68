import { forbiddenField, invalidValue, notSupported, quantitySign, required, wasSentEmpty } from '@skiff/machinery'
import { checkNonNegative, collect, type Faults } from '../checks/faults.ts'
import { withField } from '../defaults/patch.ts'
import { isOn } from '../features/scope.ts'
import { autoscalingV1HorizontalPodAutoscaler as v1Resource, horizontalPodAutoscaler as v2Resource } from '../generated/resources.ts'
import type {
  AutoscalingV1HorizontalPodAutoscaler,
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerSpec,
  HorizontalPodAutoscalerStatus,
  HPAScalingPolicy,
  HPAScalingRules,
} from '../generated/types.ts'
import { type Behaviour, defineKind } from '../kind.ts'
import { cpuTarget } from './cpu-target.ts'
import { hpaFromV1, withOldSpecNotes, withOldStatusNotes } from './hpa-conversion.ts'
import { checkMetric, checkReference } from './metrics.ts'

const longestWindow = 3600
const longestPeriod = 1800

const policy = (type: string, value: number): HPAScalingPolicy => ({ type, value, periodSeconds: 15 })
const scaleUp: HPAScalingRules = {
  stabilizationWindowSeconds: 0,
  selectPolicy: 'Max',
  policies: [policy('Pods', 4), policy('Percent', 100)],
}
const scaleDown: HPAScalingRules = { selectPolicy: 'Max', policies: [policy('Percent', 100)] }

/** A list of policies without one is kept as it is, and refused. */
const withRules = (defaults: HPAScalingRules, given: HPAScalingRules | undefined): HPAScalingRules => ({
  ...defaults,
  ...(wasSentEmpty(given, 'policies') ? { policies: [] } : {}),
  ...given,
})

const withDefaults = (object: HorizontalPodAutoscaler): HorizontalPodAutoscaler => {
  let spec = object.spec
  if (spec.minReplicas === undefined) spec = { ...spec, minReplicas: 1 }
  if (!spec.metrics?.length) spec = { ...spec, metrics: [cpuTarget(80)] }
  if (spec.behavior)
    spec = withField(spec, 'behavior', {
      scaleUp: withRules(scaleUp, spec.behavior.scaleUp),
      scaleDown: withRules(scaleDown, spec.behavior.scaleDown),
    })
  return withField(object, 'spec', spec)
}

const checkSpec = (faults: Faults, spec: HorizontalPodAutoscalerSpec, fewest: number): void => {
  const { minReplicas, maxReplicas = 0 } = spec
  if (minReplicas !== undefined && minReplicas < fewest)
    faults.push(invalidValue('spec.minReplicas', minReplicas, `must be greater than or equal to ${fewest}`))
  if (maxReplicas < 1) faults.push(invalidValue('spec.maxReplicas', maxReplicas, 'must be greater than 0'))
  if (minReplicas !== undefined && maxReplicas < minReplicas)
    faults.push(invalidValue('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`'))
  checkReference(faults, spec.scaleTargetRef, 'spec.scaleTargetRef')
  spec.metrics?.forEach((metric, index) => {
    checkMetric(faults, metric, `spec.metrics[${index}]`)
  })
  if (minReplicas === 0 && !spec.metrics?.some(({ type }) => type === 'Object' || type === 'External'))
    faults.push(forbiddenField('spec.metrics', 'must specify at least one Object or External metric to support scaling to zero replicas'))
  checkRules(faults, spec.behavior?.scaleUp, 'spec.behavior.scaleUp')
  checkRules(faults, spec.behavior?.scaleDown, 'spec.behavior.scaleDown')
}

const checkRules = (faults: Faults, rules: HPAScalingRules | undefined, path: string): void => {
  if (rules === undefined) return
  const { stabilizationWindowSeconds: seconds, selectPolicy, policies = [] } = rules
  if (seconds !== undefined && seconds < 0)
    faults.push(invalidValue(`${path}.stabilizationWindowSeconds`, seconds, 'must be greater than or equal to zero'))
  if (seconds !== undefined && seconds > longestWindow)
    faults.push(invalidValue(`${path}.stabilizationWindowSeconds`, seconds, `must be less than or equal to ${longestWindow}`))
  const choices = ['Disabled', 'Max', 'Min']
  if (selectPolicy !== undefined && !choices.includes(selectPolicy))
    faults.push(notSupported(`${path}.selectPolicy`, selectPolicy, choices))
  if (policies.length === 0) faults.push(required(`${path}.policies`, 'must specify at least one Policy'))
  if (rules.tolerance !== undefined && quantitySign(rules.tolerance) < 0)
    faults.push(invalidValue(`${path}.tolerance`, rules.tolerance, 'must be greater or equal to zero'))
  policies.forEach((each, index) => {
    checkPolicy(faults, each, `${path}.policies[${index}]`)
  })
}

const checkPolicy = (faults: Faults, { type = '', value = 0, periodSeconds = 0 }: Partial<HPAScalingPolicy>, path: string): void => {
  if (type !== 'Pods' && type !== 'Percent') faults.push(notSupported(`${path}.type`, type, ['Percent', 'Pods']))
  if (value <= 0) faults.push(invalidValue(`${path}.value`, value, 'must be greater than zero'))
  if (periodSeconds <= 0) faults.push(invalidValue(`${path}.periodSeconds`, periodSeconds, 'must be greater than zero'))
  if (periodSeconds > longestPeriod)
    faults.push(invalidValue(`${path}.periodSeconds`, periodSeconds, `must be less than or equal to ${longestPeriod}`))
}

const checkStatus = (faults: Faults, status: Partial<HorizontalPodAutoscalerStatus> = {}): void => {
  checkNonNegative(faults, status.currentReplicas, 'status.currentReplicas')
  checkNonNegative(faults, status.desiredReplicas, 'status.desiredReplicas')
}

const validate = (next: HorizontalPodAutoscaler) => collect((faults) => checkSpec(faults, next.spec, isOn('HPAScaleToZero') ? 0 : 1))
const validateUpdate = (next: HorizontalPodAutoscaler, old: HorizontalPodAutoscaler) =>
  collect((faults) => checkSpec(faults, next.spec, old.spec.minReplicas === 0 || isOn('HPAScaleToZero') ? 0 : 1))

export const horizontalPodAutoscaler = defineKind<HorizontalPodAutoscaler>(v2Resource, {
  generation: false,
  default: withDefaults,
  validate,
  validateUpdate,
  subresources: {
    status: {
      prepareForUpdate: (next, old) => ({ ...next, spec: old.spec }),
      validateUpdate: (next) => collect((faults) => checkStatus(faults, next.status)),
    },
  },
})

/** The older form, checked as what it converts to. */
const v1: Behaviour<AutoscalingV1HorizontalPodAutoscaler> = {
  generation: false,
  default: (object) => (object.spec.minReplicas === undefined ? { ...object, spec: { ...object.spec, minReplicas: 1 } } : object),
  prepareForUpdate: withOldStatusNotes,
  validate: (next) => validate(hpaFromV1(next)),
  validateUpdate: (next, old) => validateUpdate(hpaFromV1(next), hpaFromV1(old)),
  subresources: {
    status: {
      prepareForUpdate: (next, old) => withOldSpecNotes({ ...next, spec: old.spec }, old),
      validateUpdate: (next) => collect((faults) => checkStatus(faults, next.status)),
    },
  },
}

export const autoscalingV1HorizontalPodAutoscaler = defineKind(v1Resource, v1)
