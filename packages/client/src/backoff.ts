import type { Env } from '@skiff/machinery'

export interface BackoffOptions {
  readonly baseMs: number
  readonly maxMs: number
  /** Each wait is drawn from [wait, wait * (1 + jitter)). */
  readonly jitter: number
  /** Quiet for so long, it starts from the base again. */
  readonly resetMs: number
}

/** Waits that double up to a limit; the caller sleeps. */
export const createBackoff = (env: Env, options: BackoffOptions): { nextMs(): number; reset(): void } => {
  let waitMs = options.baseMs
  let lastMs = env.monotonicMs()
  return {
    nextMs: () => {
      const nowMs = env.monotonicMs()
      if (nowMs - lastMs > options.resetMs) waitMs = options.baseMs
      lastMs = nowMs
      const drawn = waitMs * (1 + options.jitter * env.random())
      waitMs = Math.min(options.maxMs, waitMs * 2)
      return drawn
    },
    reset: () => {
      waitMs = options.baseMs
    },
  }
}
