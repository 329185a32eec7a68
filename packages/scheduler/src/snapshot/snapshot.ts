import type { Node } from '@skiff/api'
import { type Columns, createColumns } from './columns.ts'
import { type Counter, createCounters, type Holders } from './counters.ts'
import { createDomains, type Domain } from './domains.ts'
import { createImages, type Images } from './images.ts'
import { interleaveZones } from './node-order.ts'
import type { PodInfo } from './pod-info.ts'
import { amountsOf } from './requests.ts'

export interface NodeInfo {
  readonly slot: number
  readonly name: string
  readonly node: Node
  /** Goes up with every change of the node object; never reused, whatever node takes the slot. */
  readonly version: number
  readonly pods: Map<string, PodInfo>
  /** Of those pods, those that use a port of the host. */
  readonly withHostPorts: Set<PodInfo>
}

/**
 * The nodes and the pods on them, as numbers in arrays by node slot. One writer, the scheduler's own event handlers; every read of a
 * scheduling cycle is synchronous, so nobody copies it.
 */
export interface Snapshot {
  readonly columns: Columns
  readonly images: Images
  readonly nodeCount: number
  /** Pods on all nodes, those whose node is not there included. */
  podCount(): number
  /** Goes up with every change. */
  readonly generation: number
  /** The generation that last changed the node at `slot`, its pods, or who is promised room there. */
  changedAt(slot: number): number
  /** Something beside the snapshot changed that verdicts on the node depend on. */
  touch(nodeName: string): void
  /** Runs a trial that leaves the node at `slot` as it was: it counts as no change. */
  untouched<T>(slot: number, trial: () => T): T
  /** Slots of the present nodes, zones taking turns. */
  readonly order: readonly number[]
  node(slot: number): NodeInfo | undefined
  named(name: string): NodeInfo | undefined
  /** Nodes that have a taint of PreferNoSchedule. */
  readonly softTaintedNodes: number
  setNode(node: Node): void
  removeNode(name: string): void
  addPod(pod: PodInfo, nodeName: string): void
  removePod(pod: PodInfo, nodeName: string): void
  /** Puts `next`, which counts for as much, in the place of `pod`. False: `pod` is not there. */
  renewPod(pod: PodInfo, next: PodInfo, nodeName: string): boolean
  domain(topologyKey: string): Domain
  counter(key: string, meets: (pod: PodInfo) => boolean): Counter
  holders(): Iterable<Holders>
}

