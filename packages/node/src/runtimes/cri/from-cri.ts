import type {
  ContainerInfo,
  ContainerState,
  ContainerStats,
  ContainerSummary,
  IdMapping,
  ImageInfo,
  ImageUse,
  LinuxResources,
  Mount,
  NamespaceChoice,
  RuntimeCondition,
  RuntimeEvent,
  SandboxIdentity,
  SandboxInfo,
  SandboxSummary,
  UserNamespace,
} from '../runtime.ts'
import type { FromCri } from './cri-table.ts'

export const containerStates = {
  CONTAINER_CREATED: 'created',
  CONTAINER_RUNNING: 'running',
  CONTAINER_EXITED: 'exited',
  CONTAINER_UNKNOWN: 'unknown',
} as const satisfies Record<string, ContainerState>

const wrapped = (value: { readonly value: string } | null | undefined): number => Number(value?.value ?? 0)

const identity = (metadata: FromCri<'PodSandboxMetadata'> | null): SandboxIdentity => ({
  podName: metadata?.name ?? '',
  podNamespace: metadata?.namespace ?? '',
  podUid: metadata?.uid ?? '',
  attempt: metadata?.attempt ?? 0,
})

type SandboxFacts = Pick<FromCri<'PodSandbox'>, 'id' | 'metadata' | 'state' | 'createdAt' | 'labels' | 'annotations' | 'runtimeHandler'>

export const sandboxSummary = (sandbox: SandboxFacts): SandboxSummary => ({
  ...identity(sandbox.metadata),
  sandboxId: sandbox.id,
  ready: sandbox.state === 'SANDBOX_READY',
  createdAtNs: BigInt(sandbox.createdAt),
  labels: sandbox.labels,
  annotations: sandbox.annotations,
  runtimeHandler: sandbox.runtimeHandler,
})

const userNamespace = (options: FromCri<'UserNamespace'> | null | undefined): { readonly user?: UserNamespace } => {
  if (options?.mode !== 'POD' || options.uids.length === 0) return {}
  const mappings = (list: readonly FromCri<'IDMapping'>[]): IdMapping[] => list.map((mapping) => ({ ...mapping }))
  return { user: { mode: 'pod', uids: mappings(options.uids), gids: mappings(options.gids) } }
}

const namespaces = (options: FromCri<'NamespaceOption'> | null | undefined): NamespaceChoice => ({
  network: options?.network === 'NODE' ? 'node' : 'pod',
  pid: options?.pid === 'NODE' ? 'node' : options?.pid === 'POD' ? 'pod' : 'container',
  ipc: options?.ipc === 'NODE' ? 'node' : 'pod',
  ...userNamespace(options?.usernsOptions),
})

export const sandboxInfo = (status: FromCri<'PodSandboxStatus'>): SandboxInfo => ({
  ...sandboxSummary(status),
  ip: status.network?.ip ?? '',
  additionalIps: status.network?.additionalIps.map(({ ip }) => ip) ?? [],
  namespaces: namespaces(status.linux?.namespaces?.options),
})

export const containerSummary = (container: FromCri<'Container'>): ContainerSummary => ({
  containerId: container.id,
  sandboxId: container.podSandboxId,
  name: container.metadata?.name ?? '',
  attempt: container.metadata?.attempt ?? 0,
  state: containerStates[container.state],
  createdAtNs: BigInt(container.createdAt),
  image: container.image?.userSpecifiedImage || (container.image?.image ?? ''),
  imageRef: container.imageRef,
  labels: container.labels,
  annotations: container.annotations,
})

const propagation = {
  PROPAGATION_PRIVATE: 'private',
  PROPAGATION_HOST_TO_CONTAINER: 'hostToContainer',
  PROPAGATION_BIDIRECTIONAL: 'bidirectional',
} as const

const mountFrom = (mount: FromCri<'Mount'>): Mount => ({
  containerPath: mount.containerPath,
  hostPath: mount.hostPath,
  readonly: mount.readonly,
  recursiveReadOnly: mount.recursiveReadOnly,
  selinuxRelabel: mount.selinuxRelabel,
  propagation: propagation[mount.propagation],
})

// Zero and empty mean "not set" on the wire.
const set = <K extends string, V>(key: K, value: V, isSet: boolean) => (isSet ? ({ [key]: value } as { readonly [P in K]: V }) : {})
const number = <K extends string>(key: K, value: string) => set(key, Number(value), value !== '0')
const text = <K extends string>(key: K, value: string) => set(key, value, value !== '')

