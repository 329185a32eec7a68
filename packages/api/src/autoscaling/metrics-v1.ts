import { canonicalQuantity } from '@skiff/machinery'
import type { CrossVersionObjectReference, LabelSelector, MetricSpec, MetricStatus, MetricValueStatus } from '../generated/types.ts'

// Metrics as the annotations of autoscaling/v1 hold them. The fields stand in the order of upstream's types.

export interface MetricSpecV1 {
  readonly type: string
  readonly object?: {
    readonly target: CrossVersionObjectReference
    readonly metricName: string
    readonly targetValue: string
    readonly selector?: LabelSelector
    readonly averageValue?: string
  }
  readonly pods?: { readonly metricName: string; readonly targetAverageValue: string; readonly selector?: LabelSelector }
  readonly resource?: { readonly name: string } & ResourceTarget
  readonly containerResource?: { readonly name: string; readonly container: string } & ResourceTarget
  readonly external?: {
    readonly metricName: string
    readonly metricSelector?: LabelSelector
    readonly targetValue?: string
    readonly targetAverageValue?: string
  }
}
interface ResourceTarget {
  readonly targetAverageUtilization?: number
  readonly targetAverageValue?: string
}

export interface MetricStatusV1 {
  readonly type: string
  readonly object?: {
    readonly target: CrossVersionObjectReference
    readonly metricName: string
    readonly currentValue: string
    readonly selector?: LabelSelector
    readonly averageValue?: string
  }
  readonly pods?: { readonly metricName: string; readonly currentAverageValue: string; readonly selector?: LabelSelector }
  readonly resource?: { readonly name: string } & ResourceState
  readonly containerResource?: { readonly name: string; readonly container: string } & ResourceState
  readonly external?: {
    readonly metricName: string
    readonly metricSelector?: LabelSelector
    readonly currentValue: string
    readonly currentAverageValue?: string
  }
}
interface ResourceState {
  readonly currentAverageUtilization?: number
  readonly currentAverageValue: string
}

const referenceText = ({ kind, name, apiVersion }: CrossVersionObjectReference) => ({ kind, name, ...given({ apiVersion }) })

/** What is there of some fields. */
const given = <T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never

export const metricToV1 = ({ type, object, pods, resource, containerResource, external }: MetricSpec): MetricSpecV1 => ({
  type,
  ...given({
    object: object && {
      target: referenceText(object.describedObject),
      metricName: object.metric.name,
      targetValue: object.target.value ?? '0',
      ...given({ selector: object.metric.selector, averageValue: object.target.averageValue }),
    },
    pods: pods && {
      metricName: pods.metric.name,
      targetAverageValue: pods.target.averageValue ?? '0',
      ...given({ selector: pods.metric.selector }),
    },
    resource: resource && {
      name: resource.name,
      ...given({ targetAverageUtilization: resource.target.averageUtilization, targetAverageValue: resource.target.averageValue }),
    },
    containerResource: containerResource && {
      name: containerResource.name,
      ...given({
        targetAverageUtilization: containerResource.target.averageUtilization,
        targetAverageValue: containerResource.target.averageValue,
      }),
      container: containerResource.container,
    },
    external: external && {
      metricName: external.metric.name,
      ...given({
        metricSelector: external.metric.selector,
        targetValue: external.target.value,
        targetAverageValue: external.target.averageValue,
      }),
    },
  }),
})

// Notes are written by anyone: what Go could not read into its types must throw here, and the note is ignored.

const text = (value: unknown): string => {
  if (value !== undefined && value !== null && typeof value !== 'string') throw new TypeError('not a text')
  return value ?? ''
}
const whole = (value: unknown): number | undefined => {
  if (value === undefined || value === null) return undefined
  if (!Number.isInteger(value)) throw new TypeError('not a whole number')
  return value as number
}
const quantity = (value: unknown): string | undefined =>
  value === undefined || value === null ? undefined : canonicalQuantity(String(value))
const identifier = (name: unknown, selector: LabelSelector | undefined) => ({ name: text(name), ...given({ selector }) })
const reference = (from: Partial<CrossVersionObjectReference> | undefined): CrossVersionObjectReference => ({
  kind: text(from?.kind),
  name: text(from?.name),
  ...(from?.apiVersion ? { apiVersion: text(from.apiVersion) } : {}),
})

