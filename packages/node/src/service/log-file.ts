import { type FSWatcher, watch } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import type { Env } from '@skiff/machinery'

/** A log that may still grow, and that may be moved away while a new one takes its place. */
export interface LogFile {
  read(from: number, length: number): Promise<Buffer>
  size(): Promise<number>
  /** Resolves when there may be more to read, or soon anyhow. */
  changed(signal: AbortSignal): Promise<void>
  /** The path holds another file by now. */
  moved(): Promise<boolean>
  close(): Promise<void>
}

/** Opens the log at a path; undefined when there is none. */
export type OpenLog = (path: string, containerId: string) => Promise<LogFile | undefined>

/** Should a change not be told: look again after this long. */
const lookMs = 500

export const openLogOnDisk =
  (env: Env): OpenLog =>
  async (path) => {
    const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    })
    if (!file) return undefined
    const { ino } = await file.stat()
    const changes = watchFile(path)
    return {
      read: async (from, length) => {
        const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, from)
        return buffer.subarray(0, bytesRead)
      },
      size: async () => (await file.stat()).size,
      changed: async (signal) => {
        const stop = new AbortController()
        await Promise.race([changes.next(), env.sleep(lookMs, AbortSignal.any([signal, stop.signal]))])
        stop.abort()
      },
      moved: async () => (await stat(path).catch(() => undefined))?.ino !== ino,
      close: () => {
        changes.close()
        return file.close()
      },
    }
  }

/** Tells of changes since the last time it was asked, from the first time on. */
const watchFile = (path: string) => {
  let watcher: FSWatcher | undefined
  let told = Promise.withResolvers<void>()
  const open = () => {
    try {
      watcher = watch(path, { persistent: false }, () => told.resolve())
      watcher.on('error', () => {})
    } catch {
      // It is being moved away just now; whoever waits looks again soon anyhow.
    }
  }
  return {
    next: async (): Promise<void> => {
      if (!watcher) open()
      await told.promise
      told = Promise.withResolvers()
    },
    close: () => watcher?.close(),
  }
}

/** Logs that lie in memory: of the simulated runtime. */
export const openLogInMemory =
  (env: Env, log: (containerId: string) => string | undefined): OpenLog =>
  async (_path, containerId) => {
    if (log(containerId) === undefined) return undefined
    const bytes = () => Buffer.from(log(containerId) ?? '')
    return {
      read: async (from, length) => bytes().subarray(from, from + length),
      size: async () => bytes().length,
      changed: (signal) => env.sleep(lookMs, signal),
      moved: async () => false,
      close: async () => {},
    }
  }
