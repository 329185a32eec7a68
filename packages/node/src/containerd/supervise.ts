import type { Env } from '@skiff/machinery'
import type { Daemon } from './launch.ts'

export interface Supervision {
  daemon(): Daemon
  restarts(): number
  /** No restart any more; the process is left alone. Resolves when a restart under way has come to its end. */
  release(): Promise<void>
}

const firstBackoffMs = 100
const maxBackoffMs = 10_000
// One that ran this long was healthy: the next restart is quick again.
const healthyMs = 60_000

/** Starts a dead daemon again, ever later while it keeps dying. `prepare` runs after each start. */
export const supervise = (
  env: Env,
  first: Daemon,
  start: () => Promise<Daemon>,
  prepare: (daemon: Daemon) => Promise<void>,
): Supervision => {
  const released = new AbortController()
  let daemon = first
  let restarts = 0
  const keep = async () => {
    let backoffMs = firstBackoffMs
    let startedMs = env.monotonicMs()
    const aborted = new Promise<void>((resolve) => released.signal.addEventListener('abort', () => resolve(), { once: true }))
    for (;;) {
      await Promise.race([daemon.ended, aborted])
      if (released.signal.aborted) return
      if (env.monotonicMs() - startedMs > healthyMs) backoffMs = firstBackoffMs
      env.log.warn('containerd died; it is started again', { pid: daemon.record.pid, afterMs: backoffMs })
      await env.sleep(backoffMs, released.signal)
      if (released.signal.aborted) return
      backoffMs = Math.min(backoffMs * 2, maxBackoffMs)
      startedMs = env.monotonicMs()
      restarts += 1
      try {
        daemon = await start()
        await prepare(daemon)
      } catch (error) {
        env.log.error('containerd could not be started', { error: String(error) })
      }
    }
  }
  const kept = keep()
  const release = async () => {
    released.abort()
    await kept
    daemon.forget()
  }
  return { daemon: () => daemon, restarts: () => restarts, release }
}
