import { mkdir, readFile, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Pod } from '@skiff/api'
import type { ReadLastWords } from '../agent/observe.ts'
import type { PodFiles } from '../config/configure.ts'
import { parseResolvConf } from '../config/dns.ts'
import { mountsUnder } from '../containerd/mounts.ts'
import { tryCommand } from '../containerd/run-command.ts'
import { podLogFolder } from '../pods/naming.ts'
import type { DnsConfig } from '../runtimes/runtime.ts'
import { readLastWords } from './last-words.ts'
import { memoryRoot, podDirectory } from './places.ts'
import { createPodFiles, noPodFiles } from './pod-files.ts'

/** What the agent keeps on this machine beside volumes, and what it reads of it. */
export interface NodeFiles extends PodFiles {
  readonly readLastWords: ReadLastWords
  hostDns(): Promise<DnsConfig>
  /** The log of one instance of a container. */
  forgetLog(pod: Pod, container: string, restartCount: number): Promise<void>
  /** Everything of a pod that is over and gone. */
  forgetPod(pod: Pod): Promise<void>
}

export const createNodeFiles = async (root: string, logRoot: string, clusterDomain: string): Promise<NodeFiles> => {
  await mkdir(join(root, 'pods'), { recursive: true, mode: 0o750 })
  return {
    ...createPodFiles(root, logRoot, clusterDomain),
    readLastWords,
    hostDns,
    forgetLog: async (pod, container, restartCount) => {
      const path = join(logRoot, podLogFolder(pod), container, `${restartCount}.log`)
      await rm(path, { force: true })
    },
    forgetPod: async (pod) => {
      await rm(join(logRoot, basename(podLogFolder(pod))), { recursive: true, force: true })
      await rm(podDirectory(root, pod.metadata.uid), { recursive: true, force: true })
    },
  }
}

/** resolv.conf of this machine; systemd's own stub is of no use in a pod, the file behind it is. */
const hostDns = async (): Promise<DnsConfig> => {
  const read = async (path: string) => parseResolvConf(await readFile(path, 'utf8').catch(() => ''))
  const own = await read('/etc/resolv.conf')
  return own.servers.every((server) => server.startsWith('127.')) && own.servers.length > 0
    ? read('/run/systemd/resolve/resolv.conf').then((behind) => (behind.servers.length > 0 ? behind : own))
    : own
}

/** A node that keeps nothing on disk. */
export const noNodeFiles: NodeFiles = {
  ...noPodFiles,
  readLastWords: async () => '',
  hostDns: async () => ({ servers: [], searches: [], options: [] }),
  forgetLog: async () => {},
  forgetPod: async () => {},
}

/** Takes away all that an agent left below its root: mounts first, then files. For when the node itself goes. */
export const removeNodeFiles = async (root: string, { keepData = false }: { readonly keepData?: boolean } = {}): Promise<void> => {
  const mounts = await mountsUnder([join(root, 'pods'), memoryRoot(root)])
  if (mounts.length > 0) await tryCommand('umount', ['--lazy', ...mounts])
  if ((await mountsUnder([join(root, 'pods'), memoryRoot(root)])).length > 0) throw new Error(`${root} holds mounts that cannot be removed`)
  if (!keepData) await rm(join(root, 'pods'), { recursive: true, force: true })
  await rm(memoryRoot(root), { recursive: true, force: true })
}
