import { closeSync, openSync, renameSync, statSync, writeSync } from 'node:fs'
import type { Log } from '@skiff/machinery'

export interface JournalOptions {
  readonly now: () => number
  /** The node whose process writes it, where that is not the server. */
  readonly node?: string
  /** A file that has grown beyond it becomes the older one. */
  readonly rotateBytes?: number
}

const defaultRotateBytes = 16 * 1024 * 1024
/** What is said outside of any component. */
const whole = 'skiff'

/**
 * Writes one JSON line an entry to a file: time, level, node, component, message, facts. Parts of a component carry its name before
 * their own (`controllers/deployment-controller`). Kept below a size by one older file, so a file has one writing process.
 */
export const openJournal = (path: string, { now, node, rotateBytes = defaultRotateBytes }: JournalOptions): Log => {
  let file = openSync(path, 'a', 0o640)
  let size = statSync(path).size
  const rotate = (): void => {
    renameSync(path, `${path}.old`)
    const next = openSync(path, 'a', 0o640)
    closeSync(file)
    file = next
    size = 0
  }
  const append = (line: string): void => {
    if (size > rotateBytes) rotate()
    size += writeSync(file, line)
  }
  return linesTo(append, now, node)
}

/** The same lines to standard error, whatever that is: a file, a terminal, a pipe, or the socket that a supervisor gives. */
export const stderrLog = (now: () => number): Log => linesTo((line) => writeSync(2, line), now)

const linesTo = (append: (line: string) => void, now: () => number, node?: string): Log => {
  const write = (component: string, level: string, message: string, facts: Record<string, unknown> | undefined): void => {
    const entry = { time: new Date(now()).toISOString(), level, ...(node && { node }), component, message, ...(facts && { facts }) }
    try {
      append(`${JSON.stringify(entry)}\n`)
    } catch {
      // A full disk must not end the server for want of a log line.
    }
  }
  const logger = (component: string): Log => ({
    debug: process.env.SKIFF_DEBUG ? (message, facts) => write(component, 'debug', message, facts) : () => {},
    info: (message, facts) => write(component, 'info', message, facts),
    warn: (message, facts) => write(component, 'warn', message, facts),
    error: (message, facts) => write(component, 'error', message, facts),
    child: (name) => logger(component === whole ? name : `${component}/${name}`),
  })
  return logger(whole)
}
