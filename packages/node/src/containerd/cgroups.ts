import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Env } from '@skiff/machinery'

const hierarchies = async (): Promise<readonly string[]> => {
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').map((line) => line.split(' '))
  return mounts.filter((fields) => /^cgroup2?$/.test(fields[fields.indexOf('-') + 1] ?? '')).map((fields) => fields[4] ?? '')
}

const kill = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended already.
  }
}

const removeTree = async (directory: string): Promise<void> => {
  for (const entry of await readdir(directory, { withFileTypes: true }).catch(() => []))
    if (entry.isDirectory()) await removeTree(join(directory, entry.name))
  const pids = await readFile(join(directory, 'cgroup.procs'), 'utf8').catch(() => '')
  for (const pid of pids.split('\n').filter((line) => line !== '')) kill(Number(pid))
  await rmdir(directory).catch(() => undefined)
}

const isGone = async (directory: string): Promise<boolean> =>
  readdir(directory).then(
    () => false,
    () => true,
  )

const attempts = 100

/** Removes a cgroup with all below it from every hierarchy, ending by force what still runs in it. `path` is absolute, and never `/`. */
export const removeCgroups = async (env: Env, path: string): Promise<void> => {
  if (!/^\/[^/]/.test(path)) throw new Error(`${path} is no cgroup below the root`)
  for (const hierarchy of await hierarchies()) {
    const directory = join(hierarchy, path)
    // A cgroup stays busy until the kernel has taken down the last process.
    for (let attempt = 0; attempt < attempts && !(await isGone(directory)); attempt++) {
      await removeTree(directory)
      if (!(await isGone(directory))) await env.sleep(20)
    }
  }
}

/** Removes a pod's cgroup once nothing is left in it: runc makes the parents of a container's cgroup, but never removes them. */
export const removeEmptyCgroup = async (path: string): Promise<void> => {
  if (!/^\/[^/]/.test(path)) return
  await Promise.all((await hierarchies()).map((hierarchy) => rmdir(join(hierarchy, path)).catch(() => undefined)))
}

/**
 * Makes the controllers of cgroup v2 usable below `base`, the top that this process sees. In a container that top is not the real root,
 * and the kernel lets a cgroup hand controllers down only when it has no processes of its own: they move to a cgroup `init` beside the pods'.
 * On cgroup v1 there is nothing to do.
 */
export const delegateControllers = async (base = '/sys/fs/cgroup'): Promise<void> => {
  const controllers = await readFile(join(base, 'cgroup.controllers'), 'utf8').catch(() => '')
  const wanted = controllers.split(/\s+/).filter(Boolean)
  if (wanted.length === 0) return
  const target = join(base, 'cgroup.subtree_control')
  const enable = () => writeFile(target, wanted.map((name) => `+${name}`).join(' '))
  try {
    await enable()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error
    await mkdir(join(base, 'init'), { recursive: true })
    const pids = (await readFile(join(base, 'cgroup.procs'), 'utf8')).split('\n').filter(Boolean)
    // One a write, as the kernel wants it; what ended meanwhile is refused.
    for (const pid of pids) await writeFile(join(base, 'init', 'cgroup.procs'), pid).catch(() => undefined)
    await enable()
  }
}
