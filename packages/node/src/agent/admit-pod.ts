import type { Node, Pod } from '@skiff/api'
import { addQuantities, compareQuantities, milliValue, type Quantity, quantityValue, subtractQuantities } from '@skiff/machinery'
import { isSidecar } from '../pods/restart.ts'

/** Why a pod may not run on this node, checked once more when it arrives: bindings can be made by anyone. */
export const admitPod = (
  pod: Pod,
  others: Iterable<Pod>,
  node: Node,
  allocatable: Readonly<Record<string, string>>,
): { readonly reason: string; readonly message: string } | undefined => {
  const living = [...others].filter(({ status }) => status?.phase !== 'Succeeded' && status?.phase !== 'Failed')
  if (living.length >= quantityValue(allocatable.pods ?? '110')) {
    const counts = `requested: 1, used: ${living.length}, capacity: ${allocatable.pods}`
    return { reason: 'OutOfpods', message: `Node didn't have enough resource: pods, ${counts}` }
  }
  const selector = Object.entries(pod.spec.nodeSelector ?? {})
  if (selector.some(([key, value]) => node.metadata.labels?.[key] !== value)) {
    return { reason: 'NodeAffinity', message: "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector" }
  }
  for (const resource of ['cpu', 'memory', 'ephemeral-storage']) {
    const requested = requestOf(pod, resource)
    const used = living.reduce((sum, other) => addQuantities(sum, requestOf(other, resource)), zero)
    const capacity = allocatable[resource] ?? '0'
    if (compareQuantities(requested, zero) > 0 && compareQuantities(requested, subtractQuantities(capacity, used)) > 0) {
      const number = (quantity: Quantity | string) => (resource === 'cpu' ? milliValue(quantity) : quantityValue(quantity))
      const counts = `requested: ${number(requested)}, used: ${number(used)}, capacity: ${number(capacity)}`
      return { reason: `OutOf${resource}`, message: `Node didn't have enough resource: ${resource}, ${counts}` }
    }
  }
  return undefined
}

const zero = addQuantities('0', '0')

const larger = (a: Quantity, b: Quantity): Quantity => (compareQuantities(a, b) >= 0 ? a : b)

/** What a pod asks for: its containers and sidecars together, or more while an init container runs beside the sidecars before it. */
const requestOf = (pod: Pod, resource: string): Quantity => {
  let sidecars = zero
  let peak = zero
  for (const container of pod.spec.initContainers ?? []) {
    const own = addQuantities(container.resources?.requests?.[resource] ?? '0', sidecars)
    if (isSidecar(container)) sidecars = own
    peak = larger(peak, own)
  }
  const mains = pod.spec.containers.reduce((sum, { resources }) => addQuantities(sum, resources?.requests?.[resource] ?? '0'), sidecars)
  return addQuantities(larger(mains, peak), pod.spec.overhead?.[resource] ?? '0')
}
