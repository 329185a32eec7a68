import type { Env } from '@skiff/machinery'

export interface QueueOptions {
  /** The first wait of a key that failed, doubled by each failure. Upstream: 5 ms. */
  readonly baseMs?: number
  /** Upstream: 1,000 s. */
  readonly maxMs?: number
  /** Hears how long a key was ready before it was handed out. */
  readonly waited?: (seconds: number) => void
}

/**
 * Keys that wait for work. A key is held once, and while it is worked on it is not handed out again: added meanwhile, it comes
 * back after `done`.
 */
export interface KeyQueue {
  add(key: string): void
  /** Adds once `delayMs` have passed; of several delays of one key the earliest counts. */
  addAfter(key: string, delayMs: number): void
  /** Adds after the key's back-off, and lengthens it. Returns the wait. */
  retry(key: string): number
  /** The key did well: its back-off starts anew. */
  forget(key: string): void
  retries(key: string): number
  /** The next key, which is then the caller's until `done`; undefined once the queue is closed. */
  next(): Promise<string | undefined>
  done(key: string): void
  /** Keys ready to be handed out. */
  readonly size: number
  /** Keys handed out and not yet done. */
  readonly inFlight: number
  /** How often a key became ready, and how often one was added after a back-off. */
  readonly adds: number
  readonly retried: number
  /** Nothing ready, nothing in flight; delayed keys do not count. */
  readonly idle: boolean
  close(): void
}

export const createQueue = (env: Env, options: QueueOptions = {}): KeyQueue => {
  const baseMs = options.baseMs ?? 5
  const maxMs = options.maxMs ?? 1_000_000
  /** Since when, by the monotonic clock. */
  const ready = new Map<string, number>()
  const working = new Set<string>()
  const again = new Set<string>()
  const failures = new Map<string, number>()
  const delayed = new Map<string, { readonly dueMs: number; readonly cancel: () => void }>()
  const takers: ((key: string | undefined) => void)[] = []
  let closed = false
  let adds = 0
  let retried = 0

  const add = (key: string): void => {
    if (closed) return
    if (working.has(key)) {
      again.add(key)
      return
    }
    if (ready.has(key)) return
    adds++
    const taker = takers.shift()
    if (taker) {
      options.waited?.(0)
      working.add(key)
      taker(key)
    } else ready.set(key, env.monotonicMs())
  }
  const addAfter = (key: string, delayMs: number): void => {
    if (closed) return
    if (delayMs <= 0) {
      add(key)
      return
    }
    const dueMs = env.monotonicMs() + delayMs
    const earlier = delayed.get(key)
    if (earlier && earlier.dueMs <= dueMs) return
    earlier?.cancel()
    const cancel = env.after(delayMs, () => {
      delayed.delete(key)
      add(key)
    })
    delayed.set(key, { dueMs, cancel })
  }
  return {
    add,
    addAfter,
    retry: (key) => {
      const failed = failures.get(key) ?? 0
      failures.set(key, failed + 1)
      retried++
      const waitMs = Math.min(maxMs, baseMs * 2 ** Math.min(failed, 40))
      addAfter(key, waitMs)
      return waitMs
    },
    forget: (key) => {
      failures.delete(key)
    },
    retries: (key) => failures.get(key) ?? 0,
    next: () => {
      if (closed) return Promise.resolve(undefined)
      const [first] = ready
      if (first === undefined) return new Promise((resolve) => takers.push(resolve))
      const [key, sinceMs] = first
      options.waited?.((env.monotonicMs() - sinceMs) / 1000)
      ready.delete(key)
      working.add(key)
      return Promise.resolve(key)
    },
    done: (key) => {
      working.delete(key)
      if (again.delete(key)) add(key)
    },
    get adds() {
      return adds
    },
    get retried() {
      return retried
    },
    get size() {
      return ready.size
    },
    get inFlight() {
      return working.size
    },
    get idle() {
      return ready.size === 0 && working.size === 0
    },
    close: () => {
      closed = true
      ready.clear()
      for (const [, timer] of delayed) timer.cancel()
      delayed.clear()
      for (const taker of takers.splice(0)) taker(undefined)
    },
  }
}
