import { readdir, readFile, rmdir } from 'node:fs/promises'
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
