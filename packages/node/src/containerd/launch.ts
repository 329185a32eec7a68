import { spawn } from 'node:child_process'
import { open, readFile, rename, stat } from 'node:fs/promises'
import type { Env } from '@skiff/machinery'
import type { Places } from './places.ts'
import { isAlive, type ProcessRecord, readRecord, recordOf, signal, writeRecord } from './process-record.ts'
import { systemEnvironment } from './run-command.ts'

/** A running containerd, ours or taken over from an earlier Skiff. */
export interface Daemon {
  readonly record: ProcessRecord
  /** Resolves once the process has ended, however that came. */
  readonly ended: Promise<void>
  /** Stops looking after it, so that nothing keeps this program from ending; `ended` then never resolves. */
  forget(): void
}

const watchStepMs = 500
const maxLogBytes = 16 * 1024 * 1024

/**
 * Starts containerd in a session of its own, so that it outlives Skiff, and writes its pid file.
 * With `netns` it runs, with all that it starts, in that network namespace.
 */
export const launch = async (env: Env, places: Places, binary: string, netns: string | undefined): Promise<Daemon> => {
  await keepLogShort(places.logFile)
  const log = await open(places.logFile, 'a')
  try {
    const args = [binary, '-c', places.configFile]
    // nsenter executes containerd in its own place, so the process id stays.
    const [command = binary, ...rest] = netns === undefined ? args : ['nsenter', `--net=${netns}`, '--', ...args]
    const child = spawn(command, rest, { detached: true, stdio: ['ignore', log.fd, log.fd], env: systemEnvironment(), cwd: '/' })
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve)
      child.once('error', reject)
    })
    child.unref()
    const record = child.pid === undefined ? undefined : await recordOf(child.pid)
    if (record === undefined) throw new Error(`containerd ended at once: ${await lastWords(places.logFile)}`)
    await writeRecord(places.pidFile, record)
    env.log.info('containerd started', { pid: record.pid, socket: places.socket })
    return { record, ended, forget: () => child.removeAllListeners('exit') }
  } finally {
    await log.close()
  }
}

/** The containerd that an earlier Skiff left running under this config; undefined when there is none. */
export const adopt = async (env: Env, places: Places): Promise<Daemon | undefined> => {
  const record = await readRecord(places.pidFile)
  if (record === undefined) return undefined
  const commandLine = await readFile(`/proc/${record.pid}/cmdline`, 'utf8').catch(() => '')
  if (!commandLine.split('\0').includes(places.configFile)) return undefined
  // It is no child of ours, so its end can only be looked for.
  const forgotten = new AbortController()
  const watch = async (ended: () => void) => {
    while (await isAlive(record)) {
      await env.sleep(watchStepMs, forgotten.signal)
      if (forgotten.signal.aborted) return
    }
    ended()
  }
  return { record, ended: new Promise<void>((resolve) => void watch(resolve)), forget: () => forgotten.abort() }
}

/** Ends a containerd in order, after `graceMs` by force. Containers run on under their shims. */
export const stopDaemon = async (env: Env, { record }: Daemon, graceMs = 10_000): Promise<void> => {
  await signal(record, 'SIGTERM')
  const deadlineMs = env.monotonicMs() + graceMs
  while (await isAlive(record)) {
    if (env.monotonicMs() > deadlineMs) await signal(record, 'SIGKILL')
    await env.sleep(20)
  }
}

/** The end of containerd's log, for a sentence about why it does not run. */
export const lastWords = async (logFile: string): Promise<string> => {
  const text = await readFile(logFile, 'utf8').catch(() => '')
  const lines = text.trimEnd().split('\n').slice(-200)
  const telling = lines.filter((line) => /level=(error|fatal)|^containerd:|^nsenter:/.test(line))
  return (telling.length > 0 ? telling : lines).slice(-3).join('; ') || `nothing in ${logFile}`
}

const keepLogShort = async (logFile: string): Promise<void> => {
  const size = (await stat(logFile).catch(() => undefined))?.size ?? 0
  if (size > maxLogBytes) await rename(logFile, `${logFile}.1`)
}
