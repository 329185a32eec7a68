import type { JsonObject } from '@skiff/machinery'
import { at, type Dynamic, listAt, mapAt, numberAt, textAt } from '../objects/fields.ts'
import { eventLines } from './event-lines.ts'
import { line, nameLines, orUnset, quantityText, tagLines, timeAt } from './lines.ts'
import type { Describer } from './look.ts'

const amountText = (holder: JsonObject, path: string): string => quantityText(at(holder, path))

/** The present value of a metric; unknown where the autoscaler did not report it. */
const currentText = (status: JsonObject | undefined, key: string): string =>
  status === undefined || at(status, ['current', key]) === undefined ? '<unknown>' : amountText(status, `current.${key}`)

const averageOrUtilization = (target: JsonObject, status: JsonObject | undefined): string => {
  if (target.averageValue !== undefined)
    return `:\t${status ? amountText(status, 'current.averageValue') : '<unknown>'} / ${amountText(target, 'averageValue')}`
  const used = at(status, 'current.averageUtilization')
  const current = used === undefined ? '<unknown>' : `${used}% (${amountText(status as JsonObject, 'current.averageValue')})`
  const wanted = target.averageUtilization === undefined ? '<auto>' : `${target.averageUtilization}%`
  return `  (as a percentage of request):\t${current} / ${wanted}`
}

const metricText = (metric: JsonObject, report: JsonObject | undefined): string => {
  const type = textAt(metric, 'type')
  const key = `${type.charAt(0).toLowerCase()}${type.slice(1)}`
  const source = mapAt(metric, [key])
  const status = report?.[key] as JsonObject | undefined
  const target = mapAt(source, 'target')
  const name = JSON.stringify(textAt(source, 'metric.name'))
  const known = (field: string): string => (status ? amountText(status, `current.${field}`) : '<unknown>')
  switch (type) {
    case 'External':
      return target.averageValue !== undefined
        ? `${name} (target average value):\t${currentText(status, 'averageValue')} / ${amountText(target, 'averageValue')}`
        : `${name} (target value):\t${known('value')} / ${amountText(target, 'value')}`
    case 'Pods':
      return `${name} on pods:\t${known('averageValue')} / ${amountText(target, 'averageValue')}`
    case 'Object': {
      const about = `${name} on ${textAt(source, 'describedObject.kind')}/${textAt(source, 'describedObject.name')}`
      const [title, field] = target.type === 'AverageValue' ? ['target average value', 'averageValue'] : ['target value', 'value']
      return `${about} (${title}):\t${known(field as string)} / ${amountText(target, field as string)}`
    }
    case 'Resource':
      return `resource ${textAt(source, 'name')} on pods${averageOrUtilization(target, status)}`
    case 'ContainerResource':
      return `resource ${textAt(source, 'name')} of container "${textAt(source, 'container')}" on pods${averageOrUtilization(target, status)}`
    default:
      return `<unknown metric type ${JSON.stringify(type)}>`
  }
}

const behaviorLines = (title: string, rules: JsonObject | undefined): string[] => {
  if (rules === undefined) return []
  const policies = listAt(rules, 'policies')
  return [
    line(1, `${title}:`),
    ...(rules.stabilizationWindowSeconds === undefined
      ? []
      : [line(2, `Stabilization Window: ${rules.stabilizationWindowSeconds} seconds`)]),
    ...(policies.length === 0
      ? []
      : [
          line(2, `Select Policy: ${textAt(rules, 'selectPolicy') || 'Max'}`),
          line(2, 'Policies:'),
          ...policies.map(({ type, value, periodSeconds }) =>
            line(3, `- Type: ${type}\tValue: ${value}\tPeriod: ${periodSeconds} seconds`),
          ),
        ]),
  ]
}

const conditionLines = (object: Dynamic): string[] => {
  const conditions = listAt(object, 'status.conditions')
  if (conditions.length === 0) return []
  return [
    'Conditions:',
    line(1, 'Type\tStatus\tReason\tMessage'),
    line(1, '----\t------\t------\t-------'),
    ...conditions.map((each) => line(1, ['type', 'status', 'reason', 'message'].map((key) => textAt(each, key)).join('\t'))),
  ]
}

export const describeAutoscaler: Describer = async (object, look) => {
  const spec = mapAt(object, 'spec')
  const kind = textAt(spec, 'scaleTargetRef.kind')
  const reports = listAt(object, 'status.currentMetrics')
  const behavior = spec.behavior as JsonObject | undefined
  return [
    ...nameLines(object),
    ...tagLines(object),
    `CreationTimestamp:\t${timeAt(object, 'metadata.creationTimestamp')}`,
    `Reference:\t${kind}/${textAt(spec, 'scaleTargetRef.name')}`,
    'Metrics:\t( current / target )',
    ...listAt(spec, 'metrics').map((metric, i) => line(1, metricText(metric, reports[i]))),
    `Min replicas:\t${orUnset(spec.minReplicas)}`,
    `Max replicas:\t${numberAt(spec, 'maxReplicas')}`,
    ...(behavior === undefined
      ? []
      : [
          'Behavior:',
          ...behaviorLines('Scale Up', behavior.scaleUp as JsonObject | undefined),
          ...behaviorLines('Scale Down', behavior.scaleDown as JsonObject | undefined),
        ]),
    `${kind} pods:\t${numberAt(object, 'status.currentReplicas')} current / ${numberAt(object, 'status.desiredReplicas')} desired`,
    ...conditionLines(object),
    ...(await eventLines(object, look)),
  ]
}
