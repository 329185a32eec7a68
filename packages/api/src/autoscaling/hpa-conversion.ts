import type {
  AutoscalingV1HorizontalPodAutoscaler,
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerBehavior,
  HorizontalPodAutoscalerCondition,
  HorizontalPodAutoscalerSpec,
  HorizontalPodAutoscalerStatus,
  MetricSpec,
  MetricStatus,
  ObjectMeta,
} from '../generated/types.ts'
import { type BehaviorText, behaviorOf, behaviorText } from './behavior-text.ts'
import { cpuTarget } from './cpu-target.ts'
import { metricFromV1, metricStatusFromV1, metricStatusToV1, metricToV1 } from './metrics-v1.ts'

/** What autoscaling/v1 has no fields for travels in these annotations. */
const notes = {
  metrics: 'autoscaling.alpha.kubernetes.io/metrics',
  behavior: 'autoscaling.alpha.kubernetes.io/behavior',
  current: 'autoscaling.alpha.kubernetes.io/current-metrics',
  conditions: 'autoscaling.alpha.kubernetes.io/conditions',
} as const

type Annotations = Readonly<Record<string, string>>

const hasNotes = (annotations: Annotations | undefined): boolean =>
  annotations !== undefined && Object.values(notes).some((name) => name in annotations)

/** The metadata with other values for notes; undefined takes one away. */
const withNotes = (metadata: ObjectMeta, values: Readonly<Record<string, string | undefined>>): ObjectMeta => {
  const { annotations: given, ...rest } = metadata
  const annotations = Object.fromEntries(
    Object.entries({ ...given, ...values }).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
  return Object.keys(annotations).length > 0 ? { ...rest, annotations } : rest
}

const none: Readonly<Record<string, string | undefined>> = Object.fromEntries(Object.values(notes).map((name) => [name, undefined]))
const withoutNotes = (metadata: ObjectMeta): ObjectMeta => (hasNotes(metadata.annotations) ? withNotes(metadata, none) : metadata)

const takeNotes = (next: AutoscalingV1HorizontalPodAutoscaler, old: AutoscalingV1HorizontalPodAutoscaler, names: readonly string[]) => {
  if (!hasNotes(next.metadata.annotations) && !hasNotes(old.metadata.annotations)) return next
  const values = Object.fromEntries(names.map((name) => [name, old.metadata.annotations?.[name]]))
  return { ...next, metadata: withNotes(next.metadata, values) }
}

/** An update leaves the status as it was, that in the annotations included. */
export const withOldStatusNotes = (next: AutoscalingV1HorizontalPodAutoscaler, old: AutoscalingV1HorizontalPodAutoscaler) =>
  takeNotes(next, old, [notes.current, notes.conditions])
/** An update of the status leaves the rest. */
export const withOldSpecNotes = (next: AutoscalingV1HorizontalPodAutoscaler, old: AutoscalingV1HorizontalPodAutoscaler) =>
  takeNotes(next, old, [notes.metrics, notes.behavior])

/** What a note says; undefined for one that is absent or that upstream could not read. */
const read = <Wire, T>(text: string | undefined, convert: (wire: Wire) => T): T | undefined => {
  if (text === undefined) return undefined
  try {
    return convert(JSON.parse(text) as Wire)
  } catch {
    return undefined
  }
}

const readList = <Wire, T>(text: string | undefined, convert: (wire: Wire) => T): readonly T[] | undefined =>
  read(text, (list: readonly Wire[]) => list.map(convert))

const isCpu = ({ type, resource }: { type: string; resource?: { name: string } }): boolean =>
  type === 'Resource' && resource?.name === 'cpu'

/** An autoscaling/v1 object as autoscaling/v2. */
export const hpaFromV1 = (v1: AutoscalingV1HorizontalPodAutoscaler): HorizontalPodAutoscaler => {
  const annotations = v1.metadata.annotations
  const { targetCPUUtilizationPercentage: cpu, ...rest } = v1.spec
  const metrics: MetricSpec[] = [...(readList(annotations?.[notes.metrics], metricFromV1) ?? [])]
  if (cpu !== undefined) metrics.push(cpuTarget(cpu))
  if (metrics.length === 0) metrics.push(cpuTarget(80))
  const behavior = read<BehaviorText, HorizontalPodAutoscalerBehavior | undefined>(annotations?.[notes.behavior], behaviorOf)
  return {
    ...v1,
    apiVersion: 'autoscaling/v2',
    metadata: withoutNotes(v1.metadata),
    spec: { ...rest, metrics, ...(behavior ? { behavior } : {}) },
    ...(v1.status ? { status: statusFromV1(v1.status, annotations) } : {}),
  }
}

/** Conditions are written as they stand, with `null` for a time that is not known. */
const conditionOf = ({ lastTransitionTime, ...rest }: HorizontalPodAutoscalerCondition): HorizontalPodAutoscalerCondition =>
  lastTransitionTime ? { ...rest, lastTransitionTime } : rest

const statusFromV1 = (
  status: NonNullable<AutoscalingV1HorizontalPodAutoscaler['status']>,
  annotations: Annotations | undefined,
): NonNullable<HorizontalPodAutoscaler['status']> => {
  const { currentCPUUtilizationPercentage: cpu, ...rest } = status
  const plain: readonly MetricStatus[] | undefined =
    cpu === undefined ? undefined : [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: cpu } } }]
  const currentMetrics = readList(annotations?.[notes.current], metricStatusFromV1) ?? plain
  const conditions = readList(annotations?.[notes.conditions], conditionOf)
  return { ...rest, ...(currentMetrics ? { currentMetrics } : {}), ...(conditions ? { conditions } : {}) }
}

