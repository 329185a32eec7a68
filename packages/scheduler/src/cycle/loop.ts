import { pod as pods } from '@skiff/api'
import type { Client, EventRecorder } from '@skiff/client'
import { isRefusal } from '@skiff/machinery'
import type { Evict } from '../preempt/evict.ts'
import type { Nominations } from '../preempt/nominations.ts'
import type { Preempt } from '../preempt/preempt.ts'
import type { QueuedPod, SchedulingQueue } from '../queue/scheduling-queue.ts'
import { podInfoOf } from '../snapshot/pod-info.ts'
import type { NodeInfo } from '../snapshot/snapshot.ts'
import type { Assumed } from './assumed.ts'
import { bindPod } from './bind.ts'
import type { Begun, Decider } from './decide.ts'
import { type Diagnosis, fitErrorText, noNodesText } from './fit-error.ts'
import type { Cluster } from './framework.ts'
import { inTurn } from './in-turn.ts'
import { createSharedRefusals, type Refusal } from './shared-refusals.ts'
import { writeStatus } from './status.ts'

export interface LoopParts {
  readonly client: Client
  readonly cluster: Cluster
  readonly recorder: EventRecorder
  readonly queue: SchedulingQueue
  readonly decider: Decider
  readonly assumed: Assumed
  readonly nominations: Nominations
  readonly preempt: Preempt
  readonly evict: Evict
  /** Aborts when the scheduler stops: what only waits gives up. */
  readonly stopping: AbortSignal
}

/** Tries waiting pods one after the other; what it decided is written while the next ones are tried. */
export interface Loop {
  wake(): void
  /** Resolves when nothing is in flight any more. */
  stop(): Promise<void>
}

// No longer at a stretch: the API server may share this event loop.
const sliceMs = 5
const maxInFlight = 512