const resourcesFrom = (linux: FromCri<'LinuxContainerResources'>): LinuxResources => ({
  ...number('cpuPeriodUs', linux.cpuPeriod),
  ...number('cpuQuotaUs', linux.cpuQuota),
  ...number('cpuShares', linux.cpuShares),
  ...number('memoryLimitBytes', linux.memoryLimitInBytes),
  ...number('memorySwapLimitBytes', linux.memorySwapLimitInBytes),
  ...number('oomScoreAdj', linux.oomScoreAdj),
  ...text('cpusetCpus', linux.cpusetCpus),
  ...text('cpusetMems', linux.cpusetMems),
  hugepages: linux.hugepageLimits.map(({ pageSize, limit }) => ({ pageSize, limitBytes: Number(limit) })),
  unified: linux.unified,
})

export const containerInfo = (status: FromCri<'ContainerStatus'>): ContainerInfo => ({
  containerId: status.id,
  name: status.metadata?.name ?? '',
  attempt: status.metadata?.attempt ?? 0,
  state: containerStates[status.state],
  createdAtNs: BigInt(status.createdAt),
  startedAtNs: BigInt(status.startedAt),
  finishedAtNs: BigInt(status.finishedAt),
  exitCode: status.exitCode,
  reason: status.reason,
  message: status.message,
  image: status.image?.userSpecifiedImage || (status.image?.image ?? ''),
  imageRef: status.imageRef,
  labels: status.labels,
  annotations: status.annotations,
  mounts: status.mounts.map(mountFrom),
  logPath: status.logPath,
  ...(status.resources?.linux ? { resources: resourcesFrom(status.resources.linux) } : {}),
})

export const imageInfo = (image: FromCri<'Image'>): ImageInfo => ({
  id: image.id,
  tags: image.repoTags,
  digests: image.repoDigests,
  sizeBytes: Number(image.size),
  username: image.username,
  pinned: image.pinned,
  ...(image.uid === null ? {} : { uid: Number(image.uid.value) }),
})

export const imageUse = (usage: FromCri<'FilesystemUsage'>): ImageUse => ({
  atNs: BigInt(usage.timestamp),
  mountpoint: usage.fsId?.mountpoint ?? '',
  usedBytes: wrapped(usage.usedBytes),
  inodesUsed: wrapped(usage.inodesUsed),
})

export const containerStatsFrom = ({ attributes, cpu, memory, writableLayer }: FromCri<'ContainerStats'>): ContainerStats => ({
  containerId: attributes?.id ?? '',
  name: attributes?.metadata?.name ?? '',
  attempt: attributes?.metadata?.attempt ?? 0,
  labels: attributes?.labels ?? {},
  annotations: attributes?.annotations ?? {},
  atNs: BigInt(cpu?.timestamp ?? 0),
  cpuUsageNs: BigInt(cpu?.usageCoreNanoSeconds?.value ?? 0),
  ...(cpu?.usageNanoCores ? { cpuNanoCores: wrapped(cpu.usageNanoCores) } : {}),
  memoryWorkingSetBytes: wrapped(memory?.workingSetBytes),
  memoryUsageBytes: wrapped(memory?.usageBytes),
  memoryRssBytes: wrapped(memory?.rssBytes),
  memoryAvailableBytes: wrapped(memory?.availableBytes),
  pageFaults: wrapped(memory?.pageFaults),
  majorPageFaults: wrapped(memory?.majorPageFaults),
  diskUsedBytes: wrapped(writableLayer?.usedBytes),
  inodesUsed: wrapped(writableLayer?.inodesUsed),
})

export const conditionFrom = (
  conditions: readonly FromCri<'RuntimeCondition'>[],
  type: 'RuntimeReady' | 'NetworkReady',
): RuntimeCondition => {
  const found = conditions.find((condition) => condition.type === type)
  return { type, ready: found?.status ?? false, reason: found?.reason ?? '', message: found?.message ?? '' }
}

const eventKinds = {
  CONTAINER_CREATED_EVENT: 'created',
  CONTAINER_STARTED_EVENT: 'started',
  CONTAINER_STOPPED_EVENT: 'stopped',
  CONTAINER_DELETED_EVENT: 'deleted',
} as const

export const eventFrom = (event: FromCri<'ContainerEventResponse'>): RuntimeEvent => ({
  kind: eventKinds[event.containerEventType],
  containerId: event.containerId,
  atNs: BigInt(event.createdAt),
  ...(event.podSandboxStatus ? { sandboxId: event.podSandboxStatus.id, podUid: identity(event.podSandboxStatus.metadata).podUid } : {}),
})
