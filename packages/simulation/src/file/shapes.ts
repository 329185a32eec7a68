import type { Taint } from '@skiff/api'
import { quantityValue } from '@skiff/machinery'
import { type NodeShape, usualCapacity } from '../nodes/shape.ts'
import type { FailureRates } from '../pods/behaviour.ts'
import type { Fields } from './fields.ts'

/** Reads a NodeShape's spec. */
export const readShape = (name: string, spec: Fields): NodeShape => {
  spec.only('count', 'capacity', 'allocatable', 'labels', 'annotations', 'taints', 'zones', 'region', 'failures')
  if (!/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(name))
    spec.refuse('name', `of the metadata (${JSON.stringify(name)}) must be one that nodes can begin with`)
  const count = spec.number('count') ?? spec.refuse('count', 'is missing')
  if (!Number.isInteger(count) || count < 0) spec.refuse('count', 'must be a whole number')
  const capacity = { ...usualCapacity, ...amounts(spec, 'capacity') }
  const [labels, annotations, allocatable] = [spec.map('labels'), spec.map('annotations'), amounts(spec, 'allocatable')]
  const [zones, region, failures, taints] = [
    spec.texts('zones'),
    spec.text('region'),
    readFailures(spec.object('failures')),
    readTaints(spec),
  ]
  return {
    name,
    count,
    capacity,
    ...(allocatable ? { allocatable: { ...capacity, ...allocatable } } : {}),
    ...(labels ? { labels } : {}),
    ...(annotations ? { annotations } : {}),
    ...(taints.length > 0 ? { taints } : {}),
    ...(zones ? { zones } : {}),
    ...(region !== undefined ? { region } : {}),
    ...(failures ? { failures } : {}),
  }
}

const amounts = (spec: Fields, name: string): Readonly<Record<string, string>> | undefined => {
  const found = spec.map(name)
  for (const [resource, amount] of Object.entries(found ?? {}))
    try {
      quantityValue(amount)
    } catch {
      spec.refuse(`${name}.${resource}`, 'must be a quantity')
    }
  return found
}

const effects: readonly string[] = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'] satisfies Taint['effect'][]

const readTaints = (spec: Fields): Taint[] =>
  spec.list('taints').map((taint) => {
    taint.only('key', 'value', 'effect')
    const effect = taint.text('effect') ?? ''
    if (!effects.includes(effect)) taint.refuse('effect', `must be one of ${effects.join(', ')}`)
    const value = taint.text('value')
    return {
      key: taint.text('key') ?? taint.refuse('key', 'is missing'),
      effect: effect as Taint['effect'],
      ...(value !== undefined ? { value } : {}),
    }
  })

const rates: readonly string[] = ['imagePull', 'crashLoop', 'oomKilled', 'readinessFlaps'] satisfies (keyof FailureRates)[]

const readFailures = (fields: Fields | undefined): FailureRates | undefined => {
  if (!fields) return undefined
  fields.only(...rates)
  const found = rates.map((name) => [name, fields.number(name) ?? 0] as const)
  for (const [name, rate] of found) if (rate < 0 || rate > 1) fields.refuse(name, 'must be a share from 0 to 1')
  if (found.reduce((sum, [, rate]) => sum + rate, 0) > 1) fields.refuse('', 'are more than 1 in all')
  return Object.fromEntries(found)
}
