const firstMs = 1_000
const longestMs = 30_000
/** A process that ran this long was well: the next wait is short again. */
const healthyMs = 60_000

/** When a process that ended may be started again. */
export interface Respawn {
  /** How long to wait when it ends next. */
  readonly waitMs: number
  readonly startedMs: number
  /** Not before this moment; in the past while the process runs. */
  readonly notBeforeMs: number
}

export const startedAt = (nowMs: number, before?: Respawn): Respawn => ({
  waitMs: before?.waitMs ?? firstMs,
  startedMs: nowMs,
  notBeforeMs: nowMs,
})

/** Twice as long after each quick end, up to half a minute. */
export const endedAt = (nowMs: number, running: Respawn): Respawn => {
  const waitMs = nowMs - running.startedMs >= healthyMs ? firstMs : running.waitMs
  return { ...running, notBeforeMs: nowMs + waitMs, waitMs: Math.min(waitMs * 2, longestMs) }
}
