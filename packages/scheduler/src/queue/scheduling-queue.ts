import type { Env } from '@skiff/machinery'
import type { ClusterEvent } from '../cycle/framework.ts'
import { goesFirst } from '../plugins/priority-sort.ts'
import type { PodInfo } from '../snapshot/pod-info.ts'
import { createHeap } from './heap.ts'

/** A pod that waits to be scheduled. Owned by the queue, which replaces `pod` as the object changes. */
export interface QueuedPod {
  pod: PodInfo
  attempts: number
  /** When it entered the active queue, or last failed: backoff counts from here. */
  sinceMs: number
  readonly sequence: number
  /** Plugins that refused it last time: only what they react to brings it back. Empty: anything does. */
  refusedBy: ReadonlySet<string>
  /** The API server failed, not the fit: no shortcut past the backoff. */
  failed: boolean
}

/**
 * The pods without a node, in three pools: active (to be tried, by priority), backoff (to be tried once their wait is over), and
 * unschedulable (nothing has happened that could help them).
 */
export interface SchedulingQueue {
  add(pod: PodInfo): void
  /** The pod's object changed. `helps`: in a way that may let it in. */
  update(pod: PodInfo, helps: boolean): void
  remove(uid: string): void
  /** The next pod, which leaves the queue until `refused` or `add`. */
  pop(): QueuedPod | undefined
  refused(queued: QueuedPod, by: ReadonlySet<string>): void
  /** The attempt failed for a reason that passes by itself. */
  retry(queued: QueuedPod): void
  happened(event: ClusterEvent): void
  has(uid: string): boolean
  /** Whether a pod is due, none that waits counted. */
  readonly hasActive: boolean
  readonly size: number
  close(): void
}

// Upstream: a wait of 1 s, doubled by each attempt, 10 s at most; after 5 minutes without an event a pod is tried again anyway.
const initialBackoffMs = 1_000
const maxBackoffMs = 10_000
const leftoverMs = 300_000
const leftoverCheckMs = 30_000

export interface SchedulingQueueOptions {
  /** Whether events of this kind ever help past the named plugin. */
  readonly reacts: (plugin: string, on: ClusterEvent['on']) => boolean
  /** Whether `event` may help the pod past it. */
  readonly hint: (plugin: string, event: ClusterEvent, pod: PodInfo) => boolean
  /** There is something to pop. */
  readonly wake: () => void
}

/** No plugin refused it (there was no node at all): under the empty name, past which every event may help. */
const anything = new Set([''])
const reasonsOf = ({ refusedBy }: QueuedPod): ReadonlySet<string> => (refusedBy.size === 0 ? anything : refusedBy)

