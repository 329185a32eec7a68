import type { Node, NodeCondition, NodeStatus } from '@skiff/api'
import type { Draft } from '@skiff/client'
import { rfc3339 } from '@skiff/machinery'
import { labelsOf, type NodeShape, shapeAnnotation, usualCapacity } from './shape.ts'

/** What nodes say of their agent. */
export const agentVersion = 'v1.33.4+skiff'

const kinds = [
  ['MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
  ['DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
  ['PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
  ['Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'],
] as const

/** The conditions of a node that is well; others' conditions stay. */
export const healthyConditions = (old: readonly NodeCondition[] | undefined, nowMs: number): NodeCondition[] => {
  const now = rfc3339(nowMs)
  const own = kinds.map(([type, status, reason, message]): NodeCondition => {
    const before = old?.find((condition) => condition.type === type)
    const since = before?.status === status ? (before.lastTransitionTime ?? now) : now
    return { type, status, lastHeartbeatTime: now, lastTransitionTime: since, reason, message }
  })
  return [...own, ...(old ?? []).filter(({ type }) => !kinds.some(([kind]) => kind === type))]
}

const nodeInfo = (name: string): NodeStatus['nodeInfo'] => ({
  machineID: name,
  systemUUID: name,
  bootID: name,
  kernelVersion: 'simulated',
  osImage: 'Skiff simulated node',
  containerRuntimeVersion: 'simulated://0.1.0',
  kubeletVersion: agentVersion,
  kubeProxyVersion: '',
  operatingSystem: 'linux',
  architecture: 'amd64',
})

/** Kubelets no longer tell it; kwok's stages ask for it. */
const runningPhase = 'Running'

export interface NodePlace {
  readonly name: string
  /** From 1, within the shape. */
  readonly number: number
  readonly address: string
  readonly podCidr: string
}

/** A node as its agent registers it, with its first status; without a time it says nothing yet of how it is. */
export const draftNode = (shape: NodeShape, place: NodePlace, nowMs: number | undefined): Draft<Node> => {
  const { name, podCidr } = place
  return {
    metadata: { name, labels: labelsOf(shape, name, place.number), annotations: { ...shape.annotations, [shapeAnnotation]: shape.name } },
    spec: { podCIDR: podCidr, podCIDRs: [podCidr], ...(shape.taints ? { taints: shape.taints } : {}) },
    status: {
      capacity: shape.capacity,
      allocatable: shape.allocatable ?? shape.capacity,
      ...(nowMs === undefined ? {} : { phase: runningPhase, conditions: healthyConditions(undefined, nowMs) }),
      addresses: [
        { type: 'InternalIP', address: place.address },
        { type: 'Hostname', address: name },
      ],
      nodeInfo: nodeInfo(name),
    },
  } as Draft<Node>
}

/** The node with the status of one that is well: its heartbeat. What a user's own node lacks is filled in. */
export const withHeartbeat = (node: Node, address: string, nowMs: number): Node => {
  const { status } = node
  const capacity = status?.capacity && Object.keys(status.capacity).length > 0 ? status.capacity : usualCapacity
  const known = status?.allocatable && Object.keys(status.allocatable).length > 0
  return {
    ...node,
    status: {
      ...status,
      phase: runningPhase,
      capacity,
      allocatable: known ? status.allocatable : capacity,
      conditions: healthyConditions(status?.conditions, nowMs),
      addresses: status?.addresses?.length
        ? status.addresses
        : [
            { type: 'InternalIP', address },
            { type: 'Hostname', address: node.metadata.name },
          ],
      nodeInfo: status?.nodeInfo?.kubeletVersion ? status.nodeInfo : nodeInfo(node.metadata.name),
    },
  } as Node
}

const ready = ({ status }: Node): NodeCondition | undefined => status?.conditions?.find(({ type }) => type === 'Ready')

export const isWell = (node: Node): boolean => ready(node)?.status === 'True'

/** Whether the node's agent has something to say: it was called unknown, or has been silent for `reportMs`. */
export const needsHeartbeat = (node: Node, reportMs: number, nowMs: number): boolean => {
  const condition = ready(node)
  if (condition?.status !== 'True') return true
  return nowMs - Date.parse(condition.lastHeartbeatTime ?? '1970-01-01T00:00:00Z') >= reportMs
}
