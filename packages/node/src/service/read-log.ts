import type { LogFile, OpenLog } from './log-file.ts'

export interface ReadOptions {
  readonly follow: boolean
  readonly sinceMs: number
  /** Undefined: all. */
  readonly tailLines: number | undefined
  readonly limitBytes: number | undefined
  readonly timestamps: boolean
  readonly stream: 'stdout' | 'stderr' | undefined
}

export interface LogToRead {
  readonly path: string
  readonly containerId: string
  readonly open: OpenLog
  /** While it answers true, following goes on. */
  readonly isRunning: () => Promise<boolean>
}

const chunkBytes = 64 * 1024

/** What users see of a container's log: messages without the runtime's marks, as they come. */
export async function* readLog(log: LogToRead, options: ReadOptions, signal: AbortSignal): AsyncGenerator<Buffer> {
  let file = await log.open(log.path, log.containerId)
  if (!file) return
  const entries = createEntries(options)
  try {
    let at = options.tailLines === undefined ? 0 : await tailStart(file, options.tailLines)
    while (!signal.aborted) {
      const chunk = await file.read(at, chunkBytes)
      at += chunk.length
      if (chunk.length > 0) {
        const text = entries.take(chunk)
        if (text.length > 0) yield text
        if (entries.full) return
        continue
      }
      if (!options.follow) break
      // Asked before the last look at the file, so that nothing it wrote at its end is missed.
      const running = await log.isRunning()
      if ((await file.size()) > at) continue
      if (await file.moved()) {
        const next = await log.open(log.path, log.containerId)
        if (next) {
          await file.close()
          file = next
          at = 0
          continue
        }
      }
      if (!running) break
      await file.changed(signal)
    }
    const rest = entries.end()
    if (rest.length > 0) yield rest
  } finally {
    await file.close()
  }
}

/** Where the last lines begin. */
const tailStart = async (file: LogFile, lines: number): Promise<number> => {
  const size = await file.size()
  if (lines <= 0) return size
  let seen = 0
  for (let end = size; end > 0; ) {
    const from = Math.max(0, end - chunkBytes)
    const chunk = await file.read(from, end - from)
    for (let index = chunk.length - 1; index >= 0; index -= 1) {
      // The newline at the very end closes the last line and begins none.
      if (chunk[index] !== 0x0a || from + index === size - 1) continue
      seen += 1
      if (seen === lines) return from + index + 1
    }
    end = from
  }
  return 0
}

/** Turns bytes of the runtime's log format into messages. */
const createEntries = ({ sinceMs, limitBytes, timestamps, stream }: ReadOptions) => {
  let pending: Buffer = Buffer.alloc(0)
  let left = limitBytes ?? Number.POSITIVE_INFINITY
  let isContinued = false
  const message = (line: Buffer): Buffer => {
    const entry = parseEntry(line)
    if (!entry || entry.atMs < sinceMs || (stream !== undefined && entry.stream !== stream)) return Buffer.alloc(0)
    const parts = [entry.text, ...(entry.isPartial ? [] : [Buffer.from('\n')])]
    const stamped = timestamps && !isContinued ? [Buffer.from(`${entry.time} `), ...parts] : parts
    isContinued = entry.isPartial
    return Buffer.concat(stamped)
  }
  const limited = (text: Buffer): Buffer => {
    const kept = text.subarray(0, Math.min(text.length, left))
    left -= kept.length
    return kept
  }
  return {
    get full() {
      return left <= 0
    },
    take: (chunk: Buffer): Buffer => {
      const bytes = pending.length > 0 ? Buffer.concat([pending, chunk]) : chunk
      const out: Buffer[] = []
      let from = 0
      for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, from)) {
        out.push(message(bytes.subarray(from, at)))
        from = at + 1
      }
      pending = Buffer.from(bytes.subarray(from))
      return limited(Buffer.concat(out))
    },
    /** A last line without its newline. */
    end: (): Buffer => limited(pending.length > 0 ? message(pending) : Buffer.alloc(0)),
  }
}

interface Entry {
  readonly time: string
  readonly atMs: number
  readonly stream: string
  readonly isPartial: boolean
  readonly text: Buffer
}

/** `time stream tag message`; undefined for what is no such line. */
const parseEntry = (line: Buffer): Entry | undefined => {
  const first = line.indexOf(0x20)
  const second = line.indexOf(0x20, first + 1)
  const third = line.indexOf(0x20, second + 1)
  if (first < 0 || second < 0 || third < 0) return undefined
  const time = line.toString('latin1', 0, first)
  const tag = line.toString('latin1', second + 1, third)
  const atMs = Date.parse(time)
  if (Number.isNaN(atMs)) return undefined
  const stream = line.toString('latin1', first + 1, second)
  return { time, atMs, stream, isPartial: tag.split(':')[0] === 'P', text: line.subarray(third + 1) }
}
