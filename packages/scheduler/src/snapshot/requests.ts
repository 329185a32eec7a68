import type { Container, Pod } from '@skiff/api'
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

/** While a resize is under way, the larger of what is asked for and what the node granted counts. */
const containerAmounts = (container: Container, pod: Pod): Amounts => {
  const asked = amountsOf(container.resources?.requests)
  const status = pod.status?.containerStatuses?.find((each) => each.name === container.name)
  if (status?.resources?.requests) raise(asked, amountsOf(status.resources.requests))
  return asked
}

/**
 * Upstream's PodRequests: containers and restartable init containers (sidecars) add up; an ordinary init container needs its own
 * amount beside the sidecars that started before it; the larger of both counts. Pod-level resources replace the sum for the
 * resources they name; overhead comes on top.
 */
export const podAmounts = (pod: Pod, view: (amounts: Amounts) => Amounts = (amounts) => amounts): Amounts => {
  const { containers, initContainers, resources, overhead } = pod.spec
  const [only] = containers
  if (only && containers.length === 1 && !initContainers && !resources && !overhead) return view(containerAmounts(only, pod))
  const total: Amounts = new Map()
  for (const container of containers) add(total, view(containerAmounts(container, pod)))
  const sidecars: Amounts = new Map()
  const initial: Amounts = new Map()
  for (const container of initContainers ?? []) {
    const own = view(amountsOf(container.resources?.requests))
    if (container.restartPolicy === 'Always') {
      add(sidecars, own)
      raise(initial, sidecars)
    } else raise(initial, plus(sidecars, own))
  }
  add(total, sidecars)
  raise(total, initial)
  for (const [name, amount] of amountsOf(resources?.requests)) total.set(name, amount)
  add(total, amountsOf(overhead))
  return total
}

/** The same, with the assumed amounts for containers that name no cpu or memory. */
export const scoredAmounts = (pod: Pod): Amounts => podAmounts(pod, scored)