/** An autoscaling/v2 object as autoscaling/v1. */
export const hpaToV1 = ({ status, ...v2 }: HorizontalPodAutoscaler): AutoscalingV1HorizontalPodAutoscaler => {
  const { metrics, behavior: _, ...spec } = v2.spec
  const target = metrics?.find(isCpu)?.resource?.target.averageUtilization
  return {
    ...v2,
    apiVersion: 'autoscaling/v1',
    metadata: withNotes(v2.metadata, notesOf(v2.spec, status)),
    spec: { ...spec, ...(target === undefined ? {} : { targetCPUUtilizationPercentage: target }) },
    ...(status ? { status: statusToV1(status) } : {}),
  }
}

const notesOf = (
  { metrics = [], behavior }: HorizontalPodAutoscalerSpec,
  status: HorizontalPodAutoscalerStatus | undefined,
): Readonly<Record<string, string | undefined>> => {
  const others = metrics.filter((metric) => !isCpu(metric) || metric.resource?.target.averageUtilization === undefined)
  const list = <T>(items: readonly T[] = [], convert: (item: T) => unknown) =>
    items.length > 0 ? JSON.stringify(items.map(convert)) : undefined
  return {
    [notes.metrics]: list(others, metricToV1),
    [notes.current]: list(status?.currentMetrics, metricStatusToV1),
    [notes.behavior]: behavior && JSON.stringify(behaviorText(behavior)),
    [notes.conditions]: list(status?.conditions, conditionText),
  }
}

const statusToV1 = ({
  currentMetrics,
  conditions: _,
  ...status
}: HorizontalPodAutoscalerStatus): NonNullable<AutoscalingV1HorizontalPodAutoscaler['status']> => {
  const reached = currentMetrics?.find(isCpu)?.resource?.current.averageUtilization
  return {
    ...status,
    currentReplicas: status.currentReplicas ?? 0,
    ...(reached === undefined ? {} : { currentCPUUtilizationPercentage: reached }),
  }
}

/** The order of Go's fields; a time is there even when it is not known. */
const conditionText = ({ type, status, lastTransitionTime, reason, message }: HorizontalPodAutoscalerCondition) => ({
  type,
  status,
  lastTransitionTime: lastTransitionTime ?? null,
  reason: reason || undefined,
  message: message || undefined,
})
