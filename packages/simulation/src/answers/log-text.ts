import type { LogOptions } from '@skiff/apiserver'
import { rfc3339 } from '@skiff/machinery'

/** A line of a log, without its end. */
export interface LogLine {
  readonly atMs: number
  /** As it stands in the file, or of `atMs`. */
  readonly time: string
  readonly text: string
}

/** The container runtime's form: a time, a stream, a tag, the line. */
const written = /^(\S+) (?:stdout|stderr) [^ ]+ (.*)$/s

/** A line of a log file: the runtime's form, docker's, or plain text, which counts as written when the container started. */
export const lineOf = (raw: string, startedMs: number): LogLine => {
  const found = written.exec(raw)
  const time = found?.[1] ?? ''
  if (found && !Number.isNaN(Date.parse(time))) return { atMs: Date.parse(time), time, text: found[2] ?? '' }
  return dockerLine(raw) ?? { atMs: startedMs, time: `${rfc3339(startedMs).slice(0, -1)}.000000000Z`, text: raw }
}

const dockerLine = (raw: string): LogLine | undefined => {
  if (!raw.startsWith('{')) return undefined
  try {
    const { log, time } = JSON.parse(raw) as { log?: unknown; time?: unknown }
    if (typeof log !== 'string' || typeof time !== 'string' || Number.isNaN(Date.parse(time))) return undefined
    return { atMs: Date.parse(time), time, text: log.replace(/\n$/, '') }
  } catch {
    return undefined
  }
}

/** Turns lines into what a client asked for, part by part: what it wants of the past is counted before the first. */
export const logText = (options: LogOptions, nowMs: number): ((lines: readonly LogLine[]) => Buffer) => {
  const { sinceSeconds, sinceTime, tailLines, timestamps } = options
  const sinceMs = sinceSeconds !== undefined ? nowMs - sinceSeconds * 1_000 : sinceTime === undefined ? 0 : Date.parse(sinceTime)
  let leftBytes = options.limitBytes ?? Number.POSITIVE_INFINITY
  let isFirst = true
  return (lines) => {
    const asked = isFirst && tailLines !== undefined ? lines.slice(Math.max(0, lines.length - tailLines)) : lines
    isFirst = false
    const text = asked
      .filter(({ atMs }) => atMs >= sinceMs)
      .map((line) => `${timestamps ? `${line.time} ` : ''}${line.text}\n`)
      .join('')
    const bytes = Buffer.from(text)
    const kept = bytes.subarray(0, Math.min(bytes.length, leftBytes))
    leftBytes -= kept.length
    return kept
  }
}
