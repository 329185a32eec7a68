import type { ContainerImage, NodeAddress, NodeCondition, NodeStatus } from '@skiff/api'
import { rfc3339 } from '@skiff/machinery'
import type { ImageInfo, RuntimeStatus, RuntimeVersion } from '../runtimes/runtime.ts'
import { allocatableOf, capacityOf, type Machine, type Pressure } from './machine.ts'

export interface NodeObserved {
  readonly machine: Machine
  readonly addresses: readonly NodeAddress[]
  readonly runtime: RuntimeVersion
  /** Undefined while the runtime does not answer. */
  readonly status: RuntimeStatus | undefined
  readonly images: readonly ImageInfo[]
  readonly pressure: Pressure
  readonly version: string
  readonly kubeletPort: number | undefined
}

/** Upstream lists no more. */
const maxImages = 50

/** A node's status as the kubelet sets it. Pure; a condition keeps its time of transition as long as its status stays. */
export const nodeStatusOf = (observed: NodeObserved, old: NodeStatus | undefined, nowMs: number): NodeStatus => {
  const { machine, runtime } = observed
  const now = rfc3339(nowMs)
  return {
    ...old,
    capacity: { ...old?.capacity, ...capacityOf(machine) },
    allocatable: { ...old?.allocatable, ...allocatableOf(machine) },
    conditions: [
      ...verdicts(observed).map((verdict) => dated(verdict, old, now)),
      ...(old?.conditions ?? []).filter(({ type }) => !ownConditions.has(type)),
    ],
    addresses: observed.addresses,
    ...(observed.kubeletPort ? { daemonEndpoints: { kubeletEndpoint: { Port: observed.kubeletPort } } } : {}),
    nodeInfo: {
      ...machine.info,
      containerRuntimeVersion: `${runtime.name}://${runtime.version}`,
      kubeletVersion: observed.version,
      kubeProxyVersion: '',
    },
    images: imagesOf(observed.images),
  }
}

type Verdict = Pick<NodeCondition, 'type' | 'status' | 'reason' | 'message'>
const ownConditions = new Set(['MemoryPressure', 'DiskPressure', 'PIDPressure', 'Ready'])

const verdicts = ({ pressure, status }: NodeObserved): Verdict[] => [
  pressure.memory
    ? {
        type: 'MemoryPressure',
        status: 'True',
        reason: 'KubeletHasInsufficientMemory',
        message: 'kubelet has insufficient memory available',
      }
    : { type: 'MemoryPressure', status: 'False', reason: 'KubeletHasSufficientMemory', message: 'kubelet has sufficient memory available' },
  pressure.disk
    ? { type: 'DiskPressure', status: 'True', reason: 'KubeletHasDiskPressure', message: 'kubelet has disk pressure' }
    : { type: 'DiskPressure', status: 'False', reason: 'KubeletHasNoDiskPressure', message: 'kubelet has no disk pressure' },
  { type: 'PIDPressure', status: 'False', reason: 'KubeletHasSufficientPID', message: 'kubelet has sufficient PID available' },
  readyVerdict(status),
]

const readyVerdict = (status: RuntimeStatus | undefined): Verdict => {
  const faults = faultsOf(status)
  if (faults.length === 0) return { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' }
  const message = faults.length === 1 ? (faults[0] as string) : `[${faults.join(', ')}]`
  return { type: 'Ready', status: 'False', reason: 'KubeletNotReady', message }
}

const faultsOf = (status: RuntimeStatus | undefined): string[] => {
  if (!status) return ['container runtime is down']
  const fault = (what: string, { type, ready, reason, message }: RuntimeStatus['runtime']) =>
    ready ? [] : [`container runtime ${what}: ${type}=false reason:${reason} message:${message}`]
  return [...fault('not ready', status.runtime), ...fault('network not ready', status.network)]
}

const dated = (verdict: Verdict, old: NodeStatus | undefined, now: string): NodeCondition => {
  const before = old?.conditions?.find(({ type }) => type === verdict.type)
  const lastTransitionTime = before?.status === verdict.status ? (before.lastTransitionTime ?? now) : now
  return { ...verdict, lastHeartbeatTime: now, lastTransitionTime }
}

const imagesOf = (images: readonly ImageInfo[]): ContainerImage[] =>
  [...images]
    .sort((a, b) => b.sizeBytes - a.sizeBytes || (a.id < b.id ? -1 : 1))
    .slice(0, maxImages)
    .map(({ digests, tags, sizeBytes }) => ({ names: [...digests, ...tags].slice(0, 5), sizeBytes }))

/** Everything but the times of heartbeats, by which a status counts as changed. */
export const withoutHeartbeats = (status: NodeStatus): NodeStatus => ({
  ...status,
  conditions: (status.conditions ?? []).map(({ lastHeartbeatTime: _, ...condition }) => condition),
})

/** Whether the object still has the conditions that this node gives it. Those of others stand beside them. */
export const saysTheSame = (held: NodeStatus | undefined, own: NodeStatus): boolean =>
  (own.conditions ?? []).every(({ type, status }) => held?.conditions?.find((each) => each.type === type)?.status === status)
