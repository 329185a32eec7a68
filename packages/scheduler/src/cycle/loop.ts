import { decideWith } from '../extender/consult.ts'
import type { Extender } from '../extender/extender.ts'
import type { SchedulerMetrics } from '../metrics/scheduler-metrics.ts'
import type { Evict } from '../preempt/evict.ts'
import type { Nominations } from '../preempt/nominations.ts'
import type { Speaking } from '../profile/profile.ts'
import type { QueuedPod } from '../queue/queued-pod.ts'
import type { SchedulingQueue } from '../queue/scheduling-queue.ts'
import type { Decider, Decision } from './decide.ts'
import { fitErrorText, noNodesText } from './fit-error.ts'
import type { Attempt, Cluster, Diagnosis } from './framework.ts'
import type { Placement } from './settle.ts'
import { createSharedRefusals, type Refusal } from './shared-refusals.ts'
import type { Teller } from './tell.ts'

/** A profile and what decides by it. */
export interface Deciding extends Speaking {
  readonly decider: Decider
}

export interface LoopParts {
  readonly cluster: Cluster
  /** By scheduler name. */
  readonly profiles: ReadonlyMap<string, Deciding>
  readonly queue: SchedulingQueue
  readonly nominations: Nominations
  readonly extenders: readonly Extender[]
  readonly metrics: SchedulerMetrics
  readonly teller: Teller
  readonly settle: (placement: Placement) => void
  readonly evict: Evict
  readonly track: (work: Promise<void>) => void
}

/** Tries waiting pods one after the other; what it decided is written while the next ones are tried. */
export interface Loop {
  wake(): void
  /** Takes no more pods. */
  stop(): void
}

// No longer at a stretch: the API server may share this event loop.
const sliceMs = 5

