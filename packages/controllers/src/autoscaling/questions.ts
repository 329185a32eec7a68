import type { MetricSpec, Resource } from '@skiff/api'
import { podMetrics } from '@skiff/api'
import type { Query, Target } from '@skiff/client'
import { compileLabelSelector, isRefusal } from '@skiff/machinery'

/** One request to a metrics API. Where an API has several versions, the others come after it: asked when it is not served. */
export interface Question {
  readonly verb: 'get' | 'list'
  readonly resource: Resource
  readonly target: Target
  readonly query: Query
  readonly otherwise?: Question
}

/** A resource of an API whose names are metrics, and not kinds. */
const virtual = (group: string, version: string, plural: string): Resource => ({ group, version, kind: '', plural, namespaced: true })

/** Throws an Error for a selector that cannot be read. */
const selectorText = (selector: NonNullable<MetricSpec['pods']>['metric']['selector']): string =>
  selector ? compileLabelSelector(selector).toString() : ''

const custom = (plural: string, target: Target, query: Query): Question => {
  const version = (name: string, otherwise?: Question): Question => ({
    verb: 'get',
    resource: virtual('custom.metrics.k8s.io', name, plural),
    target,
    query,
    ...(otherwise ? { otherwise } : {}),
  })
  return version('v1beta2', version('v1beta1'))
}

const metricQuery = (selector: string): Query => (selector === '' ? {} : { metricLabelSelector: selector })

/**
 * What to ask for a metric. `selector` is the target's own, as text; `pluralOf` gives `ingresses.networking.k8s.io` of an object.
 * Throws an Error for a metric that nothing can be asked for.
 */
export const questionFor = (
  spec: MetricSpec,
  namespace: string,
  selector: string,
  pluralOf: (apiVersion: string, kind: string) => string,
): Question => {
  switch (spec.type) {
    case 'Resource':
    case 'ContainerResource':
      return { verb: 'list', resource: podMetrics, target: { namespace }, query: { labelSelector: selector } }
    case 'Pods': {
      const { name = '', selector: own } = spec.pods?.metric ?? {}
      return custom(
        'pods',
        { namespace, name: '*', subresource: name },
        { ...(selector === '' ? {} : { labelSelector: selector }), ...metricQuery(selectorText(own)) },
      )
    }
    case 'Object': {
      const { metric, describedObject } = spec.object as NonNullable<MetricSpec['object']>
      const query = metricQuery(selectorText(metric.selector))
      const { kind, name, apiVersion = '' } = describedObject
      if (kind === 'Namespace' && !apiVersion.includes('/')) return custom('metrics', { namespace, name: metric.name }, query)
      return custom(pluralOf(apiVersion, kind), { namespace, name, subresource: metric.name }, query)
    }
    default: {
      const { metric } = spec.external as NonNullable<MetricSpec['external']>
      const text = selectorText(metric.selector)
      return {
        verb: 'list',
        resource: virtual('external.metrics.k8s.io', 'v1beta1', metric.name),
        target: { namespace },
        query: text === '' ? {} : { labelSelector: text },
      }
    }
  }
}

/** Why a question had no answer, as upstream's client says it. */
export const failureText = ({ verb, resource, target }: Question, error: unknown): string => {
  if (isRefusal(error, 404) && resource.group === 'custom.metrics.k8s.io' && isUnserved(error))
    return 'no known available metric versions found'
  const text = error instanceof Error ? error.message : String(error)
  if (!isRefusal(error, 404) || !isUnserved(error)) return text
  const name = target.name === undefined ? '' : ` ${target.name}`
  return `${text} (${verb === 'list' ? 'get' : verb} ${resource.plural}.${resource.group}${name})`
}

const isUnserved = ({ message }: Error): boolean => message.startsWith('the server could not find the requested resource')

/** Whether an older version of the API may know. */
export const isWorthAsking = (error: unknown): boolean => isRefusal(error, 404) && isUnserved(error)