export const createSnapshot = (): Snapshot => {
  const columns = createColumns()
  const images = createImages()
  const slots: (NodeInfo | undefined)[] = []
  const byName = new Map<string, NodeInfo>()
  // Pods may be seen before their node: they wait here, and move in with it.
  const strays = new Map<string, Map<string, PodInfo>>()
  const freeSlots: number[] = []
  let order: readonly number[] | undefined
  let softTaintedNodes = 0
  let version = 0
  let generation = 0
  const changes: number[] = []
  const changed = (slot: number): void => {
    generation += 1
    changes[slot] = generation
  }

  const domains = createDomains(
    () => columns.capacity,
    (see) => {
      for (const info of byName.values()) see(info.slot, info.node.metadata.labels ?? {})
    },
  )
  const counters = createCounters(
    () => columns.capacity,
    (see) => {
      for (const info of byName.values()) for (const pod of info.pods.values()) see(pod, info.slot)
    },
  )
  const takeSlot = (): number => {
    const slot = freeSlots.pop() ?? slots.length
    if (slot >= columns.capacity) {
      const capacity = columns.capacity * 2
      columns.grow(capacity)
      domains.grow(capacity)
      counters.grow(capacity)
    }
    return slot
  }
  const move = (pod: PodInfo, slot: number, sign: 1 | -1): void => {
    changed(slot)
    for (const [name, amount] of pod.requests) {
      const { used } = columns.column(name)
      used[slot] = (used[slot] ?? 0) + sign * amount
    }
    const { used } = columns.column('pods')
    used[slot] = (used[slot] ?? 0) + sign
    const { scoredCpuMilli, scoredMemoryBytes } = columns
    scoredCpuMilli[slot] = (scoredCpuMilli[slot] ?? 0) + sign * pod.scoredCpuMilli
    scoredMemoryBytes[slot] = (scoredMemoryBytes[slot] ?? 0) + sign * pod.scoredMemoryBytes
    counters.moved(pod, slot, sign)
  }
  const enter = (pod: PodInfo, info: NodeInfo): void => {
    info.pods.set(pod.uid, pod)
    if (pod.hostPorts.length > 0) info.withHostPorts.add(pod)
    move(pod, info.slot, 1)
  }
  const setAllocatable = (slot: number, node: Node | undefined): void => {
    const amounts = amountsOf(node?.status?.allocatable)
    for (const [name] of amounts) columns.column(name)
    for (const [name, column] of columns.all()) column.allocatable[slot] = amounts.get(name) ?? 0
  }
  const softTaints = (node: Node): number => (node.spec?.taints?.some((taint) => taint.effect === 'PreferNoSchedule') ? 1 : 0)

  return {
    columns,
    images,
    get generation() {
      return generation
    },
    get nodeCount() {
      return byName.size
    },
    podCount: () => {
      let count = 0
      for (const { pods } of byName.values()) count += pods.size
      for (const pods of strays.values()) count += pods.size
      return count
    },
    get order() {
      order ??= interleaveZones([...byName.values()])
      return order
    },
    get softTaintedNodes() {
      return softTaintedNodes
    },
    node: (slot) => slots[slot],
    named: (name) => byName.get(name),
    domain: domains.domain,
    counter: counters.counter,
    holders: counters.holders,
    changedAt: (slot) => changes[slot] ?? 0,
    touch: (nodeName) => {
      const info = byName.get(nodeName)
      if (info) changed(info.slot)
    },
    untouched: (slot, trial) => {
      const before = generation
      const beforeHere = changes[slot] ?? 0
      try {
        return trial()
      } finally {
        generation = before
        changes[slot] = beforeHere
      }
    },
    setNode: (node) => {
      const { name } = node.metadata
      const held = byName.get(name)
      const slot = held?.slot ?? takeSlot()
      changed(slot)
      version += 1
      const info: NodeInfo = { slot, name, node, version, pods: held?.pods ?? new Map(), withHostPorts: held?.withHostPorts ?? new Set() }
      slots[slot] = info
      byName.set(name, info)
      setAllocatable(slot, node)
      domains.changed(slot, node.metadata.labels ?? {})
      images.changed(held?.node, node)
      softTaintedNodes += softTaints(node) - (held ? softTaints(held.node) : 0)
      order = undefined
      if (held) return
      for (const pod of strays.get(name)?.values() ?? []) enter(pod, info)
      strays.delete(name)
    },
    removeNode: (name) => {
      const info = byName.get(name)
      if (!info) return
      changed(info.slot)
      for (const pod of info.pods.values()) move(pod, info.slot, -1)
      if (info.pods.size > 0) strays.set(name, info.pods)
      setAllocatable(info.slot, undefined)
      domains.changed(info.slot, undefined)
      images.changed(info.node, undefined)
      softTaintedNodes -= softTaints(info.node)
      byName.delete(name)
      slots[info.slot] = undefined
      freeSlots.push(info.slot)
      order = undefined
    },
    addPod: (pod, nodeName) => {
      const info = byName.get(nodeName)
      if (info) return enter(pod, info)
      const waiting = strays.get(nodeName) ?? new Map<string, PodInfo>()
      strays.set(nodeName, waiting.set(pod.uid, pod))
    },
    renewPod: (pod, next, nodeName) => {
      const info = byName.get(nodeName)
      if (info?.pods.get(pod.uid) !== pod) return false
      info.pods.set(next.uid, next)
      if (info.withHostPorts.delete(pod)) info.withHostPorts.add(next)
      changed(info.slot)
      return true
    },
    removePod: (pod, nodeName) => {
      const info = byName.get(nodeName)
      if (info) {
        // By identity: what was counted must be what is taken away.
        if (info.pods.get(pod.uid) !== pod) return
        info.pods.delete(pod.uid)
        info.withHostPorts.delete(pod)
        return move(pod, info.slot, -1)
      }
      const waiting = strays.get(nodeName)
      waiting?.delete(pod.uid)
      if (waiting?.size === 0) strays.delete(nodeName)
    },
  }
}
