import type { Env } from '@skiff/machinery'
import type { ClusterEvent, OwnChange } from '../cycle/framework.ts'
import type { PodInfo } from '../snapshot/pod-info.ts'
import { createBackoff } from './backoff.ts'
import { eventLabel, ownLabel } from './event-label.ts'
import { createHeap } from './heap.ts'
import type { QueuedPod } from './queued-pod.ts'
import { createUnschedulable } from './unschedulable.ts'
import type { Waiting } from './waiting.ts'

/** How many pods wait, and in which pool. */
export interface PendingPods {
  readonly active: number
  readonly backoff: number
  readonly unschedulable: number
  readonly gated: number
  readonly byPlugin: readonly { readonly plugin: string; readonly profile: string; readonly pods: number }[]
}

/**
 * The pods without a node, in three pools: active (to be tried, in the order of QueueSort), backoff (to be tried once their wait is
 * over), and unschedulable (nothing has happened that could help them; gated pods, which were never tried, are among them).
 */
export interface SchedulingQueue {
  add(pod: PodInfo): void
  /** The pod's object changed: how. True: it shall be tried, whatever refused it. */
  update(pod: PodInfo, changes: readonly OwnChange[] | true): void
  /** These shall be tried now, whatever refused them and however long they have to wait. */
  activate(uids: readonly string[]): void
  /** What it waits for failed: it is tried again after its backoff, which nothing cuts short. */
  postpone(uid: string): void
  remove(uid: string): void
  /** The next pod, which leaves the queue until `refused` or `add`. */
  pop(): QueuedPod | undefined
  /** A popped pod is decided on beyond this turn of the event loop: events are kept for it until `refused`, `retry` or `release`. */
  detain(queued: QueuedPod): void
  release(queued: QueuedPod): void
  refused(queued: QueuedPod, by: ReadonlySet<string>): void
  /** The attempt failed for a reason that passes by itself. */
  retry(queued: QueuedPod): void
  /** `concerns`: the pods that the event is news to; absent: all. */
  happened(event: ClusterEvent, concerns?: (queued: QueuedPod) => boolean): void
  has(uid: string): boolean
  /** Whether a pod is due, none that waits counted. */
  readonly hasActive: boolean
  readonly size: number
  pending(): PendingPods
  close(): void
}

// Upstream: a wait of 1 s, doubled by each attempt, 10 s at most; after 5 minutes without an event a pod is tried again anyway.
const initialBackoffMs = 1_000
const maxBackoffMs = 10_000
const leftoverMs = 300_000
const leftoverCheckMs = 30_000

export interface SchedulingQueueOptions {
  /** Whether events of this kind ever help past the named plugin. */
  readonly reacts: (plugin: string, on: ClusterEvent['on'], pod: PodInfo) => boolean
  /** Whether `event` may help the pod past it. */
  readonly hint: (plugin: string, event: ClusterEvent, pod: PodInfo) => boolean
  /** Whether what changed of the pod itself may help it past the plugin. Absent: anything may. */
  readonly mayHelpItself?: (plugin: string, changes: readonly OwnChange[], pod: PodInfo) => boolean
  /** There is something to pop. */
  readonly wake: () => void
  readonly goesFirst: (a: Waiting, b: Waiting) => boolean
  /** PreEnqueue: the plugin that does not let the pod be tried; it tells why itself. */
  readonly blockedBy?: (pod: PodInfo) => string | undefined
  /** A pod came into a pool, for metrics. */
  readonly entered?: (queue: 'active' | 'backoff' | 'unschedulable', event: string) => void
  readonly initialBackoffMs?: number
  readonly maxBackoffMs?: number
}

const failure = 'ScheduleAttemptFailure'
const forced = 'ForceActivate'

