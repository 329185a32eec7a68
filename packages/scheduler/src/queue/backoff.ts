import { createHeap, type Heap } from './heap.ts'
import type { QueuedPod } from './queued-pod.ts'
import type { Waiting } from './waiting.ts'

/** The pods that sit out a backoff: apart, those that were refused and those that an error struck. */
export interface Backoff {
  push(queued: QueuedPod): void
  remove(uid: string): QueuedPod | undefined
  get(uid: string): QueuedPod | undefined
  /** The next one whose backoff is over. */
  popDue(nowMs: number): QueuedPod | undefined
  /** One whose backoff may be cut short. */
  popEarly(): QueuedPod | undefined
  /** As upstream, to the second: who is due later in one that has begun is due. */
  isOver(queued: QueuedPod, nowMs: number): boolean
  /** Infinite where nobody waits. */
  nextDueMs(): number
  readonly size: number
}

// Upstream's: pods whose backoffs end within the same second go by their importance.
const windowMs = 1_000

export const createBackoff = (dueMs: (queued: QueuedPod) => number, goesFirst: (a: Waiting, b: Waiting) => boolean): Backoff => {
  const uidOf = ({ pod }: QueuedPod) => pod.uid
  const windowOf = (queued: QueuedPod): number => Math.floor(dueMs(queued) / windowMs)
  const before = (a: QueuedPod, b: QueuedPod): boolean => {
    const [ofA, ofB] = [windowOf(a), windowOf(b)]
    return ofA === ofB ? goesFirst(a, b) : ofA < ofB
  }
  const refused = createHeap<QueuedPod>(uidOf, before)
  const failed = createHeap<QueuedPod>(uidOf, before)
  const isOver = (queued: QueuedPod, nowMs: number): boolean => windowOf(queued) * windowMs <= nowMs
  const both: readonly Heap<QueuedPod>[] = [refused, failed]
  return {
    push: (queued) => (queued.failed ? failed : refused).push(queued),
    remove: (uid) => refused.remove(uid) ?? failed.remove(uid),
    get: (uid) => refused.get(uid) ?? failed.get(uid),
    popDue: (nowMs) => {
      for (const heap of both) {
        const next = heap.peek()
        if (next && isOver(next, nowMs)) return heap.pop()
      }
      return undefined
    },
    popEarly: () => refused.pop(),
    isOver,
    nextDueMs: () => {
      const [a, b] = both.map((heap) => heap.peek()).map((next) => (next ? windowOf(next) * windowMs : Number.POSITIVE_INFINITY))
      return Math.min(a as number, b as number)
    },
    get size() {
      return refused.size + failed.size
    },
  }
}
