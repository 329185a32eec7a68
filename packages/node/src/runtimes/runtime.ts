import type { ContainerConfig, ContainerFilter, ContainerInfo, ContainerStats, ContainerSummary, LinuxResources } from './container.ts'
import type { ImageAuth, ImageInfo, ImageUse } from './image.ts'
import type { SandboxConfig, SandboxFilter, SandboxInfo, SandboxSummary } from './sandbox.ts'

export interface RuntimeVersion {
  /** The runtime's own name, as in node status: `containerd`, `simulated`. */
  readonly name: string
  readonly version: string
  readonly apiVersion: string
}

/** `ready` is false with a reason and a message while, for example, the pod network has no configuration. */
export interface RuntimeCondition {
  readonly type: string
  readonly ready: boolean
  readonly reason: string
  readonly message: string
}

export interface RuntimeStatus {
  readonly runtime: RuntimeCondition
  readonly network: RuntimeCondition
  readonly handlers: readonly string[]
}

export interface ExecResult {
  readonly stdout: Buffer
  readonly stderr: Buffer
  readonly exitCode: number
}

/** What is attached by a streaming exec or attach; `stderr` must be false with `tty`. */
export interface StreamChoice {
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
  readonly tty: boolean
}

/** A container or sandbox changed; a hint to look again, never the truth itself. Lists and states asked for afterwards show it. */
export interface RuntimeEvent {
  readonly kind: 'created' | 'started' | 'stopped' | 'deleted'
  /** A container's id, or the sandbox's own. */
  readonly containerId: string
  readonly sandboxId?: string
  readonly podUid?: string
  readonly atNs: bigint
}

export interface CallOptions {
  readonly signal?: AbortSignal
  /** Overrides the runtime's own limit for this call. */
  readonly timeoutMs?: number
}

/**
 * The seam between pod life and whatever runs containers: CRI (containerd, CRI-O) or the simulated runtime.
 * Plain data in and out. Every call is idempotent where CRI's is: stop and remove of what is gone succeed.
 * Failures are `RuntimeError`s.
 */
export interface Runtime {
  version(options?: CallOptions): Promise<RuntimeVersion>
  status(options?: CallOptions): Promise<RuntimeStatus>
  /** Tells the runtime the node's pod range, where it takes it from there. */
  setPodCidr(cidr: string): Promise<void>

  /** Makes the pod's namespaces, network and pause process; answers its id. */
  runPodSandbox(config: SandboxConfig, options?: CallOptions): Promise<string>
  /** Ends all of the pod's containers by force and frees its network. */
  stopPodSandbox(sandboxId: string, options?: CallOptions): Promise<void>
  /** Also removes its containers. */
  removePodSandbox(sandboxId: string, options?: CallOptions): Promise<void>
  listPodSandboxes(filter?: SandboxFilter, options?: CallOptions): Promise<readonly SandboxSummary[]>
  /** Undefined when it is gone. */
  podSandboxStatus(sandboxId: string, options?: CallOptions): Promise<SandboxInfo | undefined>

  /** `sandbox` is the config that its sandbox was run with. Answers the container's id. */
  createContainer(sandboxId: string, config: ContainerConfig, sandbox: SandboxConfig, options?: CallOptions): Promise<string>
  startContainer(containerId: string, options?: CallOptions): Promise<void>
  /** Sends the stop signal, and SIGKILL after `timeoutSeconds` (0: at once). Resolves when it has ended. */
  stopContainer(containerId: string, timeoutSeconds: number, options?: CallOptions): Promise<void>
  /** Ends it by force when it still runs. */
  removeContainer(containerId: string, options?: CallOptions): Promise<void>
  listContainers(filter?: ContainerFilter, options?: CallOptions): Promise<readonly ContainerSummary[]>
  /** Undefined when it is gone. */
  containerStatus(containerId: string, options?: CallOptions): Promise<ContainerInfo | undefined>
  updateContainerResources(containerId: string, resources: LinuxResources, options?: CallOptions): Promise<void>
  /** The log file was moved away: open a new one at the same path. */
  reopenContainerLog(containerId: string, options?: CallOptions): Promise<void>

  /** Runs a command to its end. A timeout (seconds, 0: none) is a RuntimeError 'deadlineExceeded'; a non-zero exit is a result. */
  execSync(containerId: string, command: readonly string[], timeoutSeconds: number, options?: CallOptions): Promise<ExecResult>
  /** The URL of a one-time streaming session (SPDY or WebSocket v4). */
  exec(containerId: string, command: readonly string[], streams: StreamChoice): Promise<string>
  attach(containerId: string, streams: StreamChoice): Promise<string>
  portForward(sandboxId: string, ports: readonly number[]): Promise<string>

  /** Answers the image's reference, to be used in `ContainerConfig.imageRef`. May take minutes; `signal` ends it. */
  pullImage(image: string, auth?: ImageAuth, sandbox?: SandboxConfig, options?: CallOptions): Promise<string>
  listImages(options?: CallOptions): Promise<readonly ImageInfo[]>
  /** By name, digest or id. Undefined when it is not there. */
  imageStatus(image: string, options?: CallOptions): Promise<ImageInfo | undefined>
  removeImage(image: string, options?: CallOptions): Promise<void>
  imageFsInfo(options?: CallOptions): Promise<readonly ImageUse[]>

  /** Undefined when it is gone. */
  containerStats(containerId: string, options?: CallOptions): Promise<ContainerStats | undefined>
  listContainerStats(filter?: ContainerFilter, options?: CallOptions): Promise<readonly ContainerStats[]>

  /**
   * Changes as they happen, until `signal` aborts. Fails with 'unimplemented' when this runtime cannot tell (then list again and
   * again), and with 'unavailable' when it goes away. Whoever reads lists everything once after each beginning.
   */
  events(signal: AbortSignal): AsyncIterable<RuntimeEvent>
  /** Frees connections. Containers run on. */
  close(): void
}

export * from './container.ts'
export * from './image.ts'
export * from './runtime-error.ts'
export * from './sandbox.ts'
