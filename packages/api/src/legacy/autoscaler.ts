import { type BehaviorText, behaviorOf, behaviorText } from '../autoscaling/behavior-text.ts'
import {
  type MetricSpecV1,
  type MetricStatusV1,
  metricFromV1,
  metricStatusFromV1,
  metricStatusToV1,
  metricToV1,
} from '../autoscaling/metrics-v1.ts'
import type { HorizontalPodAutoscalerBehavior, MetricSpec, MetricStatus } from '../generated/types.ts'
import { eachOf, type Form, given, type Loose, type LooseFields } from './legacy-kind.ts'

// HorizontalPodAutoscalers of autoscaling/v2beta1 and v2beta2, which are stored as autoscaling/v2.

const note = 'autoscaling.alpha.kubernetes.io/behavior'
/** What older versions have no fields for travels in annotations, which never reach the store. */
const notes = [note, ...['metrics', 'current-metrics', 'conditions'].map((name) => `autoscaling.alpha.kubernetes.io/${name}`)]

const withNotes = (object: Loose, more: LooseFields = {}): Loose => {
  const { annotations, ...metadata } = object.metadata
  const kept = Object.entries({ ...annotations, ...more }).filter(([name]) => name in more || !notes.includes(name))
  return { ...object, metadata: kept.length > 0 ? { ...metadata, annotations: Object.fromEntries(kept) } : metadata } as Loose
}

const withMetrics = (object: Loose, metric: (each: LooseFields) => LooseFields, status: (each: LooseFields) => LooseFields): Loose =>
  ({
    ...object,
    spec: given({ ...object.spec, metrics: eachOf(object.spec?.metrics, metric) }),
    ...(object.status ? { status: given({ ...object.status, currentMetrics: eachOf(object.status.currentMetrics, status) }) } : {}),
  }) as Loose

const between = <From, To>(convert: (from: From) => To) => convert as unknown as (each: LooseFields) => LooseFields

const readBehavior = (text: string | undefined): HorizontalPodAutoscalerBehavior | undefined => {
  if (text === undefined) return undefined
  try {
    return behaviorOf(JSON.parse(text) as BehaviorText)
  } catch {
    return undefined
  }
}

/** A current number of none is not written today. */
const withoutZero = (object: Loose): Loose => {
  if (object.status?.currentReplicas !== 0) return object
  const { currentReplicas: _, ...status } = object.status
  return { ...object, status } as Loose
}

/** Metrics name their targets by fields of their own, as the annotations of autoscaling/v1 do; behavior has no field. */
export const v2beta1: Form = {
  toStored: (object) => {
    const next = withMetrics(
      withoutZero(object),
      between<MetricSpecV1, MetricSpec>(metricFromV1),
      between<MetricStatusV1, MetricStatus>(metricStatusFromV1),
    )
    const behavior = readBehavior(object.metadata.annotations?.[note])
    return withNotes(behavior ? ({ ...next, spec: { ...next.spec, behavior } } as Loose) : next)
  },
  fromStored: (object) => {
    const { behavior, ...spec } = object.spec ?? {}
    const next = { ...object, spec } as Loose
    const text = behavior && JSON.stringify(behaviorText(behavior as HorizontalPodAutoscalerBehavior))
    const shown = withMetrics(next, between<MetricSpec, MetricSpecV1>(metricToV1), between<MetricStatus, MetricStatusV1>(metricStatusToV1))
    return withNotes(shown, text ? { [note]: text } : {})
  },
}

export const v2beta2: Form = { toStored: (object) => withNotes(withoutZero(object)), fromStored: (object) => withNotes(object) }
