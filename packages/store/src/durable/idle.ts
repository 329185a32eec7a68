import type { Env } from '@skiff/machinery'

/** Quiet for so long, the store tidies up. */
const IDLE_MS = 200

/** Notices that writing has stopped. One timer at most, and none where nothing was written since it last rested. */
export interface Idle {
  wrote(): void
  stop(): void
}

/** `rest` does a part of what is to be done, and tells whether more is left; it is called again only while nobody writes. */
export const idle = (env: Env, rest: () => Promise<boolean>): Idle => {
  let lastMs = 0
  let cancel: (() => void) | undefined
  let stopped = false

  const wait = (ms: number) => {
    cancel = env.after(ms, () => {
      cancel = undefined
      const quietMs = env.monotonicMs() - lastMs
      if (quietMs < IDLE_MS) wait(IDLE_MS - quietMs)
      else void restAll()
    })
  }

  const restAll = async () => {
    const startedMs = lastMs
    let more = true
    while (more && !stopped && lastMs === startedMs) more = await rest()
  }

  return {
    wrote: () => {
      lastMs = env.monotonicMs()
      if (!cancel && !stopped) wait(IDLE_MS)
    },
    stop: () => {
      stopped = true
      cancel?.()
    },
  }
}
