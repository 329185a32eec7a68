import type { Container, ContainerStatus, Pod } from '@skiff/api'
import { milliValue, quantityValue } from '@skiff/machinery'

/** Amounts by resource: cpu in milli-CPU, all else in whole units (bytes, devices). */
export type Amounts = Map<string, number>
type Asked = Readonly<Record<string, string>> | undefined

// What scoring takes a container to use that asks for nothing, as upstream: 100 milli-CPU and 200 MB.
const assumedCpuMilli = 100
const assumedMemoryBytes = 200 * 1024 * 1024

const amountOf = (name: string, text: string): number => (name === 'cpu' ? milliValue(text) : quantityValue(text))
export const amountsOf = (asked: Asked): Amounts => {
  const amounts: Amounts = new Map()
  if (asked) for (const name of Object.keys(asked)) amounts.set(name, amountOf(name, asked[name] as string))
  return amounts
}
const add = (to: Amounts, more: Amounts): void => {
  for (const [name, amount] of more) to.set(name, (to.get(name) ?? 0) + amount)
}
const raise = (to: Amounts, other: Amounts): void => {
  for (const [name, amount] of other) if (amount > (to.get(name) ?? 0)) to.set(name, amount)
}
const plus = (a: Amounts, b: Amounts): Amounts => {
  const sum = new Map(a)
  add(sum, b)
  return sum
}

const scored = (amounts: Amounts): Amounts => {
  const both = new Map(amounts)
  if (!both.has('cpu')) both.set('cpu', assumedCpuMilli)
  if (!both.has('memory')) both.set('memory', assumedMemoryBytes)
  return both
}

/** A resize that the node can never grant counts for nothing. */
const isInfeasible = ({ status }: Pod): boolean =>
  status?.conditions?.some((each) => each.type === 'PodResizePending' && each.reason === 'Infeasible') ?? false

/** While a resize is under way, the largest of what is asked for, what the node promised and what it granted counts. */
const containerAmounts = (container: Container, pod: Pod, statuses: readonly ContainerStatus[] | undefined): Amounts => {
  const status = statuses?.find((each) => each.name === container.name)
  const asked = amountsOf(container.resources?.requests)
  if (!status?.resources) return asked
  const amounts = isInfeasible(pod) ? amountsOf(status.resources.requests) : asked
  raise(amounts, amountsOf(status.resources.requests))
  raise(amounts, amountsOf(status.allocatedResources))
  return amounts
}

/**
 * Upstream's PodRequests: containers and restartable init containers (sidecars) add up; an ordinary init container needs its own
 * amount beside the sidecars that started before it; the larger of both counts. Pod-level resources replace the sum for the
 * resources they name; overhead comes on top.
 */
export const podAmounts = (pod: Pod, view: (amounts: Amounts) => Amounts = (amounts) => amounts): Amounts => {
  const { containers, initContainers, resources, overhead } = pod.spec
  const { containerStatuses, initContainerStatuses } = pod.status ?? {}
  const [only] = containers
  if (only && containers.length === 1 && !initContainers && !resources && !overhead)
    return view(containerAmounts(only, pod, containerStatuses))
  const total: Amounts = new Map()
  for (const container of containers) add(total, view(containerAmounts(container, pod, containerStatuses)))
  const sidecars: Amounts = new Map()
  const initial: Amounts = new Map()
  for (const container of initContainers ?? []) {
    if (container.restartPolicy === 'Always') {
      add(sidecars, view(containerAmounts(container, pod, initContainerStatuses)))
      raise(initial, sidecars)
    } else raise(initial, plus(sidecars, view(amountsOf(container.resources?.requests))))
  }
  add(total, sidecars)
  raise(total, initial)
  for (const [name, amount] of amountsOf(resources?.requests)) total.set(name, amount)
  add(total, amountsOf(overhead))
  return total
}

/** The same, with the assumed amounts for containers that name no cpu or memory. */
export const scoredAmounts = (pod: Pod): Amounts => podAmounts(pod, scored)
