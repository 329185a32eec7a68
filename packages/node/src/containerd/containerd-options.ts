import type { PodNetwork } from './cni-config.ts'
import type { RegistryHost } from './registry-hosts.ts'

export interface ContainerdOptions {
  /** Directory for images and snapshots, this containerd's alone. */
  readonly root: string
  /** Directory for sockets and mounts, this containerd's alone; its path must be short. */
  readonly state: string
  /** Default: in `state`. */
  readonly logFile?: string
  readonly network: PodNetwork
  /** Path of a network namespace to run in, such as `/run/netns/node-2`; absent: this process's own. */
  readonly netns?: string
  readonly registries?: readonly RegistryHost[]
  /** The cgroup under which all pods of the node lie (as in `/skiff/one`); it is removed at teardown. */
  readonly cgroupRoot?: string
}
