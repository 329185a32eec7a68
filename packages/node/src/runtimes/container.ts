/** Limits of one container, as the kernel takes them. Absent: not set (on update: unchanged). */
export interface LinuxResources {
  readonly cpuPeriodUs?: number
  /** CPU time a period; -1: no limit. */
  readonly cpuQuotaUs?: number
  readonly cpuShares?: number
  readonly memoryLimitBytes?: number
  readonly memorySwapLimitBytes?: number
  readonly oomScoreAdj?: number
  readonly cpusetCpus?: string
  readonly cpusetMems?: string
  readonly hugepages?: readonly { readonly pageSize: string; readonly limitBytes: number }[]
  /** cgroup v2 files, such as `memory.oom.group`. */
  readonly unified?: Readonly<Record<string, string>>
}

export type SeccompProfile = { readonly type: 'runtimeDefault' | 'unconfined' } | { readonly type: 'localhost'; readonly path: string }

export interface SelinuxOptions {
  readonly user?: string
  readonly role?: string
  readonly type?: string
  readonly level?: string
}

export interface Capabilities {
  readonly add: readonly string[]
  readonly drop: readonly string[]
}

export interface ContainerSecurity {
  readonly privileged?: boolean
  readonly capabilities?: Capabilities
  /** At most one of user id and name. Neither: the image's user. */
  readonly runAsUser?: number
  readonly runAsUsername?: string
  readonly runAsGroup?: number
  readonly supplementalGroups?: readonly number[]
  readonly readOnlyRootFilesystem?: boolean
  readonly noNewPrivileges?: boolean
  readonly seccomp?: SeccompProfile
  readonly apparmorProfile?: string
  readonly selinux?: SelinuxOptions
  /** Absent: the runtime's defaults. */
  readonly maskedPaths?: readonly string[]
  readonly readonlyPaths?: readonly string[]
  /** `target` joins the PID namespace of that container. */
  readonly pid?: 'pod' | 'container' | 'node' | { readonly targetContainerId: string }
}

export interface Mount {
  readonly containerPath: string
  readonly hostPath: string
  readonly readonly?: boolean
  readonly recursiveReadOnly?: boolean
  readonly selinuxRelabel?: boolean
  readonly propagation?: 'private' | 'hostToContainer' | 'bidirectional'
}

export interface DeviceMapping {
  readonly containerPath: string
  readonly hostPath: string
  /** A subset of `rwm`. */
  readonly permissions: string
}

export interface ContainerConfig {
  readonly name: string
  /** How often this container was made before in this pod: its restart count. */
  readonly attempt: number
  /** As the user wrote it. */
  readonly image: string
  /** What `pullImage` or `imageStatus().id` answered. */
  readonly imageRef: string
  /** Empty: the image's entrypoint. */
  readonly command: readonly string[]
  readonly args: readonly string[]
  /** Empty: the image's, else `/`. */
  readonly workingDir: string
  readonly env: readonly { readonly name: string; readonly value: string }[]
  readonly mounts: readonly Mount[]
  readonly devices?: readonly DeviceMapping[]
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  /** Relative to the sandbox's `logDirectory`. */
  readonly logPath: string
  readonly stdin?: boolean
  readonly stdinOnce?: boolean
  readonly tty?: boolean
  readonly resources?: LinuxResources
  readonly security?: ContainerSecurity
}

export type ContainerState = 'created' | 'running' | 'exited' | 'unknown'

export interface ContainerFilter {
  readonly containerId?: string
  readonly sandboxId?: string
  readonly state?: ContainerState
  readonly labels?: Readonly<Record<string, string>>
}

/** A row of a list. Times and exit code are only in the status. */
export interface ContainerSummary {
  readonly containerId: string
  readonly sandboxId: string
  readonly name: string
  readonly attempt: number
  readonly state: ContainerState
  readonly createdAtNs: bigint
  readonly image: string
  readonly imageRef: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

export interface ContainerInfo {
  readonly containerId: string
  readonly name: string
  readonly attempt: number
  readonly state: ContainerState
  /** 0n: has not happened yet. */
  readonly createdAtNs: bigint
  readonly startedAtNs: bigint
  readonly finishedAtNs: bigint
  readonly exitCode: number
  /** `Completed`, `Error`, `OOMKilled`, `StartError`, …; empty while it runs. */
  readonly reason: string
  readonly message: string
  readonly image: string
  /** The name with digest by which it was pulled, else the image's id: `imageID` of pod status. */
  readonly imageRef: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly mounts: readonly Mount[]
  /** Absolute. */
  readonly logPath: string
  /** Absent when the runtime does not report them. */
  readonly resources?: LinuxResources
}

export interface ContainerStats {
  readonly containerId: string
  readonly name: string
  readonly attempt: number
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly atNs: bigint
  /** CPU time used since the start, nanoseconds. */
  readonly cpuUsageNs: bigint
  /** CPU in use now, nanocores; absent when the runtime does not compute it. */
  readonly cpuNanoCores?: number
  readonly memoryWorkingSetBytes: number
  readonly memoryUsageBytes: number
  readonly memoryRssBytes: number
  readonly memoryAvailableBytes: number
  readonly pageFaults: number
  readonly majorPageFaults: number
  /** Of its writable layer. */
  readonly diskUsedBytes: number
  readonly inodesUsed: number
}
