import { closeSync, openSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs'
import type { Log } from '@skiff/machinery'

const rotateBytes = 16 * 1024 * 1024

/** Writes one JSON line an entry to a file: time, level, component, message, facts. Kept below a size by one older file. */
export const openJournal = (path: string, now: () => number): Log => {
  let file = openSync(path, 'a', 0o640)
  let size = statSync(path).size
  const write = (component: string, level: string, message: string, facts: Record<string, unknown> | undefined): void => {
    const line = `${JSON.stringify({ time: new Date(now()).toISOString(), level, component, message, ...facts })}\n`
    try {
      if (size > rotateBytes) {
        closeSync(file)
        renameSync(path, `${path}.old`)
        file = openSync(path, 'a', 0o640)
        size = 0
      }
      size += writeSync(file, line)
    } catch {
      // A full disk must not end the server for want of a log line.
    }
  }
  const logger = (component: string): Log => ({
    debug: process.env.SKIFF_DEBUG ? (message, facts) => write(component, 'debug', message, facts) : () => {},
    info: (message, facts) => write(component, 'info', message, facts),
    warn: (message, facts) => write(component, 'warn', message, facts),
    error: (message, facts) => write(component, 'error', message, facts),
    child: (name) => logger(name),
  })
  return logger('skiff')
}

/** Lines of a component ('' for all) as `skiff journal` prints them. */
export const journalLines = (path: string, component: string): string[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .flatMap((line) => {
      try {
        const { time, level, component: of, message, ...facts } = JSON.parse(line) as Record<string, string>
        if (component !== '' && of !== component && !of?.startsWith(`${component}-`)) return []
        const rest = Object.entries(facts).map(
          ([name, value]) => ` ${name}=${typeof value === 'string' ? JSON.stringify(value) : JSON.stringify(value)}`,
        )
        return [`${time} ${String(level).toUpperCase().padEnd(5)} ${of}: ${message}${rest.join('')}`]
      } catch {
        return component === '' ? [line] : []
      }
    })
