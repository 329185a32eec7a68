import { access, constants, readdir, readFile, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { systemPath } from './run-command.ts'

/** The full path of a program, also where a user's PATH does not look; undefined when it is not installed. */
export const findProgram = async (name: string): Promise<string | undefined> => {
  for (const directory of systemPath.split(':')) {
    const path = join(directory, name)
    const executable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (executable) return path
  }
  return undefined
}

// Debian, Fedora, and the place where CNI's own releases are unpacked.
const cniDirectories = ['/usr/lib/cni', '/opt/cni/bin', '/usr/libexec/cni']

/** The directory of the CNI plugins; undefined when the ones in need are not installed. */
export const findCniPlugins = async (): Promise<string | undefined> => {
  for (const directory of cniDirectories) {
    const names = new Set(await readdir(directory).catch(() => []))
    if (['bridge', 'host-local', 'loopback', 'portmap'].every((name) => names.has(name))) return directory
  }
  return undefined
}

const capSysResource = 24n

/** Whether this process may lower an out-of-memory score. Root in a container often may not. */
export const maySetOomScore = async (): Promise<boolean> => {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '')
  const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1]
  return effective !== undefined && (BigInt(`0x${effective}`) & (1n << capSysResource)) !== 0n
}

const overlayMagic = 0x794c7630

/** An overlay cannot lie on an overlay, as in most containers: there layers are copied. */
export const snapshotterFor = async (directory: string): Promise<'overlayfs' | 'native'> =>
  (await statfs(directory)).type === overlayMagic ? 'native' : 'overlayfs'

export type CgroupMode = 'v1' | 'v2'

const cgroup2Magic = 0x63677270

/** `v1` includes the hybrid layout, where the controllers are still v1's. */
export const cgroupMode = async (): Promise<CgroupMode> => ((await statfs('/sys/fs/cgroup')).type === cgroup2Magic ? 'v2' : 'v1')
