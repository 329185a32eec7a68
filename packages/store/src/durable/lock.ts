import { randomUUID } from 'node:crypto'
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { StoreUnusable } from '../store.ts'

const NAME = 'lock'

export interface Lock {
  /** It was left behind by a process that is gone. */
  readonly stale: boolean
  /** Without `clean` the next owner finds a lock of nobody, and so checks what it opens. */
  release(clean: boolean): Promise<void>
}

export const isLockFile = (name: string): boolean => name === NAME || name.startsWith(`${NAME}.`)

/**
 * Makes `dir` ours by a file that names this process. Linking a finished file is atomic, so a half-written lock is never seen. The
 * file of a process that is gone is moved away first; a process id alone proves nothing, since they are used again.
 */
export const takeLock = async (dir: string): Promise<Lock> => {
  const path = join(dir, NAME)
  const mine = join(dir, `${NAME}.${randomUUID()}`)
  const content = `${process.pid} ${(await startOf(process.pid)) ?? '-'}\n`
  await writeFile(mine, content)
  let stale = false
  try {
    while (!(await linked(mine, path))) {
      await moveStaleAway(dir, path)
      stale = true
    }
  } finally {
    await rm(mine, { force: true })
  }
  return { stale, release: (clean) => (clean ? rm(path, { force: true }) : writeFile(path, '0 -\n')) }
}

const linked = async (from: string, to: string): Promise<boolean> => {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  }
}

const moveStaleAway = async (dir: string, path: string) => {
  const judged = await readFile(path, 'utf8').catch(() => '')
  const [pid = 0, start] = judged.trim().split(' ').map(Number)
  if (await lives(pid, start)) throw inUse(dir, pid)
  const aside = `${path}.${randomUUID()}`
  await rename(path, aside).catch(() => undefined)
  // Another process may have taken the stale lock over in between: then this one moved a live lock, and puts it back.
  const moved = await readFile(aside, 'utf8').catch(() => judged)
  if (moved !== judged) await link(aside, path).catch(() => undefined)
  await rm(aside, { force: true })
  if (moved !== judged) throw inUse(dir, Number(moved.split(' ')[0]))
}

const inUse = (dir: string, pid: number) =>
  new StoreUnusable(`the store in ${dir} is in use by process ${pid}: stop that process first, or name another directory`)

const lives = async (pid: number, start: number | undefined): Promise<boolean> => {
  if (!(pid > 0)) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    return hasCode(error, 'EPERM')
  }
  const now = await startOf(pid)
  return now === undefined ? start === undefined || Number.isNaN(start) : now === start
}

/** When the process started, in clock ticks since boot; undefined where that cannot be told, or when it has ended. */
const startOf = async (pid: number): Promise<number | undefined> => {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  // The name, in parentheses, may hold anything; the fields after it are counted from the state.
  const [state, ...fields] = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const start = Number(fields[18])
  return state === 'Z' || state === 'X' || !(start > 0) ? undefined : start
}

export const hasCode = (error: unknown, code: string): boolean => (error as NodeJS.ErrnoException | undefined)?.code === code
