import type { Env } from '@skiff/machinery'

/** Lists everything now and then, to find what no event told. */
export interface Rechecks {
  /** Something happened in the runtime, or was made to happen: the next look comes soon. */
  stir(): void
  /** Resolves when the signal aborts. */
  run(): Promise<void>
}

const soonestMs = 1_000
const latestMs = 60_000

/**
 * Events can be lost: before a stream has quite begun, by a runtime under load, or because the runtime's own view came later than
 * its word. So after the last thing that happened everything is listed 1, 3, 7, 15 … seconds later, and each minute in the end:
 * a loss is found after at most about as long as the container had lived. Upstream's kubelet lists each second always, or each 300 s
 * where the runtime tells events; here an idle node costs nothing and a busy one a list a second.
 */
export const createRechecks = (env: Env, relist: () => Promise<void>, signal: AbortSignal): Rechecks => {
  let stirredMs = env.monotonicMs()
  let stirred = new AbortController()
  const quiet = async (): Promise<void> => {
    const sinceMs = env.monotonicMs() - stirredMs
    stirred = new AbortController()
    // A stir ends the long wait and not the last second of it, so that many of them do not mean many lists.
    await env.sleep(Math.min(sinceMs, latestMs - soonestMs), AbortSignal.any([signal, stirred.signal]))
    await env.sleep(soonestMs, signal)
  }
  return {
    stir: () => {
      stirredMs = env.monotonicMs()
      stirred.abort()
    },
    run: async () => {
      while (!signal.aborted) {
        await quiet()
        if (signal.aborted) return
        await relist().catch((error) => env.log.warn('the runtime cannot be listed', { error: String(error) }))
      }
    },
  }
}
