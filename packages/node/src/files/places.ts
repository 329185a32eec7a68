import { join } from 'node:path'

/** Where the agent keeps what belongs to pods, below its root directory: the kubelet's own layout. */
export const podDirectory = (root: string, uid: string): string => join(root, 'pods', uid)
export const volumeDirectory = (root: string, uid: string, plugin: string, name: string): string =>
  join(podDirectory(root, uid), 'volumes', `kubernetes.io~${plugin}`, name)
/** Secrets never touch a disk: one file system in memory holds those of all pods. */
export const memoryRoot = (root: string): string => join(root, 'memory')
