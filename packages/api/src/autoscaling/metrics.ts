import {
  forbiddenField,
  invalidValue,
  isDns1123Label,
  nameIsPathSegment,
  notSupported,
  parseQuantity,
  quantitySign,
  required,
} from '@skiff/machinery'
import { addInvalid, type Faults } from '../checks/faults.ts'
import { checkContainerResourceName } from '../checks/resource-names.ts'
import type { CrossVersionObjectReference, MetricIdentifier, MetricSpec, MetricTarget } from '../generated/types.ts'

/** Where the metric's own fields are, and what finds fault with them. In the order of upstream's checks. */
const sources = {
  object: (faults: Faults, { object }: MetricSpec, path: string): void => {
    if (object === undefined) return
    checkReference(faults, object.describedObject, `${path}.describedObject`)
    checkIdentifier(faults, object.metric, `${path}.metric`)
    checkTarget(faults, object.target, `${path}.target`)
    if (object.target?.value === undefined && object.target?.averageValue === undefined)
      faults.push(required(`${path}.target.averageValue`, 'must set either a target value or averageValue'))
  },
  external: (faults: Faults, { external }: MetricSpec, path: string): void => {
    if (external === undefined) return
    checkIdentifier(faults, external.metric, `${path}.metric`)
    checkTarget(faults, external.target, `${path}.target`)
    const { value, averageValue } = external.target ?? {}
    if (value === undefined && averageValue === undefined)
      faults.push(required(`${path}.target.averageValue`, 'must set either a target value for metric or a per-pod target'))
    if (value !== undefined && averageValue !== undefined)
      faults.push(forbiddenField(`${path}.target.value`, 'may not set both a target value for metric and a per-pod target'))
  },
  pods: (faults: Faults, { pods }: MetricSpec, path: string): void => {
    if (pods === undefined) return
    checkIdentifier(faults, pods.metric, `${path}.metric`)
    checkTarget(faults, pods.target, `${path}.target`)
    if (pods.target?.averageValue === undefined)
      faults.push(required(`${path}.target.averageValue`, 'must specify a positive target averageValue'))
  },
  resource: (faults: Faults, { resource }: MetricSpec, path: string): void => {
    if (resource === undefined) return
    if (!resource.name) faults.push(required(`${path}.name`, 'must specify a resource name'))
    checkResourceTarget(faults, resource.target, `${path}.target`)
  },
  containerResource: (faults: Faults, { containerResource }: MetricSpec, path: string): void => {
    if (containerResource === undefined) return
    const { name, container, target } = containerResource
    if (!name) faults.push(required(`${path}.name`, 'must specify a resource name'))
    else checkContainerResourceName(faults, name, `${path}.name`)
    if (!container) faults.push(required(`${path}.container`, 'must specify a container'))
    else addInvalid(faults, isDns1123Label(container), container, `${path}.container`)
    checkResourceTarget(faults, target, `${path}.target`)
  },
} as const

type Source = keyof typeof sources
const sourceNames = Object.keys(sources) as readonly Source[]
const sourceOfType: Readonly<Record<string, Source>> = {
  Object: 'object',
  Pods: 'pods',
  Resource: 'resource',
  External: 'external',
  ContainerResource: 'containerResource',
}
const types = ['ContainerResource', 'External', 'Object', 'Pods', 'Resource']

export const checkReference = (faults: Faults, { kind, name }: Partial<CrossVersionObjectReference> = {}, path: string): void => {
  if (!kind) faults.push(required(`${path}.kind`))
  else addInvalid(faults, nameIsPathSegment(kind, false), kind, `${path}.kind`)
  if (!name) faults.push(required(`${path}.name`))
  else addInvalid(faults, nameIsPathSegment(name, false), name, `${path}.name`)
}

/** Upstream complains of an unknown type twice: before it looks at the sources, and after. */
export const checkMetric = (faults: Faults, metric: MetricSpec, path: string): void => {
  const type = metric.type ?? ''
  const expected = sourceOfType[type]
  if (type === '') faults.push(required(`${path}.type`, 'must specify a metric source type'))
  if (expected === undefined) faults.push(notSupported(`${path}.type`, type, types))
  const present = sourceNames.filter((source) => metric[source] !== undefined)
  const [first] = present
  if (first) sources[first](faults, metric, `${path}.${first}`)
  if (expected === undefined) faults.push(notSupported(`${path}.type`, type, types))
  else if (metric[expected] === undefined)
    faults.push(required(`${path}.${expected}`, 'must populate information for the given metric source'))
  if (present.length > 1)
    for (const source of present)
      if (source !== expected) faults.push(forbiddenField(`${path}.${source}`, 'must populate the given metric source only'))
}

const checkIdentifier = (faults: Faults, { name }: Partial<MetricIdentifier> = {}, path: string): void => {
  if (!name) faults.push(required(`${path}.name`, 'must specify a metric name'))
  else addInvalid(faults, nameIsPathSegment(name, false), name, `${path}.name`)
}

const checkTarget = (faults: Faults, { type = '', value, averageValue, averageUtilization }: Partial<MetricTarget> = {}, path: string) => {
  if (type === '') faults.push(required(`${path}.type`, 'must specify a metric target type'))
  if (type !== 'Utilization' && type !== 'Value' && type !== 'AverageValue')
    faults.push(invalidValue(`${path}.type`, type, 'must be either Utilization, Value, or AverageValue'))
  checkPositive(faults, value, `${path}.value`)
  checkPositive(faults, averageValue, `${path}.averageValue`)
  if (averageUtilization !== undefined && averageUtilization < 1)
    faults.push(invalidValue(`${path}.averageUtilization`, averageUtilization, 'must be greater than 0'))
}

const checkPositive = (faults: Faults, quantity: string | undefined, path: string): void => {
  if (quantity !== undefined && quantitySign(parseQuantity(quantity)) !== 1) faults.push(invalidValue(path, quantity, 'must be positive'))
}

const checkResourceTarget = (faults: Faults, target: MetricTarget | undefined, path: string): void => {
  checkTarget(faults, target, path)
  const { averageUtilization, averageValue } = target ?? {}
  if (averageUtilization === undefined && averageValue === undefined)
    faults.push(required(`${path}.averageUtilization`, 'must set either a target raw value or a target utilization'))
  if (averageUtilization !== undefined && averageValue !== undefined)
    faults.push(forbiddenField(`${path}.averageValue`, 'may not set both a target raw value and a target utilization'))
}
