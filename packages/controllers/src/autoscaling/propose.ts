import type { LabelSelector, MetricSpec, MetricStatus, MetricTarget } from '@skiff/api'
import { milliValue, quantityOfMilli, quantityText } from '@skiff/machinery'
import { externalReading, objectReading, podsReading, resourceReading } from './readings.ts'
import { byAverage, byShare, byUtilization, byValue, type Target } from './replicas.ts'

/** What a metrics API said, or why it said nothing. */
export type Answer = { readonly value: unknown } | { readonly failure: string }

/** What one metric asks for. */
export type Proposal =
  | { readonly replicas: number; readonly name: string; readonly status: MetricStatus }
  /** `cause` is told in the event and the condition, `error` in what follows from it. */
  | { readonly reason: string; readonly cause: string; readonly error: string }

/** Wraps what is thrown within. */
const inside = <V>(prefix: string, make: () => V): V => {
  try {
    return make()
  } catch (error) {
    throw new Error(`${prefix}${(error as Error).message}`)
  }
}
const answerOf = (answer: Answer, api: string): unknown => {
  if ('failure' in answer) throw new Error(`unable to fetch metrics from ${api} metrics API: ${answer.failure}`)
  return answer.value
}
const amount = (milli: number): string => quantityText(quantityOfMilli(milli))

type Made = { readonly replicas: number; readonly name: string; readonly status: Omit<MetricStatus, 'type'> }

/** What a metric makes of its target's size. */
export const propose = (spec: MetricSpec, namespace: string, target: Target, answer: Answer): Proposal => {
  const source = sources[spec.type]
  if (!source) {
    const cause = `unknown metric source type ${JSON.stringify(spec.type)}`
    return { reason: 'InvalidMetricSourceType', cause, error: cause }
  }
  try {
    const { replicas, name, status } = source.make(spec, namespace, target, answer)
    return { replicas, name, status: { type: spec.type, ...status } }
  } catch (error) {
    const { message, cause } = error as Error
    return {
      reason: `FailedGet${spec.type}Metric`,
      cause: (cause as string | undefined) ?? message,
      error: `${source.prefix(spec)}${message}`,
    }
  }
}

/** Upstream tells the event less than what ends the attempt: the wrapped error is its cause. */
const wrapped = <V>(prefix: string, make: () => V): V => {
  try {
    return make()
  } catch (error) {
    const { message } = error as Error
    throw new Error(`${prefix}${message}`, { cause: message })
  }
}

interface Source {
  readonly prefix: (spec: MetricSpec) => string
  readonly make: (spec: MetricSpec, namespace: string, target: Target, answer: Answer) => Made
}

const ofResource = (goal: MetricTarget, resource: string, target: Target, answer: Answer, container: string | undefined) => {
  const read = () =>
    inside(`unable to get metrics for resource ${resource}: `, () => resourceReading(answerOf(answer, 'resource'), resource, container))
  if (goal.averageValue !== undefined)
    return inside(`failed to get ${resource} usage: `, () => {
      const { replicas, averageMilli } = byAverage(target, read(), milliValue(goal.averageValue as string), resource)
      return { replicas, name: `${resource} resource`, current: { averageValue: amount(averageMilli) } }
    })
  if (goal.averageUtilization === undefined)
    throw new Error('invalid resource metric source: neither an average utilization target nor an average value (usage) target was set')
  return inside(`failed to get ${resource} utilization: `, () => {
    const { replicas, percent, averageMilli } = byUtilization(target, read(), goal.averageUtilization as number, resource, container)
    const what = container === undefined ? 'resource' : 'container resource'
    return {
      replicas,
      name: `${resource} ${what} utilization (percentage of request)`,
      current: { averageUtilization: percent, averageValue: amount(averageMilli) },
    }
  })
}

