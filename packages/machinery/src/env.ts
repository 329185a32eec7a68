/** Everything a component takes from outside itself: time, waiting, randomness and its log. Tests and simulations pass their own. */
export interface Env {
  /** Wall clock, milliseconds since 1970. May jump. */
  now(): number
  /** A clock that only goes forward, in milliseconds, for durations. */
  monotonicMs(): number
  /** Resolves after `ms`, or at once when `signal` aborts (it never rejects). */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Runs `act` once after `ms`; the returned function cancels it. */
  after(ms: number, act: () => void): () => void
  /** Uniform in [0, 1). */
  random(): number
  readonly log: Log
}

/** A structured log: a sentence and its facts. `child` adds a component's name. */
export interface Log {
  debug(message: string, facts?: Record<string, unknown>): void
  info(message: string, facts?: Record<string, unknown>): void
  warn(message: string, facts?: Record<string, unknown>): void
  error(message: string, facts?: Record<string, unknown>): void
  child(component: string): Log
}

export const silentLog: Log = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLog,
}

/** Node keeps a timer's delay in 32 bits and fires a longer one at once. */
const longestTimerMs = 2 ** 31 - 1

/** setTimeout for any length: a long wait is a chain of timers. */
const afterMs = (ms: number, act: () => void): (() => void) => {
  let leftMs = ms
  let timer: NodeJS.Timeout
  const wait = (): void => {
    const nextMs = Math.min(leftMs, longestTimerMs)
    leftMs -= nextMs
    timer = setTimeout(leftMs > 0 ? wait : act, nextMs)
  }
  wait()
  return () => clearTimeout(timer)
}

/** The real clock and timers of this machine. The only place that reads them. */
export const systemEnv = (log: Log = silentLog): Env => ({
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      const done = () => {
        cancel()
        signal?.removeEventListener('abort', done)
        resolve()
      }
      const cancel = afterMs(ms, done)
      signal?.addEventListener('abort', done, { once: true })
    }),
  after: afterMs,
  random: () => Math.random(),
  log,
})
