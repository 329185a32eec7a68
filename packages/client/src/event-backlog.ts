import type { Env } from '@skiff/machinery'
import { isRefusal, Refusal } from '@skiff/machinery'

// As upstream: 12 tries, 10 s apart, and at most 1,000 events waiting.
const maxTries = 12
const retryMs = 10_000
const maxWaiting = 1_000

/** Writes of events, one after the other in the background; what fails is tried again or given up. */
export interface EventBacklog {
  /** `write` answers how to write, decided only when its turn comes; undefined: there is nothing to write. Dropped when too many wait. */
  add(reason: string, write: () => (() => Promise<void>) | undefined): void
  /** Resolves when everything added so far is written or given up. */
  flushed(): Promise<void>
  close(): Promise<void>
  readonly signal: AbortSignal
}

export const createEventBacklog = (env: Env): EventBacklog => {
  const closing = new AbortController()
  let waiting = 0
  let last: Promise<void> = Promise.resolve()
  const writeOrGiveUp = async (reason: string, write: (() => Promise<void>) | undefined): Promise<void> => {
    if (!write) return
    for (let tries = 1; tries <= maxTries && !closing.signal.aborted; tries += 1)
      try {
        return await write()
      } catch (error) {
        // Another recorder took the name; the next try draws another.
        if (isRefusal(error, 409) && error.reason === 'AlreadyExists') continue
        // A refusal stays one (a namespace that terminates, for one); anything else may be a server that restarts.
        if (error instanceof Refusal && error.code < 500 && error.code !== 429) {
          env.log.debug('event refused', { reason, error: error.message })
          return
        }
        await env.sleep(retryMs, closing.signal)
      }
  }
  return {
    add: (reason, write) => {
      if (waiting >= maxWaiting || closing.signal.aborted) return
      waiting += 1
      last = last.then(async () => {
        try {
          await writeOrGiveUp(reason, write())
        } finally {
          waiting -= 1
        }
      })
    },
    flushed: () => last,
    close: () => {
      closing.abort()
      return last
    },
    signal: closing.signal,
  }
}

/**
 * `name.hex-nanoseconds`. The clock knows milliseconds only: chance fills in the rest, so that recorders of one instant differ, and a
 * nudge forward keeps the order of one recorder's own.
 */
export const createEventNames = (env: Env): ((name: string | undefined, nowMs: number) => string) => {
  let lastStampNs = 0n
  return (name, nowMs) => {
    const nowNs = BigInt(Math.trunc(nowMs)) * 1_000_000n + BigInt(Math.floor(env.random() * 1_000_000))
    lastStampNs = nowNs > lastStampNs ? nowNs : lastStampNs + 1n
    return `${name ?? ''}.${lastStampNs.toString(16)}`
  }
}
