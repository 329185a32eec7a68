import type { LinuxResources, SeccompProfile, SelinuxOptions } from './container.ts'

/** Which pod a sandbox belongs to; `attempt` counts how often its sandbox was made anew. */
export interface SandboxIdentity {
  readonly podName: string
  readonly podNamespace: string
  readonly podUid: string
  readonly attempt: number
}

export interface DnsConfig {
  readonly servers: readonly string[]
  readonly searches: readonly string[]
  readonly options: readonly string[]
}

export interface PortMapping {
  readonly protocol: 'TCP' | 'UDP' | 'SCTP'
  readonly containerPort: number
  readonly hostPort: number
  readonly hostIp?: string
}

/** `pod`: shared by the pod's containers; `container`: each its own; `node`: the host's. */
export type NamespaceMode = 'pod' | 'container' | 'node'

/** `pod`: the pod gets a user namespace with these mappings; `node`: the host's. */
export interface UserNamespace {
  readonly mode: 'pod' | 'node'
  readonly uids?: readonly IdMapping[]
  readonly gids?: readonly IdMapping[]
}

export interface IdMapping {
  readonly hostId: number
  readonly containerId: number
  readonly length: number
}

export interface NamespaceChoice {
  readonly network: 'pod' | 'node'
  readonly pid: NamespaceMode
  readonly ipc: 'pod' | 'node'
  readonly user?: UserNamespace
}

export interface SandboxSecurity {
  readonly namespaces: NamespaceChoice
  readonly privileged?: boolean
  readonly readOnlyRootFilesystem?: boolean
  readonly runAsUser?: number
  readonly runAsGroup?: number
  readonly supplementalGroups?: readonly number[]
  readonly seccomp?: SeccompProfile
  readonly apparmorProfile?: string
  readonly selinux?: SelinuxOptions
}

export interface SandboxConfig extends SandboxIdentity {
  /** Empty with the host's network. */
  readonly hostname: string
  /** Containers' `logPath` is relative to it. */
  readonly logDirectory: string
  readonly dns?: DnsConfig
  readonly portMappings?: readonly PortMapping[]
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  /** An absolute cgroup path such as `/kubepods/burstable/pod<uid>`. */
  readonly cgroupParent: string
  readonly sysctls?: Readonly<Record<string, string>>
  readonly security: SandboxSecurity
  /** What the pod asks for in all, and what its sandbox itself costs. */
  readonly resources?: LinuxResources
  readonly overhead?: LinuxResources
  /** RuntimeClass handler; empty or absent: the default one. */
  readonly runtimeHandler?: string
}

export interface SandboxFilter {
  readonly sandboxId?: string
  readonly ready?: boolean
  readonly labels?: Readonly<Record<string, string>>
}

/** A row of a list. Its addresses are only in the status. */
export interface SandboxSummary extends SandboxIdentity {
  readonly sandboxId: string
  readonly ready: boolean
  readonly createdAtNs: bigint
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly runtimeHandler: string
}

export interface SandboxInfo extends SandboxSummary {
  /** Empty with the host's network. */
  readonly ip: string
  /** Of further families; `ip` not among them. */
  readonly additionalIps: readonly string[]
  readonly namespaces: NamespaceChoice
}
