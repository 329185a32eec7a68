import type { Env } from '@skiff/machinery'
import type { Part } from '../../world/world.ts'

/** How long parts of the cluster have been left alone, and so how far they may be behind. */
export interface Calm {
  /** Something keeps the part from hearing or writing, from now until `untilMs`, on the clock that does not jump. */
  trouble(part: Part | 'api', untilMs?: number): void
  /** Since when the part has been left alone, the API server too. */
  quietMs(part: Part): number
  /** What the part acts on was true no longer ago than this. */
  lagMs(part: Part): number
  readonly longMs: number
  /** The clocks on the wall are about to jump. */
  jumps(ms: number): void
  /** By how much they went back so far: what waits for a time on the wall waits for that much longer. */
  jumpsMs(): number
  /** The latest that they said of late. */
  latestWallMs(): number
  /** Once those who watch have heard of all that belongs together. */
  later(act: () => void): void
}

// A part that is left alone lags behind by what calls and watches are delayed, and by its retries.
const shortMs = 30_000
// Past its end a trouble is felt for as long as a watch may wait until it is tried again, twice where the first try is lost.
const tailMs = 135_000
const longMs = 300_000
const settleMs = 15_000

export const createCalm = (env: Env): Calm => {
  let backMs = 0
  let held: { readonly untilMs: number; readonly aheadMs: number } | undefined
  /** By part, since when one trouble has followed the other, and when the last ends. */
  const stretches = new Map<string, { readonly sinceMs: number; readonly untilMs: number }>()
  const quietMs = (part: Part): number =>
    env.monotonicMs() - Math.max(stretches.get(part)?.untilMs ?? 0, stretches.get('api')?.untilMs ?? 0)
  const lagBecauseOf = (part: Part | 'api'): number => {
    const held = stretches.get(part)
    return held && env.monotonicMs() < held.untilMs + tailMs ? env.monotonicMs() - held.sinceMs + shortMs : shortMs
  }
  const latestWallMs = (): number => Math.max(env.now(), held && held.untilMs > env.monotonicMs() ? env.monotonicMs() + held.aheadMs : 0)
  return {
    trouble: (part, untilMs = env.monotonicMs()) => {
      const held = stretches.get(part)
      const goesOn = held !== undefined && env.monotonicMs() < held.untilMs + tailMs
      stretches.set(part, {
        sinceMs: goesOn ? held.sinceMs : env.monotonicMs(),
        untilMs: Math.max(held?.untilMs ?? 0, untilMs),
      })
    },
    quietMs,
    lagMs: (part) => Math.max(lagBecauseOf(part), lagBecauseOf('api')),
    longMs,
    jumps: (ms) => {
      if (ms >= 0) return
      backMs -= ms
      const aheadMs = Math.max(env.now(), latestWallMs()) - env.monotonicMs()
      held = { untilMs: env.monotonicMs() + longMs, aheadMs }
    },
    jumpsMs: () => backMs,
    latestWallMs,
    later: (act) => void env.after(settleMs, act),
  }
}
