import type { Env } from '@skiff/machinery'

/** Timers by the thousand over a single timer of the environment. */
export interface Wheel {
  /** Runs `act` once, at the first turn not before `ms` from now; the returned function cancels it. */
  after(ms: number, act: () => void): () => void
  /** How many wait. */
  readonly size: number
  stop(): void
}

interface Spoke {
  readonly acts: Set<() => void>
}

/**
 * Times are rounded up to turns of `turnMs`, so that what is due nearly at once shares a turn. Turns are kept in a heap: far ones cost
 * nothing until they come.
 */
export const createWheel = (env: Env, turnMs = 50): Wheel => {
  const spokes = new Map<number, Spoke>()
  const turns: number[] = []
  const startMs = env.monotonicMs()
  let size = 0
  let armed: { readonly turn: number; readonly cancel: () => void } | undefined
  let stopped = false

  const now = (): number => env.monotonicMs() - startMs
  const arm = (): void => {
    const [turn] = turns
    if (stopped || turn === undefined || (armed && armed.turn <= turn)) return
    armed?.cancel()
    armed = { turn, cancel: env.after(Math.max(0, turn * turnMs - now()), fire) }
  }
  const fire = (): void => {
    armed = undefined
    // A timer of the machine may come a moment early.
    const reached = Math.floor((now() + 1) / turnMs)
    for (let [turn] = turns; turn !== undefined && turn <= reached; [turn] = turns) {
      popHeap(turns)
      const spoke = spokes.get(turn)
      spokes.delete(turn)
      if (!spoke) continue
      for (const act of spoke.acts) {
        size -= 1
        act()
      }
    }
    arm()
  }
  return {
    after: (ms, act) => {
      const turn = Math.ceil((now() + ms) / turnMs)
      let spoke = spokes.get(turn)
      if (!spoke) {
        spoke = { acts: new Set() }
        spokes.set(turn, spoke)
        pushHeap(turns, turn)
      }
      // A function may be handed in twice: each wait is its own.
      const once = () => act()
      spoke.acts.add(once)
      size += 1
      arm()
      const held = spoke
      return () => {
        if (held.acts.delete(once)) size -= 1
      }
    },
    get size() {
      return size
    },
    stop: () => {
      stopped = true
      armed?.cancel()
      spokes.clear()
      turns.length = 0
      size = 0
    },
  }
}

const pushHeap = (heap: number[], value: number): void => {
  let at = heap.push(value) - 1
  while (at > 0) {
    const above = (at - 1) >> 1
    if ((heap[above] as number) <= value) break
    heap[at] = heap[above] as number
    at = above
  }
  heap[at] = value
}

const popHeap = (heap: number[]): void => {
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return
  let at = 0
  for (;;) {
    let below = 2 * at + 1
    if (below >= heap.length) break
    if (below + 1 < heap.length && (heap[below + 1] as number) < (heap[below] as number)) below += 1
    if ((heap[below] as number) >= last) break
    heap[at] = heap[below] as number
    at = below
  }
  heap[at] = last
}
