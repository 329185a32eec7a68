import { addQuantities, compareQuantities, type JsonObject, parseQuantity, type Quantity } from '@skiff/machinery'
import { at, listAt, mapAt, textAt } from '../objects/fields.ts'

/** Amounts by resource. */
export type Amounts = Map<string, Quantity>

const amountsOf = (map: JsonObject): Amounts => new Map(Object.entries(map).map(([name, value]) => [name, parseQuantity(String(value))]))

/** Adds `more` to `sum`. */
export const addAmounts = (sum: Amounts, more: Amounts): void => {
  for (const [name, amount] of more) {
    const held = sum.get(name)
    sum.set(name, held ? addQuantities(held, amount) : amount)
  }
}

const raiseTo = (sum: Amounts, least: Amounts): void => {
  for (const [name, amount] of least) {
    const held = sum.get(name)
    if (!held || compareQuantities(amount, held) > 0) sum.set(name, amount)
  }
}

type Side = 'requests' | 'limits'

// A container under resize counts with what it asks for or has, whichever is more.
const containerAmounts = (pod: JsonObject, container: JsonObject, side: Side): Amounts => {
  const asked = amountsOf(mapAt(container, `resources.${side}`))
  const status = listAt(pod, 'status.containerStatuses').find(({ name }) => name === container.name)
  if (status === undefined || at(status, 'resources') === undefined) return asked
  raiseTo(asked, amountsOf(mapAt(status, `resources.${side}`)))
  return asked
}

/**
 * What a pod asks for: its containers together, or what its init containers need at their most; init containers that go on running
 * count with both. The overhead comes on top; it raises only limits that are there.
 */
export const podAmounts = (pod: JsonObject, side: Side): Amounts => {
  const sum: Amounts = new Map()
  for (const container of listAt(pod, 'spec.containers')) addAmounts(sum, containerAmounts(pod, container, side))
  const sidecars: Amounts = new Map()
  const starting: Amounts = new Map()
  for (const container of listAt(pod, 'spec.initContainers')) {
    const own = amountsOf(mapAt(container, `resources.${side}`))
    if (textAt(container, 'restartPolicy') === 'Always') {
      addAmounts(sum, own)
      addAmounts(sidecars, own)
      raiseTo(starting, sidecars)
    } else {
      addAmounts(own, sidecars)
      raiseTo(starting, own)
    }
  }
  raiseTo(sum, starting)
  const overhead = amountsOf(mapAt(pod, 'spec.overhead'))
  addAmounts(sum, side === 'requests' ? overhead : new Map([...overhead].filter(([name]) => sum.has(name))))
  return sum
}
