import { open } from 'node:fs/promises'
import type { Pod } from '@skiff/api'
import type { LogOptions } from '@skiff/apiserver'
import { badRequest, type Env } from '@skiff/machinery'
import { lineOf, logText } from './log-text.ts'
import type { LogSource } from './rules.ts'

/** Between two looks at what was added, in ms. */
const lookMs = 500

export interface ToldLog {
  readonly source: LogSource
  readonly pod: Pod
  /** When lines that bear no time of their own count as written. */
  readonly startedMs: number
  readonly follow: boolean
  /** While it answers true, following goes on. */
  readonly isRunning: () => boolean
}

/** A log as a client asked for it. Rejects when its file cannot be read. */
export async function* tellLog(log: ToldLog, options: LogOptions, env: Env, signal: AbortSignal): AsyncGenerator<Buffer> {
  const { source, pod, startedMs, follow, isRunning } = log
  const text = logText(options, env.now())
  const reader = 'path' in source ? fileReader(source.path) : onceOnly(() => source.lines(pod))
  do {
    // Asked before the look, so that nothing written at the end is missed.
    const goesOn = follow && isRunning()
    const lines = await reader()
    const bytes = text(lines.map((line) => lineOf(line, startedMs)))
    if (bytes.length > 0) yield bytes
    if (!goesOn) return
    await env.sleep(lookMs, signal)
  } while (!signal.aborted)
}

type Reader = () => Promise<readonly string[]>

const onceOnly = (lines: () => readonly string[]): Reader => {
  let told = false
  return async () => {
    if (told) return []
    told = true
    return lines()
  }
}

/** The lines that were added since the last time. A file that has become shorter begins anew. */
const fileReader = (path: string): Reader => {
  let at = 0
  let partial = ''
  return async () => {
    const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
      throw badRequest(`the log file ${path} cannot be read (${error.code})`)
    })
    try {
      const { size } = await file.stat()
      const from = size < at ? 0 : at
      const first = at === 0
      const { buffer, bytesRead } = await file.read(Buffer.alloc(size - from), 0, size - from, from)
      at = from + bytesRead
      const lines = (partial + buffer.toString('utf8', 0, bytesRead)).split('\n')
      partial = lines.pop() ?? ''
      // A last line without its end is a line of what is there; of what is added, its end is awaited.
      if (!first || partial === '') return lines
      const last = partial
      partial = ''
      return [...lines, last]
    } finally {
      await file.close()
    }
  }
}
