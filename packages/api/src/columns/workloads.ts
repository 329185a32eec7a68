import { controllerOf, formatLabelSelector, humanDuration, parseTimeMs, splitApiVersion } from '@skiff/machinery'
import type {
  ControllerRevision,
  Deployment,
  HorizontalPodAutoscaler,
  Job,
  MetricSpec,
  MetricStatus,
  MetricTarget,
  MetricValueStatus,
  StatefulSet,
} from '../generated/types.ts'
import { cells } from './column.ts'
import { isTrue } from './texts.ts'

const readyText = ({ spec, status }: Deployment | StatefulSet): string => `${status?.readyReplicas ?? 0}/${spec.replicas ?? 0}`

export const deploymentCells = cells<Deployment>({
  Ready: readyText,
  Selector: ({ spec }) => {
    const text = formatLabelSelector(spec.selector)
    return text === '<none>' ? '' : text === '<error>' ? '<invalid>' : text
  },
})
export const statefulSetCells = cells<StatefulSet>({ Ready: readyText })

export const controllerRevisionCells = cells<ControllerRevision>({
  Controller: (revision) => {
    const owner = controllerOf(revision)
    if (!owner) return '<none>'
    const { group } = splitApiVersion(owner.apiVersion)
    return `${owner.kind.toLowerCase()}${group ? `.${group}` : ''}/${owner.name}`
  },
})

export const jobCells = cells<Job>({
  Status: ({ status, metadata }) => {
    const has = (type: string) => isTrue(status?.conditions, type)
    if (has('Complete')) return 'Complete'
    if (has('Failed')) return 'Failed'
    if (metadata.deletionTimestamp) return 'Terminating'
    return has('Suspended') ? 'Suspended' : has('FailureTarget') ? 'FailureTarget' : 'Running'
  },
  Completions: ({ spec, status }) => {
    const succeeded = status?.succeeded ?? 0
    if (spec.completions !== undefined) return `${succeeded}/${spec.completions}`
    return (spec.parallelism ?? 0) > 1 ? `${succeeded}/1 of ${spec.parallelism}` : `${succeeded}/1`
  },
  Duration: ({ status }, nowMs) => {
    if (!status?.startTime) return ''
    const endMs = status.completionTime ? parseTimeMs(status.completionTime) : nowMs
    return humanDuration(endMs - parseTimeMs(status.startTime))
  },
})

/** A v1 autoscaler names one target, for processor time. */
type AnyAutoscaler = HorizontalPodAutoscaler & {
  readonly spec: { readonly targetCPUUtilizationPercentage?: number }
  readonly status?: { readonly currentCPUUtilizationPercentage?: number }
}

export const autoscalerCells = cells<AnyAutoscaler>({
  Targets: ({ spec, status }) => {
    const metrics = spec.metrics ?? oldMetrics(spec.targetCPUUtilizationPercentage)
    const current = status?.currentMetrics ?? oldCurrent(status?.currentCPUUtilizationPercentage)
    if (metrics.length === 0) return '<none>'
    const texts = metrics.map((metric, index) => metricText(metric, current[index]))
    const shown = texts.slice(0, 2).join(', ')
    return texts.length > 2 ? `${shown} + ${texts.length - 2} more...` : shown
  },
})

const oldMetrics = (percent: number | undefined): readonly MetricSpec[] =>
  percent === undefined
    ? []
    : [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: percent } } }]
const oldCurrent = (percent: number | undefined): readonly MetricStatus[] =>
  percent === undefined ? [] : [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: percent } } }]

const unknown = '<unknown>'
const metricText = (metric: MetricSpec, status: MetricStatus | undefined): string => {
  switch (metric.type) {
    case 'Resource':
      return metric.resource ? resourceText(metric.resource, status?.resource?.current) : unknown
    case 'ContainerResource':
      return metric.containerResource ? resourceText(metric.containerResource, status?.containerResource?.current) : unknown
    case 'Pods':
      return `${status?.pods?.current.averageValue ?? unknown}/${metric.pods?.target.averageValue}`
    case 'Object':
      return valueText(metric.object?.target, status?.object?.current)
    case 'External':
      return valueText(metric.external?.target, status?.external?.current)
    default:
      return '<unknown type>'
  }
}

const resourceText = (
  { name, target }: { readonly name: string; readonly target: MetricTarget },
  current: MetricValueStatus | undefined,
): string => {
  if (target.averageValue !== undefined) return `${name}: ${current?.averageValue ?? unknown}/${target.averageValue}`
  const now = current?.averageUtilization === undefined ? unknown : `${current.averageUtilization}%`
  return `${name}: ${now}/${target.averageUtilization === undefined ? '<auto>' : `${target.averageUtilization}%`}`
}

const valueText = (target: MetricTarget | undefined, current: MetricValueStatus | undefined): string =>
  target?.averageValue !== undefined
    ? `${current?.averageValue ?? unknown}/${target.averageValue} (avg)`
    : `${current?.value ?? unknown}/${target?.value}`
