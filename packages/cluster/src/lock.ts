import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Env, systemEnv } from '@skiff/machinery'
import { clusterLock, rangesLock } from './place.ts'
import { isRunning, markOf, type ProcessMark } from './process-mark.ts'
import { UserError } from './talk.ts'

/** One process at a time changes a cluster. A second one is refused, not queued: what it was asked for may no longer be right. */
export const withClusterLock = <T>(name: string, act: () => Promise<T>): Promise<T> =>
  holding(clusterLock(name), act, (holder) => {
    throw new UserError(
      `cluster ${name} is being changed by process ${holder} (an up, down, node or snapshot command); wait until it is done`,
    )
  })

const lookMs = 20

/** One process at a time chooses ranges and ports among all clusters of this user; others wait, for this takes milliseconds. */
export const withRangesLock = <T>(act: () => Promise<T>, env: Env = systemEnv()): Promise<T> =>
  holding(rangesLock(), act, () => env.sleep(lookMs))

/** Runs `act` as the only holder of a lock file. `busy` is called while another process holds it. */
export const holding = async <T>(path: string, act: () => Promise<T>, busy: (holder: number) => Promise<void>): Promise<T> => {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 })
  for (let holder = take(path); holder !== undefined; holder = take(path)) await busy(holder)
  try {
    return await act()
  } finally {
    rmSync(path, { force: true })
  }
}

let taken = 0

/** Takes the lock by linking a finished file, so that nobody sees half of one. Answers who else holds it. */
const take = (path: string): number | undefined => {
  taken += 1
  const mine = `${path}.${process.pid}-${taken}`
  writeFileSync(mine, JSON.stringify(markOf(process.pid)))
  try {
    for (;;) {
      if (linked(mine, path)) return undefined
      const holder = holderOf(path)
      if (holder !== undefined) return holder
      // Its process is gone. Moving it away is done by one process alone; a live lock that came in between is put back.
      const aside = `${mine}.stale`
      if (!renamed(path, aside)) continue
      const moved = holderOf(aside)
      if (moved !== undefined) linked(aside, path)
      rmSync(aside, { force: true })
    }
  } finally {
    rmSync(mine, { force: true })
  }
}

/** The process that holds a lock and still runs. */
const holderOf = (path: string): number | undefined => {
  try {
    const mark = JSON.parse(readFileSync(path, 'utf8')) as ProcessMark
    return isRunning(mark) ? mark.pid : undefined
  } catch {
    return undefined
  }
}

const linked = (from: string, to: string): boolean => tried(() => linkSync(from, to), 'EEXIST')
const renamed = (from: string, to: string): boolean => tried(() => renameSync(from, to), 'ENOENT')

const tried = (act: () => void, expected: string): boolean => {
  try {
    act()
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === expected) return false
    throw error
  }
}
