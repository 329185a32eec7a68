import { chmod, mkdir, open, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Pod } from '@skiff/api'
import type { PodFiles } from '../config/configure.ts'
import { hostnameOf, managedHosts, nodeHosts } from '../config/hosts-file.ts'
import { podLogFolder } from '../pods/naming.ts'
import { prepareSubPath } from '../volumes/sub-path.ts'
import { podDirectory } from './places.ts'

/** Files of pods on this machine's disk. */
export const createPodFiles = (root: string, logRoot: string, clusterDomain: string): PodFiles => ({
  hostsFile: async (pod: Pod, ips: readonly string[]) => {
    const directory = podDirectory(root, pod.metadata.uid)
    const aliases = pod.spec.hostAliases ?? []
    const text = pod.spec.hostNetwork
      ? nodeHosts(await readFile('/etc/hosts', 'utf8').catch(() => ''), aliases)
      : managedHosts(ips, hostnameOf(pod, clusterDomain), aliases)
    await mkdir(directory, { recursive: true, mode: 0o750 })
    const path = join(directory, 'etc-hosts')
    await writeFile(path, text, { mode: 0o644 })
    return path
  },
  terminationLog: async (pod, container, id) => {
    const directory = join(podDirectory(root, pod.metadata.uid), 'containers', container)
    await mkdir(directory, { recursive: true, mode: 0o750 })
    const path = join(directory, id)
    await (await open(path, 'w')).close()
    // Whoever the container runs as may write it, whatever this process's umask.
    await chmod(path, 0o666)
    return path
  },
  makeLogDirectory: async (pod, container) => {
    await mkdir(join(logRoot, podLogFolder(pod), container), { recursive: true, mode: 0o755 })
  },
  prepareSubPath: (pod) => prepareSubPath(podDirectory(root, pod.metadata.uid)),
})

/** A node that keeps nothing on disk. */
export const noPodFiles: PodFiles = {
  hostsFile: async () => undefined,
  terminationLog: async () => undefined,
  makeLogDirectory: async () => {},
  prepareSubPath:
    () =>
    async ({ volume, subPath }) =>
      join(volume.hostPath, subPath),
}
