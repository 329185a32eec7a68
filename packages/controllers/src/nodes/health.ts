import type { Node, NodeCondition } from '@skiff/api'
import { rfc3339 } from '@skiff/machinery'

/** How long a node may be silent before it counts as lost, and a new one before it has said anything. */
export interface Patience {
  readonly graceMs: number
  readonly startupGraceMs: number
}

/** When nodes count as lost, and how fast their pods are driven away. */
export interface NodeHealth extends Patience, Pace {}

/** How many lost nodes a zone may have emptied in a second. */
export interface Pace {
  readonly evictionsPerSecond: number
  /** In a large zone that is mostly down. A small one has none then. */
  readonly secondaryEvictionsPerSecond: number
  /** The share of nodes, at least three, whose loss makes a zone one that is mostly down. */
  readonly unhealthyShare: number
  /** A zone with more nodes is large. */
  readonly largeZone: number
}

/** Those of kube-controller-manager. */
export const upstreamHealth: NodeHealth = {
  graceMs: 50_000,
  startupGraceMs: 60_000,
  evictionsPerSecond: 0.1,
  secondaryEvictionsPerSecond: 0.01,
  unhealthyShare: 0.55,
  largeZone: 50,
}

const judgedTypes = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure']

export const readiness = (node: Node): string | undefined => node.status?.conditions?.find((one) => one.type === 'Ready')?.status

/** When the node counts as silent, given its last sign. */
export const silentAtMs = (node: Node, lastMs: number, patience: Patience): number =>
  lastMs + (readiness(node) === undefined ? patience.startupGraceMs : patience.graceMs)

/** The node with every condition unknown that its kubelet no longer vouches for; the same value when they are so already. */
export const silenced = (node: Node, nowMs: number): Node => {
  const held = node.status?.conditions ?? []
  const now = rfc3339(nowMs)
  const unknown = (type: string, reason: string, message: string, lastHeartbeatTime: string): NodeCondition =>
    ({ type, status: 'Unknown', reason, message, lastHeartbeatTime, lastTransitionTime: now }) as NodeCondition
  const changed = held.map((one) =>
    !judgedTypes.includes(one.type) || one.status === 'Unknown'
      ? one
      : unknown(one.type, 'NodeStatusUnknown', 'Kubelet stopped posting node status.', one.lastHeartbeatTime ?? now),
  )
  const missing = judgedTypes
    .filter((type) => !held.some((one) => one.type === type))
    .map((type) => unknown(type, 'NodeStatusNeverUpdated', 'Kubelet never posted node status.', node.metadata.creationTimestamp))
  if (missing.length === 0 && changed.every((one, at) => one === held[at])) return node
  return { ...node, status: { ...node.status, conditions: [...changed, ...missing] } }
}
