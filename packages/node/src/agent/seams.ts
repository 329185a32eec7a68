import type { Container, Pod } from '@skiff/api'
import type { ContainerKind } from '../pods/steps.ts'
import type { ContainerConfig, SandboxConfig } from '../runtimes/runtime.ts'

/** Where a volume lies on this machine. */
export interface MountedVolume {
  readonly hostPath: string
  /** The volume itself cannot be written, whatever the mount says. */
  readonly readOnly: boolean
}
/** By volume name. */
export type MountedVolumes = ReadonlyMap<string, MountedVolume>

export interface Volumes {
  /** Resolves once all are in place; tells users of what is missing and tries again until `signal` aborts, which rejects. */
  mount(pod: Pod, signal: AbortSignal): Promise<MountedVolumes>
  /** Contents that follow objects follow the new pod too (downward API). */
  update(pod: Pod): void
  /** Nothing of the pod runs any more: everything it had on this machine goes, its directory with it. */
  release(podUid: string): Promise<void>
}

/** An image that is on this machine. */
export interface ReadyImage {
  /** What the runtime takes in place of the name. */
  readonly ref: string
  readonly uid?: number
  readonly username: string
}

export interface Images {
  /** Pulls when the policy says so. Throws StartFailed. */
  ensure(pod: Pod, container: Container, sandbox: SandboxConfig, signal: AbortSignal): Promise<ReadyImage>
  /** Asks the runtime ahead of `ensure`, which is about to be called. */
  prepare(pod: Pod): void
}

export interface ContainerRequest {
  readonly pod: Pod
  readonly container: Container
  readonly kind: ContainerKind
  readonly restartCount: number
  readonly image: ReadyImage
  /** The pod's addresses, primary first. */
  readonly ips: readonly string[]
  readonly volumes: MountedVolumes
  /** Whose processes an ephemeral container sees. */
  readonly targetContainerId?: string
}

/** Turns a pod's spec into what the runtime takes. Throws an Error whose message users see. */
export interface Configure {
  sandbox(pod: Pod, attempt: number): Promise<SandboxConfig>
  container(request: ContainerRequest): Promise<ContainerConfig>
}