const resourceTarget = ({ targetAverageUtilization, targetAverageValue }: ResourceTarget) => {
  const averageUtilization = whole(targetAverageUtilization)
  return {
    type: averageUtilization === undefined ? 'AverageValue' : 'Utilization',
    ...given({ averageValue: quantity(targetAverageValue), averageUtilization }),
  }
}

export const metricFromV1 = ({ type, object, pods, resource, containerResource, external }: MetricSpecV1): MetricSpec => ({
  type: text(type),
  ...given({
    object: object && {
      describedObject: reference(object.target),
      target: {
        type: object.averageValue == null ? 'Value' : 'AverageValue',
        value: quantity(object.targetValue) ?? '0',
        ...given({ averageValue: quantity(object.averageValue) }),
      },
      metric: identifier(object.metricName, object.selector),
    },
    pods: pods && {
      metric: identifier(pods.metricName, pods.selector),
      target: { type: 'AverageValue', averageValue: quantity(pods.targetAverageValue) ?? '0' },
    },
    resource: resource && { name: text(resource.name), target: resourceTarget(resource) },
    containerResource: containerResource && {
      name: text(containerResource.name),
      target: resourceTarget(containerResource),
      container: text(containerResource.container),
    },
    external: external && {
      metric: identifier(external.metricName, external.metricSelector),
      target: {
        type: external.targetValue == null ? 'AverageValue' : 'Value',
        ...given({ value: quantity(external.targetValue), averageValue: quantity(external.targetAverageValue) }),
      },
    },
  }),
})

const stateText = ({ averageUtilization, averageValue }: MetricValueStatus) => ({
  ...given({ currentAverageUtilization: averageUtilization }),
  currentAverageValue: averageValue ?? '0',
})

export const metricStatusToV1 = ({ type, object, pods, resource, containerResource, external }: MetricStatus): MetricStatusV1 => ({
  type,
  ...given({
    object: object && {
      target: referenceText(object.describedObject),
      metricName: object.metric.name,
      currentValue: object.current.value ?? '0',
      ...given({ selector: object.metric.selector, averageValue: object.current.averageValue }),
    },
    pods: pods && {
      metricName: pods.metric.name,
      currentAverageValue: pods.current.averageValue ?? '0',
      ...given({ selector: pods.metric.selector }),
    },
    resource: resource && { name: resource.name, ...stateText(resource.current) },
    containerResource: containerResource && {
      name: containerResource.name,
      ...stateText(containerResource.current),
      container: containerResource.container,
    },
    external: external && {
      metricName: external.metric.name,
      ...given({ metricSelector: external.metric.selector }),
      currentValue: external.current.value ?? '0',
      ...given({ currentAverageValue: external.current.averageValue }),
    },
  }),
})

const state = ({ currentAverageUtilization, currentAverageValue }: ResourceState): MetricValueStatus => ({
  averageValue: quantity(currentAverageValue) ?? '0',
  ...given({ averageUtilization: whole(currentAverageUtilization) }),
})

export const metricStatusFromV1 = ({ type, object, pods, resource, containerResource, external }: MetricStatusV1): MetricStatus => ({
  type: text(type),
  ...given({
    object: object && {
      metric: identifier(object.metricName, object.selector),
      current: { value: quantity(object.currentValue) ?? '0', ...given({ averageValue: quantity(object.averageValue) }) },
      describedObject: reference(object.target),
    },
    pods: pods && {
      metric: identifier(pods.metricName, pods.selector),
      current: { averageValue: quantity(pods.currentAverageValue) ?? '0' },
    },
    resource: resource && { name: text(resource.name), current: state(resource) },
    containerResource: containerResource && {
      name: text(containerResource.name),
      current: state(containerResource),
      container: text(containerResource.container),
    },
    external: external && {
      metric: identifier(external.metricName, external.metricSelector),
      current: { value: quantity(external.currentValue) ?? '0', ...given({ averageValue: quantity(external.currentAverageValue) }) },
    },
  }),
})
