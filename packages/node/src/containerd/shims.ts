import { readdir, readFile, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Env } from '@skiff/machinery'
import type { Places } from './places.ts'
import { isAlive, type ProcessRecord, recordOf, signal } from './process-record.ts'

const shimName = /^containerd-shim-/

/** Ends by force every shim that serves this containerd, with the containers under it, and removes the shims' sockets. */
export const endShims = async (env: Env, places: Places): Promise<void> => {
  const family = await shimFamilies(places.socket)
  for (const record of family) await signal(record, 'SIGKILL')
  for (const record of family) while (await isAlive(record)) await env.sleep(10)
  await removeShimSockets(places)
}

/** Shims started for this socket and all their descendants, shims last: a container that outlived its shim would be lost to us. */
const shimFamilies = async (socket: string): Promise<readonly ProcessRecord[]> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const children = new Map<number, number[]>()
  const shims: number[] = []
  for (const pid of pids) {
    const parent = await parentOf(pid)
    if (parent === undefined) continue
    children.set(parent, [...(children.get(parent) ?? []), pid])
    if (await isShimOf(pid, socket)) shims.push(pid)
  }
  const descendants = (pid: number): number[] => (children.get(pid) ?? []).flatMap((child) => [...descendants(child), child])
  const ordered = shims.flatMap((shim) => [...descendants(shim), shim])
  const records = await Promise.all(ordered.map(recordOf))
  return records.filter((record) => record !== undefined)
}

const parentOf = async (pid: number): Promise<number | undefined> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  return stat === undefined ? undefined : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
}

const isShimOf = async (pid: number, socket: string): Promise<boolean> => {
  const args = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0')
  return shimName.test(basename(args[0] ?? '')) && args[args.indexOf('-address') + 1] === socket
}

/** They lie outside the state directory, under a name that only the bundle's `address` file tells. */
const removeShimSockets = async ({ state }: Places): Promise<void> => {
  const bundles = join(state, 'io.containerd.runtime.v2.task', 'k8s.io')
  for (const id of await readdir(bundles).catch(() => [])) {
    const address = await readFile(join(bundles, id, 'address'), 'utf8').catch(() => '')
    if (address.startsWith('unix:///')) await rm(address.slice('unix://'.length), { force: true })
  }
}
