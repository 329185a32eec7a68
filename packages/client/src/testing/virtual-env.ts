import { setImmediate as turn } from 'node:timers/promises'
import { type Env, type Log, seededRandom, silentLog } from '@skiff/machinery'

/** An Env whose time stands still until it is told to pass. */
export interface VirtualEnv extends Env {
  /** Lets `ms` pass: every timer due fires in order, with all that follows from it, before the next one. */
  advance(ms: number): Promise<void>
  /** Lets everything run that needs no time. */
  settle(): Promise<void>
}

/** Starts at 2025-01-01. Equal seeds give equal runs, as long as nothing under test does real I/O. */
export const virtualEnv = (seed = 1, log: Log = silentLog): VirtualEnv => {
  const random = seededRandom(seed)
  const startMs = Date.UTC(2025, 0, 1)
  const timers = new Map<number, { readonly dueMs: number; readonly act: () => void }>()
  let nowMs = startMs
  let nextId = 0

  const after = (ms: number, act: () => void): (() => void) => {
    const id = nextId
    nextId += 1
    timers.set(id, { dueMs: nowMs + Math.max(0, ms), act })
    return () => timers.delete(id)
  }
  const settle = async (): Promise<void> => {
    await turn()
    await turn()
  }
  const earliest = (): { id: number; dueMs: number } | undefined => {
    let best: { id: number; dueMs: number } | undefined
    for (const [id, { dueMs }] of timers) if (!best || dueMs < best.dueMs) best = { id, dueMs }
    return best
  }
  return {
    now: () => nowMs,
    monotonicMs: () => nowMs - startMs,
    after,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve()
        const done = () => {
          cancel()
          signal?.removeEventListener('abort', done)
          resolve()
        }
        const cancel = after(ms, done)
        signal?.addEventListener('abort', done, { once: true })
      }),
    random,
    log,
    settle,
    advance: async (ms) => {
      const untilMs = nowMs + ms
      await settle()
      for (let next = earliest(); next && next.dueMs <= untilMs; next = earliest()) {
        nowMs = Math.max(nowMs, next.dueMs)
        const timer = timers.get(next.id)
        timers.delete(next.id)
        timer?.act()
        await settle()
      }
      nowMs = untilMs
    },
  }
}