export const createSchedulingQueue = (env: Env, { reacts, hint, wake }: SchedulingQueueOptions): SchedulingQueue => {
  const uidOf = ({ pod }: QueuedPod) => pod.uid
  const dueMs = ({ attempts, sinceMs }: QueuedPod) =>
    sinceMs + (attempts === 0 ? 0 : Math.min(maxBackoffMs, initialBackoffMs * 2 ** Math.min(attempts - 1, 10)))
  const rank = ({ pod, sinceMs, sequence }: QueuedPod) => ({ priority: pod.priority, sinceMs, sequence })
  const active = createHeap<QueuedPod>(uidOf, (a, b) => goesFirst(rank(a), rank(b)))
  const backoff = createHeap<QueuedPod>(uidOf, (a, b) => dueMs(a) < dueMs(b))
  const unschedulable = new Map<string, QueuedPod>()
  // The same pods by the plugins that refused them, so that an event costs nothing to pods that it cannot help.
  const byPlugin = new Map<string, Set<QueuedPod>>()
  const leave = (queued: QueuedPod): void => {
    unschedulable.delete(queued.pod.uid)
    for (const plugin of reasonsOf(queued)) byPlugin.get(plugin)?.delete(queued)
  }
  const rest = (queued: QueuedPod): void => {
    unschedulable.set(queued.pod.uid, queued)
    for (const plugin of reasonsOf(queued)) {
      const held = byPlugin.get(plugin)
      if (held) held.add(queued)
      else byPlugin.set(plugin, new Set([queued]))
    }
  }
  let sequence = 0
  let cancelTimer: (() => void) | undefined
  let timerDueMs = Number.POSITIVE_INFINITY
  let closed = false

  const activate = (queued: QueuedPod): void => {
    active.push(queued)
    wake()
  }
  const armTimer = (): void => {
    const next = backoff.peek()
    const wantedMs = Math.min(
      next ? dueMs(next) : Number.POSITIVE_INFINITY,
      unschedulable.size > 0 ? env.monotonicMs() + leftoverCheckMs : Number.POSITIVE_INFINITY,
    )
    if (closed || wantedMs >= timerDueMs) return
    cancelTimer?.()
    timerDueMs = wantedMs
    cancelTimer = env.after(Math.max(0, wantedMs - env.monotonicMs()), () => {
      timerDueMs = Number.POSITIVE_INFINITY
      flush()
      armTimer()
    })
  }
  const flush = (): void => {
    const nowMs = env.monotonicMs()
    for (let next = backoff.peek(); next && dueMs(next) <= nowMs; next = backoff.peek()) {
      backoff.pop()
      activate(next)
    }
    for (const queued of [...unschedulable.values()]) {
      if (nowMs - queued.sinceMs < leftoverMs) continue
      leave(queued)
      activate(queued)
    }
  }
  /** From unschedulable on: to active when its backoff is over already. */
  const requeue = (queued: QueuedPod): void => {
    leave(queued)
    if (dueMs(queued) <= env.monotonicMs()) {
      activate(queued)
      return
    }
    backoff.push(queued)
    armTimer()
    // Waiting pods are tried early when nothing else is: see pop.
    wake()
  }
  const find = (uid: string): QueuedPod | undefined => active.get(uid) ?? backoff.get(uid) ?? unschedulable.get(uid)

  return {
    add: (pod) => {
      if (find(pod.uid)) return
      sequence += 1
      activate({ pod, attempts: 0, sinceMs: env.monotonicMs(), sequence, refusedBy: new Set(), failed: false })
    },
    update: (pod, helps) => {
      const queued = find(pod.uid)
      if (!queued) return
      // The priority orders the heap: out and in again.
      const heap = active.get(pod.uid) ? active : backoff.get(pod.uid) ? backoff : undefined
      heap?.remove(pod.uid)
      queued.pod = pod
      heap?.push(queued)
      if (!heap && helps) requeue(queued)
    },
    remove: (uid) => {
      if (active.remove(uid) || backoff.remove(uid)) return
      const queued = unschedulable.get(uid)
      if (queued) leave(queued)
    },
    pop: () => {
      let queued = active.pop()
      if (!queued) {
        // As upstream since 1.33: with nothing else to do, a pod need not sit out its backoff, unless the API server failed it.
        const next = backoff.peek()
        if (next && !next.failed) queued = backoff.pop()
      }
      if (queued) queued.attempts += 1
      return queued
    },
    refused: (queued, by) => {
      queued.sinceMs = env.monotonicMs()
      queued.refusedBy = by
      queued.failed = false
      rest(queued)
      armTimer()
    },
    retry: (queued) => {
      queued.sinceMs = env.monotonicMs()
      queued.failed = true
      backoff.push(queued)
      armTimer()
    },
    happened: (event) => {
      if (unschedulable.size === 0) return
      for (const [plugin, held] of byPlugin) {
        if (held.size === 0 || (plugin !== '' && !reacts(plugin, event.on))) continue
        for (const queued of [...held]) if (plugin === '' || hint(plugin, event, queued.pod)) requeue(queued)
      }
    },
    has: (uid) => find(uid) !== undefined,
    get hasActive() {
      return active.size > 0
    },
    get size() {
      return active.size + backoff.size + unschedulable.size
    },
    close: () => {
      closed = true
      cancelTimer?.()
    },
  }
}
