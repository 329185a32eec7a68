import { createReadStream, createWriteStream } from 'node:fs'
import { readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import type { Env } from '@skiff/machinery'
import type { Runtime } from '../runtimes/runtime.ts'

// The kubelet's defaults.
const maxBytes = 10 * 2 ** 20
const maxFiles = 5
const checkMs = 10_000

/** Moves logs that have grown too long away, and keeps few of those, until `signal` aborts. */
export const rotateLogs = async (runtime: Runtime, env: Env, running: () => Iterable<string>, signal: AbortSignal): Promise<void> => {
  const paths = new Map<string, string>()
  while (!signal.aborted) {
    await env.sleep(checkMs, signal)
    if (signal.aborted) return
    const ids = new Set(running())
    for (const id of paths.keys()) if (!ids.has(id)) paths.delete(id)
    for (const id of ids) {
      try {
        const path = paths.get(id) ?? (await runtime.containerStatus(id))?.logPath
        if (path === undefined) continue
        paths.set(id, path)
        if (((await stat(path).catch(() => undefined))?.size ?? 0) > maxBytes) await rotate(runtime, env, id, path)
      } catch (error) {
        env.log.warn('a log was not rotated', { containerId: id, error: String(error) })
      }
    }
  }
}

const rotate = async (runtime: Runtime, env: Env, id: string, path: string): Promise<void> => {
  const stamp = new Date(env.now()).toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-')
  const moved = `${path}.${stamp}`
  await rename(path, moved)
  try {
    await runtime.reopenContainerLog(id)
  } catch (error) {
    // The runtime still writes to the file that was moved.
    await rename(moved, path)
    throw error
  }
  await tidy(path)
}

/** Compresses all but the newest of what was moved away, and removes the oldest. */
const tidy = async (path: string): Promise<void> => {
  const directory = dirname(path)
  const moved = (await readdir(directory)).filter((name) => name.startsWith(`${basename(path)}.`)).sort()
  const kept = moved.slice(-(maxFiles - 1))
  for (const name of moved) if (!kept.includes(name)) await rm(join(directory, name), { force: true })
  for (const name of kept.slice(0, -1)) if (!name.endsWith('.gz')) await compress(join(directory, name))
}

const compress = async (path: string): Promise<void> => {
  await pipeline(createReadStream(path), createGzip(), createWriteStream(`${path}.gz.tmp`))
  await rename(`${path}.gz.tmp`, `${path}.gz`)
  await rm(path)
}