export const createLoop = (parts: LoopParts): Loop => {
  const { client, cluster, recorder, queue, decider, assumed, nominations, preempt, evict, stopping } = parts
  const { env, views } = cluster
  const takeTurn = inTurn(maxInFlight)
  const refusals = createSharedRefusals(cluster.snapshot)
  const inFlight = new Set<Promise<void>>()
  const tellings = new Map<string, Promise<void>>()
  let isAwake = false
  let stopped = false

  const track = (work: Promise<void>): void => {
    const tracked = work.catch((error) => env.log.error('scheduling', { error: String(error) })).finally(() => inFlight.delete(tracked))
    inFlight.add(tracked)
  }

  const settle = async (queued: QueuedPod, node: NodeInfo, begun: readonly Begun[]): Promise<void> => {
    const { pod } = queued
    try {
      // An older "Unschedulable" must not arrive after the binding.
      const telling = tellings.get(pod.uid)
      if (telling) await telling
      // Without an await where there is nothing to wait for: most pods have neither.
      for (const { plugin, run } of begun) {
        const allowed = run.permit?.(node.name)
        if (allowed) await named('Permit', plugin.name, allowed)
      }
      for (const { plugin, run } of begun) {
        const prepared = run.preBind?.(node.name)
        if (prepared) await named('PreBind', plugin.name, prepared)
      }
      await named(
        'Bind',
        'DefaultBinder',
        takeTurn(() => bindPod(client, env, pod.pod, node.name, stopping)),
      )
      assumed.bound(pod.uid)
      nominations.clear(pod.uid)
      recorder.event(pod.pod, 'Normal', 'Scheduled', `Successfully assigned ${pod.key} to ${node.name}`)
    } catch (error) {
      undo(queued, node, begun, error)
    }
  }
  const undo = (queued: QueuedPod, node: NodeInfo, begun: readonly Begun[], error: unknown): void => {
    const { pod } = queued
    assumed.forget(pod.uid)
    for (const { run } of begun) run.unreserve?.(node.slot)
    queue.happened({ on: 'pod-removed', pod })
    const current = views.view(pods).get(pod.key)
    // Gone, replaced, or placed already: not ours any more.
    if (
      current?.metadata.uid !== pod.uid ||
      current.spec.nodeName ||
      current.metadata.deletionTimestamp ||
      isRefusal((error as Error).cause, 404)
    )
      return
    const text = `binding rejected: ${(error as Error).message}`
    env.log.warn('binding failed', { pod: pod.key, node: node.name, error: text })
    queued.pod = podInfoOf(current)
    queue.retry(queued)
    tell(queued, 'SchedulerError', text, undefined)
  }
  const tell = (queued: QueuedPod, reason: string, message: string, nominatedNodeName: string | undefined): void => {
    const { pod } = queued.pod
    recorder.event(pod, 'Warning', 'FailedScheduling', message)
    const condition = { type: 'PodScheduled', status: 'False' as const, reason, message }
    const change = { condition, ...(nominatedNodeName !== undefined ? { nominatedNodeName } : {}) }
    const { uid } = pod.metadata
    const before = tellings.get(uid)
    const write = async () => {
      if (before) await before
      await takeTurn(() => writeStatus(client, env, pod, change))
    }
    const telling = write()
      .catch((error) => {
        // Gone, or another of its name.
        if (!isRefusal(error, 404) && !isRefusal(error, 409)) env.log.warn('status of a pod', { pod: queued.pod.key, error: String(error) })
      })
      .finally(() => {
        if (tellings.get(uid) === telling) tellings.delete(uid)
      })
    tellings.set(uid, telling)
    track(telling)
  }
  const place = (queued: QueuedPod, node: NodeInfo, begun: readonly Begun[]): void => {
    assumed.assume(queued.pod, node.name)
    for (const { run } of begun) run.reserve?.(node.slot)
    // Pods that want to be near this one need not wait for its binding.
    queue.happened({ on: 'pod-assigned', pod: queued.pod })
    track(settle(queued, node, begun))
  }
  /** Looks for victims, and says what came of it. */
  const explain = ({ pod }: QueuedPod, diagnosis: Diagnosis): Refusal => {
    const by = new Set([...diagnosis.verdicts.values()].map((verdict) => verdict.plugin))
    if (diagnosis.atBegin) by.add(diagnosis.atBegin.plugin)
    for (const plugin of diagnosis.leftOutBy) by.add(plugin)
    if (diagnosis.nodeCount === 0) return { by, text: noNodesText, nominate: undefined }
    const wasNominated = nominations.nodeOf(pod.uid) !== undefined
    const attempt = preempt(pod, diagnosis)
    const refusal = { by, text: fitErrorText(diagnosis, attempt.text), nominate: attempt.nominate }
    if (attempt.victims) track(evict(attempt.victims, pod, attempt.nominate ?? ''))
    for (const other of attempt.unpromised ?? []) queue.update(other, true)
    // A nomination that came or went changes what the next pod finds.
    if (attempt.victims || wasNominated) refusals.forget()
    else refusals.keep(pod, refusal)
    return refusal
  }
  const refuse = (queued: QueuedPod, { by, text, nominate }: Refusal): void => {
    queue.refused(queued, by)
    tell(queued, 'Unschedulable', text, nominate)
  }
  const tryOne = (queued: QueuedPod): void => {
    try {
      const known = refusals.get(queued.pod)
      if (known) {
        refuse(queued, known)
        return
      }
      const decision = decider.decide(queued.pod)
      if ('placed' in decision) place(queued, decision.placed, decision.plugins)
      else refuse(queued, explain(queued, decision.refused))
    } catch (error) {
      queue.retry(queued)
      env.log.error('a scheduling cycle failed', { pod: queued.pod.key, error: String(error) })
    }
  }
  const run = (): void => {
    refusals.forget()
    const untilMs = env.monotonicMs() + sliceMs
    for (let queued = stopped ? undefined : queue.pop(); queued; queued = queue.pop()) {
      tryOne(queued)
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
    stop: async () => {
      stopped = true
      while (inFlight.size > 0) await Promise.all(inFlight)
    },
  }
}

/** Says, as upstream, whose step failed. */
const named = async (point: string, plugin: string, step: Promise<void>): Promise<void> => {
  try {
    await step
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    throw new Error(`running ${point} plugin "${plugin}": ${text}`, { cause: error })
  }
}