export const createSchedulingQueue = (env: Env, options: SchedulingQueueOptions): SchedulingQueue => {
  const { reacts, hint, mayHelpItself = () => true, wake, goesFirst, blockedBy = () => undefined, entered = () => {} } = options
  const firstWaitMs = options.initialBackoffMs ?? initialBackoffMs
  const longestWaitMs = options.maxBackoffMs ?? maxBackoffMs
  const uidOf = ({ pod }: QueuedPod) => pod.uid
  const dueMs = ({ attempts, sinceMs }: QueuedPod) =>
    sinceMs + (attempts === 0 ? 0 : Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(attempts - 1, 30)))
  const active = createHeap<QueuedPod>(uidOf, goesFirst)
  const backoff = createBackoff(dueMs, goesFirst)
  const unschedulable = createUnschedulable()
  const detained = new Map<string, QueuedPod>()
  // Deleted while others decided on them: nobody's pods any more.
  const gone = new WeakSet<QueuedPod>()
  let sequence = 0
  let cancelTimer: (() => void) | undefined
  let timerDueMs = Number.POSITIVE_INFINITY
  let closed = false

  /** Whether a gate keeps the pod out of the other pools. `event`: what brings it in; absent where it was in its pool before. */
  const isKeptOut = (queued: QueuedPod, event?: string): boolean => {
    const gate = blockedBy(queued.pod)
    if (gate !== undefined) {
      queued.refusedBy = new Set([gate])
      queued.gated = true
      unschedulable.rest(queued)
      if (event !== undefined) entered('unschedulable', event)
      return true
    }
    if (queued.gated && queued.attempts === 0) queued.firstMs = env.monotonicMs()
    queued.gated = false
    return false
  }
  const toActive = (queued: QueuedPod, event: string): void => {
    active.push(queued)
    entered('active', event)
    wake()
  }
  /** Into the active queue, unless a gate is in the way. */
  const activate = (queued: QueuedPod, event: string): void => {
    if (!isKeptOut(queued, event)) toActive(queued, event)
  }
  const armTimer = (): void => {
    const wantedMs = Math.min(
      backoff.nextDueMs(),
      unschedulable.size > unschedulable.gated ? env.monotonicMs() + leftoverCheckMs : Number.POSITIVE_INFINITY,
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
    for (let next = backoff.popDue(nowMs); next; next = backoff.popDue(nowMs)) activate(next, 'BackoffComplete')
    for (const queued of [...unschedulable.all()]) {
      if ((queued.gated && queued.attempts === 0) || nowMs - queued.sinceMs < leftoverMs) continue
      unschedulable.leave(queued)
      activate(queued, 'UnschedulableTimeout')
    }
  }
  /** To active when its backoff is over already. */
  const requeue = (queued: QueuedPod, event: string): void => {
    unschedulable.leave(queued)
    if (isKeptOut(queued)) return
    if (backoff.isOver(queued, env.monotonicMs())) {
      toActive(queued, event)
      return
    }
    backoff.push(queued)
    entered('backoff', event)
    armTimer()
    // Waiting pods are tried early when nothing else is: see pop.
    wake()
  }
  const helps = (plugin: string, event: ClusterEvent, queued: QueuedPod): boolean =>
    plugin === '' || (reacts(plugin, event.on, queued.pod) && hint(plugin, event, queued.pod))
  const helpsItself = (queued: QueuedPod, changes: readonly OwnChange[]): boolean =>
    queued.refusedBy.size === 0 || [...queued.refusedBy].some((plugin) => mayHelpItself(plugin, changes, queued.pod))
  const release = (queued: QueuedPod): readonly ClusterEvent[] => {
    const missed = queued.missed ?? []
    queued.missed = undefined
    if (detained.get(queued.pod.uid) === queued) detained.delete(queued.pod.uid)
    return missed
  }
  const sitOut = (queued: QueuedPod): void => {
    queued.failed = true
    backoff.push(queued)
    entered('backoff', failure)
    armTimer()
  }
  const find = (uid: string): QueuedPod | undefined => active.get(uid) ?? backoff.get(uid) ?? unschedulable.get(uid)

  return {
    add: (pod) => {
      if (find(pod.uid)) return
      sequence += 1
      const nowMs = env.monotonicMs()
      const times = { sinceMs: nowMs, firstMs: nowMs, sequence }
      activate({ pod, attempts: 0, ...times, refusedBy: new Set(), gated: false, failed: false, missed: undefined }, 'UnschedulablePodAdd')
    },
    update: (pod, changes) => {
      const held = detained.get(pod.uid)
      if (held) held.pod = pod
      const queued = find(pod.uid)
      if (!queued) return
      // The priority orders the heap: out and in again.
      const heap = active.get(pod.uid) ? active : backoff.get(pod.uid) ? backoff : undefined
      heap?.remove(pod.uid)
      queued.pod = pod
      heap?.push(queued)
      if (heap) return
      const label = changes === true ? forced : ownLabel(changes)
      if (changes === true || (changes.length > 0 && helpsItself(queued, changes))) requeue(queued, label)
    },
    activate: (uids) => {
      for (const uid of uids) {
        const held = detained.get(uid)
        if (held) held.activated = true
        const queued = backoff.remove(uid) ?? unschedulable.get(uid)
        if (!queued) continue
        unschedulable.leave(queued)
        activate(queued, forced)
      }
    },
    postpone: (uid) => {
      const queued = backoff.remove(uid) ?? unschedulable.get(uid)
      if (!queued) return
      unschedulable.leave(queued)
      sitOut(queued)
    },
    remove: (uid) => {
      if (active.remove(uid) || backoff.remove(uid)) return
      const queued = unschedulable.get(uid)
      if (queued) unschedulable.leave(queued)
      const held = detained.get(uid)
      if (!held) return
      gone.add(held)
      release(held)
    },
    pop: () => {
      let queued = active.pop()
      if (!queued) {
        // As upstream since 1.33: with nothing else to do, a pod need not sit out its backoff, unless the API server failed it.
        queued = backoff.popEarly()
        if (queued) entered('active', 'PopFromBackoffQ')
      }
      if (queued) queued.attempts += 1
      return queued
    },
    detain: (queued) => {
      queued.missed = []
      queued.activated = false
      detained.set(queued.pod.uid, queued)
    },
    release: (queued) => {
      release(queued)
    },
    refused: (queued, by) => {
      const missed = release(queued)
      if (gone.has(queued)) return
      queued.sinceMs = env.monotonicMs()
      queued.refusedBy = by
      queued.failed = false
      unschedulable.rest(queued)
      // What happened while it was out of the queue may have helped already.
      const helpful = missed.find((event) => [...by].some((plugin) => helps(plugin, event, queued)))
      if (queued.activated) requeue(queued, forced)
      else if (helpful) requeue(queued, eventLabel(helpful))
      else entered('unschedulable', failure)
      armTimer()
    },
    retry: (queued) => {
      release(queued)
      if (gone.has(queued)) return
      queued.sinceMs = env.monotonicMs()
      sitOut(queued)
    },
    happened: (event, concerns = () => true) => {
      for (const queued of detained.values()) if (concerns(queued)) queued.missed?.push(event)
      if (unschedulable.size === 0) return
      for (const [plugin, held] of unschedulable.groups()) {
        if (held.size === 0) continue
        for (const queued of [...held]) {
          if (plugin !== '' && !reacts(plugin, event.on, queued.pod)) break
          if (concerns(queued) && (plugin === '' || hint(plugin, event, queued.pod))) requeue(queued, eventLabel(event))
        }
      }
    },
    has: (uid) => find(uid) !== undefined || detained.has(uid),
    get hasActive() {
      return active.size > 0
    },
    get size() {
      return active.size + backoff.size + unschedulable.size
    },
    pending: () => ({
      active: active.size,
      backoff: backoff.size,
      unschedulable: unschedulable.size - unschedulable.gated,
      gated: unschedulable.gated,
      byPlugin: unschedulable.counts(),
    }),
    close: () => {
      closed = true
      cancelTimer?.()
    },
  }
}