/** As Go prints a selector. */
const selectorWords = (selector: LabelSelector | undefined): string => {
  if (!selector) return 'nil'
  const labels = Object.entries(selector.matchLabels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
  const expressions = (selector.matchExpressions ?? []).map(
    ({ key, operator, values = [] }) => `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${values.join(' ')}],},`,
  )
  const matchLabels = `map[string]string{${labels.map(([key, value]) => `${key}: ${value},`).join('')}}`
  return `&LabelSelector{MatchLabels:${matchLabels},MatchExpressions:[]LabelSelectorRequirement{${expressions.join('')}},}`
}

const sources: Readonly<Record<string, Source>> = {
  Resource: {
    prefix: ({ resource }) => `failed to get ${resource?.name} resource metric value: `,
    make: ({ resource }, _namespace, target, answer) => {
      const { name: of, target: goal } = resource as NonNullable<MetricSpec['resource']>
      const { replicas, name, current } = ofResource(goal, of, target, answer, undefined)
      return { replicas, name, status: { resource: { name: of, current } } }
    },
  },
  ContainerResource: {
    prefix: ({ containerResource }) => `failed to get ${containerResource?.container} container metric value: `,
    make: ({ containerResource }, _namespace, target, answer) => {
      const { name: of, container, target: goal } = containerResource as NonNullable<MetricSpec['containerResource']>
      const { replicas, name, current } = ofResource(goal, of, target, answer, container)
      return { replicas, name, status: { containerResource: { name: of, container, current } } }
    },
  },
  Pods: {
    prefix: () => 'failed to get pods metric value: ',
    make: ({ pods }, _namespace, target, answer) => {
      const { metric, target: goal } = pods as NonNullable<MetricSpec['pods']>
      const read = () => inside(`unable to get metric ${metric.name}: `, () => podsReading(answerOf(answer, 'custom')))
      const { replicas, averageMilli } = byAverage(target, read(), milliValue(goal.averageValue ?? '0'), '')
      return { replicas, name: `pods metric ${metric.name}`, status: { pods: { metric, current: { averageValue: amount(averageMilli) } } } }
    },
  },
  Object: {
    prefix: () => 'failed to get object metric value: ',
    make: ({ object }, namespace, target, answer) => {
      const { metric, target: goal, describedObject } = object as NonNullable<MetricSpec['object']>
      const read = (): number => {
        try {
          return objectReading(answerOf(answer, 'custom'))
        } catch (error) {
          const where = `on ${describedObject.kind} ${namespace}/${describedObject.name}`
          throw new Error(`unable to get metric ${metric.name}: ${(error as Error).message} ${where}`)
        }
      }
      if (goal.type === 'Value' && goal.value !== undefined) {
        const milli = read()
        const replicas = byValue(target, milli, milliValue(goal.value))
        const name = `${describedObject.kind} metric ${metric.name}`
        return { replicas, name, status: { object: { metric, describedObject, current: { value: amount(milli) } } } }
      }
      if (goal.type !== 'AverageValue' || goal.averageValue === undefined)
        throw new Error('invalid object metric source: neither a value target nor an average value target was set')
      const milli = wrapped(`failed to get ${metric.name} object metric: `, read)
      const { replicas, averageMilli } = byShare(target, milli, milliValue(goal.averageValue))
      const name = `external metric ${metric.name}(${selectorWords(metric.selector)})`
      return { replicas, name, status: { object: { metric, describedObject, current: { averageValue: amount(averageMilli) } } } }
    },
  },
  External: {
    prefix: ({ external }) => `failed to get ${external?.metric.name} external metric value: `,
    make: ({ external }, namespace, target, answer) => {
      const { metric, target: goal } = external as NonNullable<MetricSpec['external']>
      const words = selectorWords(metric.selector)
      const name = `external metric ${metric.name}(${words})`
      const read = () =>
        inside(`unable to get external metric ${namespace}/${metric.name}/${words}: `, () => externalReading(answerOf(answer, 'external')))
      if (goal.averageValue !== undefined) {
        const milli = wrapped(`failed to get ${metric.name} external metric: `, read)
        const { replicas, averageMilli } = byShare(target, milli, milliValue(goal.averageValue))
        return { replicas, name, status: { external: { metric, current: { averageValue: amount(averageMilli) } } } }
      }
      if (goal.value === undefined)
        throw new Error('invalid external metric source: neither a value target nor an average value target was set')
      const { value } = goal
      return wrapped(`failed to get external metric ${metric.name}: `, () => {
        const milli = read()
        return {
          replicas: byValue(target, milli, milliValue(value)),
          name,
          status: { external: { metric, current: { value: amount(milli) } } },
        }
      })
    },
  },
}