export const createLoop = (parts: LoopParts): Loop => {
  const { cluster, profiles, queue, nominations, extenders, metrics, teller, settle, evict, track } = parts
  const { env } = cluster
  const refusals = createSharedRefusals(cluster.snapshot)
  let isAwake = false
  let stopped = false

  /** What a pod is told and by whom it was refused, once PostFilter has said its part. */
  const refusalOf = (queued: QueuedPod, by: Deciding, diagnosis: Diagnosis, attempt: Attempt, wasNominated: boolean): Refusal => {
    const { pod } = queued
    const names = new Set([...diagnosis.verdicts.values()].map((verdict) => verdict.plugin))
    if (diagnosis.atBegin) names.add(diagnosis.atBegin.plugin)
    for (const plugin of diagnosis.leftOutBy) names.add(plugin)
    const refusal = { by: names, text: fitErrorText(diagnosis, attempt.text), nominate: attempt.nominate }
    const speaking = { recorder: by.recorder, schedulerName: by.profile.schedulerName }
    const sinceMs = env.monotonicMs()
    const evicted = (result: 'success' | 'error') => metrics.preempted(result, env.monotonicMs() - sinceMs)
    if (attempt.victims)
      track(
        evict(attempt.victims, pod, attempt.nominate ?? '', speaking, attempt.unpromised).then(
          // Where nobody's going will bring the pod back, it tries again.
          (isFollowed) => {
            evicted('success')
            if (!isFollowed) queue.activate([pod.uid])
          },
          (error) => {
            evicted('error')
            env.log.warn('preemption failed', { pod: pod.key, node: attempt.nominate, error: String(error) })
            nominations.clear(pod.uid)
            refusals.forget()
            // Upstream tries at once; a server that refuses for good would be asked without a pause.
            queue.postpone(pod.uid)
          },
        ),
      )
    for (const other of attempt.unpromised ?? []) queue.update(other, true)
    // A nomination that came or went changes what the next pod finds.
    if (attempt.nominate || wasNominated) refusals.forget()
    else if (by.profile.isInTree && extenders.length === 0) refusals.keep(pod, refusal)
    return refusal
  }
  /** Looks for room, and says what came of it; a promise when a plugin or an extender takes its time. */
  const explain = (queued: QueuedPod, by: Deciding, diagnosis: Diagnosis): Refusal | Promise<Refusal> => {
    if (diagnosis.nodeCount === 0) return { by: new Set(), text: noNodesText, nominate: '' }
    const wasNominated = nominations.nodeOf(queued.pod.uid) !== undefined
    const sinceMs = env.monotonicMs()
    const attempt = lookForRoom(by, queued, diagnosis)
    const done = (found: Attempt): Refusal => {
      metrics.ran('PostFilter', by.profile.schedulerName, found.nominate ? 'Success' : 'Unschedulable', env.monotonicMs() - sinceMs)
      return refusalOf(queued, by, diagnosis, found, wasNominated)
    }
    // As upstream: what went wrong there is told beside the refusal.
    const failed = (error: unknown): Refusal => done({ text: error instanceof Error ? error.message : String(error) })
    return attempt instanceof Promise ? attempt.then(done, failed) : done(attempt)
  }
  const refuse = (queued: QueuedPod, by: Deciding, { by: plugins, text, nominate }: Refusal, sinceMs: number): void => {
    queue.refused(queued, plugins)
    metrics.attempted(by.profile.schedulerName, 'unschedulable', env.monotonicMs() - sinceMs)
    teller.tell(queued.pod, by, { reason: 'Unschedulable', message: text, nominatedNodeName: nominate })
  }
  const fail = (queued: QueuedPod, by: Deciding, error: unknown, sinceMs: number): void => {
    nominations.clear(queued.pod.uid)
    queue.retry(queued)
    metrics.attempted(by.profile.schedulerName, 'error', env.monotonicMs() - sinceMs)
    env.log.error('a scheduling cycle failed', { pod: queued.pod.key, error: String(error) })
    const message = error instanceof Error ? error.message : String(error)
    teller.tell(queued.pod, by, { reason: 'SchedulerError', message, nominatedNodeName: '' })
  }
  const conclude = (queued: QueuedPod, by: Deciding, decision: Decision, sinceMs: number): Promise<void> | undefined => {
    if ('placed' in decision) {
      metrics.decided(env.monotonicMs() - sinceMs)
      settle({ queued, node: decision.placed, begun: decision.plugins, by, sinceMs })
      return undefined
    }
    const refusal = explain(queued, by, decision.refused)
    if (!(refusal instanceof Promise)) {
      refuse(queued, by, refusal, sinceMs)
      return undefined
    }
    return refusal.then((found) => refuse(queued, by, found, sinceMs))
  }
  /** A promise when others than the plugins decide too; then the next pod waits for it. */
  const tryOne = (queued: QueuedPod): Promise<void> | undefined => {
    const sinceMs = env.monotonicMs()
    const by = profiles.get(queued.pod.pod.spec.schedulerName ?? 'default-scheduler')
    if (!by) return undefined
    const failed = (error: unknown): void => fail(queued, by, error, sinceMs)
    try {
      const known = refusals.get(queued.pod)
      if (known) {
        refuse(queued, by, known, sinceMs)
        return undefined
      }
      const asked = extenders.length > 0 ? extenders.filter((each) => each.isInterested(queued.pod.pod)) : extenders
      if (asked.some((each) => each.filters || each.prioritizes)) {
        queue.detain(queued)
        const decided = decideWith(by.decider, asked, queued.pod, cluster)
        return decided.then((decision) => conclude(queued, by, decision, sinceMs)).catch(failed)
      }
      return conclude(queued, by, by.decider.decide(queued.pod), sinceMs)?.catch(failed)
    } catch (error) {
      failed(error)
      return undefined
    }
  }
  const run = (): void => {
    refusals.forget()
    const untilMs = env.monotonicMs() + sliceMs
    for (let queued = stopped ? undefined : queue.pop(); queued; queued = queue.pop()) {
      const pending = tryOne(queued)
      if (pending) {
        track(pending.then(run))
        return
      }
      if (env.monotonicMs() < untilMs) continue
      setImmediate(run)
      return
    }
    isAwake = false
  }
  return {
    wake: () => {
      if (isAwake || stopped) return
      isAwake = true
      // Once the batch of changes that woke it is applied as a whole.
      queueMicrotask(run)
    },
    stop: () => {
      stopped = true
    },
  }
}

/** Asks the PostFilter plugins in turn until one nominates a node; what the others had to say is told together. */
const lookForRoom = ({ profile: { postFilter } }: Speaking, { pod }: QueuedPod, diagnosis: Diagnosis): Attempt | Promise<Attempt> => {
  const first = postFilter[0]?.postFilter
  if (!first) return { text: '', nominate: '' }
  if (postFilter.length === 1) return first(pod, diagnosis)
  return (async () => {
    const texts: string[] = []
    let last: Attempt = { text: '' }
    let nominate: string | undefined
    for (const plugin of postFilter) {
      last = (await plugin.postFilter?.(pod, diagnosis)) ?? last
      if (last.nominate) return last
      nominate = last.nominate ?? nominate
      if (last.text) texts.push(last.text)
    }
    return { ...last, ...(nominate === undefined ? {} : { nominate }), text: texts.join(', ') }
  })()
}
