import { pod as pods } from '@skiff/api'
import { isRefusal } from '@skiff/machinery'
import type { Extender } from '../extender/extender.ts'
import type { SchedulerMetrics } from '../metrics/scheduler-metrics.ts'
import type { Nominations } from '../preempt/nominations.ts'
import type { Speaking } from '../profile/profile.ts'
import type { QueuedPod } from '../queue/queued-pod.ts'
import type { SchedulingQueue } from '../queue/scheduling-queue.ts'
import { podInfoOf } from '../snapshot/pod-info.ts'
import type { NodeInfo } from '../snapshot/snapshot.ts'
import type { Assumed } from './assumed.ts'
import type { Begun } from './begin.ts'
import { fitErrorText } from './fit-error.ts'
import { type Cluster, unschedulable, type Verdict } from './framework.ts'
import type { Teller } from './tell.ts'
import { nobody, type WaitingRoom } from './waiting-pods.ts'

export interface SettleParts {
  readonly cluster: Cluster
  readonly queue: SchedulingQueue
  readonly assumed: Assumed
  readonly nominations: Nominations
  readonly waitingRoom: WaitingRoom
  readonly teller: Teller
  readonly extenders: readonly Extender[]
  readonly metrics: SchedulerMetrics
  readonly track: (work: Promise<void>) => void
}

/** A pod with the node that was chosen for it. */
export interface Placement {
  readonly queued: QueuedPod
  readonly node: NodeInfo
  readonly begun: readonly Begun[]
  readonly by: Speaking
  /** When its cycle began. */
  readonly sinceMs: number
}

/** Reserve, Permit, PreBind, Bind and PostBind: from the choice of a node to the pod's being there, or to its way back. */
export const createSettle = (parts: SettleParts): ((placement: Placement) => void) => {
  const { cluster, queue, assumed, nominations, waitingRoom, teller, extenders, metrics, track } = parts
  const { env, views } = cluster

  /** Its promise of a node goes as well, as upstream: the next try begins anew. */
  const giveBack = ({ queued, node, begun }: Placement): void => {
    assumed.forget(queued.pod.uid)
    nominations.clear(queued.pod.uid)
    for (const { enabled, run } of begun.toReversed()) if (enabled.at.reserve) run.unreserve?.(node.slot)
  }
  /** The pod as it is now, when it still waits for a node. */
  const stillWanted = ({ queued: { pod } }: Placement) => {
    const current = views.view(pods).get(pod.key)
    const isOurs = current?.metadata.uid === pod.uid && !current.spec.nodeName && !current.metadata.deletionTimestamp
    return isOurs ? current : undefined
  }
  /** A plugin took the decision back: as upstream, told as a refusal of the one node. */
  const refuse = (placement: Placement, verdict: Verdict): void => {
    const { queued, node, by, sinceMs } = placement
    giveBack(placement)
    queue.happened({ on: 'pod-removed', pod: queued.pod }, (other) => other !== queued)
    if (verdict.plugin === nobody) {
      queue.release(queued)
      return
    }
    metrics.attempted(by.profile.schedulerName, 'unschedulable', env.monotonicMs() - sinceMs)
    const current = stillWanted(placement)
    if (!current) {
      queue.release(queued)
      return
    }
    queued.pod = podInfoOf(current)
    queue.refused(queued, new Set([verdict.plugin]))
    const message = fitErrorText({ nodeCount: 1, verdicts: new Map([[node.slot, verdict]]), leftOutBy: [] })
    teller.tell(queued.pod, by, { reason: 'Unschedulable', message, nominatedNodeName: '' })
  }
  const fail = (placement: Placement, error: unknown): void => {
    const { queued, node, by, sinceMs } = placement
    giveBack(placement)
    queue.happened({ on: 'pod-removed', pod: queued.pod }, (other) => other !== queued)
    metrics.attempted(by.profile.schedulerName, 'error', env.monotonicMs() - sinceMs)
    const current = stillWanted(placement)
    if (!current || isRefusal((error as Error).cause, 404)) {
      queue.release(queued)
      return
    }
    const { message } = error as Error
    env.log.warn('binding failed', { pod: queued.pod.key, node: node.name, error: message })
    queued.pod = podInfoOf(current)
    queue.retry(queued)
    teller.tell(queued.pod, by, { reason: 'SchedulerError', message, nominatedNodeName: '' })
  }
  /** Undefined: nobody holds the pod back. */
  const permit = ({ queued, node, begun }: Placement): Verdict | ReadonlyMap<string, number> | undefined => {
    let holds: Map<string, number> | undefined
    for (const { enabled, run } of begun) {
      const answer = enabled.at.permit ? run.permit?.(node.name) : undefined
      if (!answer) continue
      if ('deny' in answer) return unschedulable(enabled.plugin.name, answer.deny)
      holds ??= new Map()
      holds.set(enabled.plugin.name, answer.waitMs)
    }
    if (holds) queue.detain(queued)
    return holds
  }
  const waitFor = async ({ queued, node }: Placement, holds: ReadonlyMap<string, number>): Promise<Verdict | undefined> => {
    const sinceMs = env.monotonicMs()
    const verdict = await waitingRoom.wait(queued.pod, node.name, holds)
    metrics.permitWaited(verdict ? 'Unschedulable' : 'Success', env.monotonicMs() - sinceMs)
    return verdict
  }
  const bind = async ({ queued: { pod }, node, by }: Placement): Promise<void> => {
    for (const extender of extenders) {
      if (!extender.binds || !extender.isInterested(pod.pod)) continue
      try {
        return await extender.bind(pod.pod, node.name)
      } catch (error) {
        if (!extender.isIgnorable) throw error
        env.log.warn('an extender failed and is passed over', { extender: extender.name, error: String(error) })
      }
    }
    for (const plugin of by.profile.bind)
      if (await named('Bind', plugin.name, plugin.bind?.(pod.pod, node.name) ?? Promise.resolve(false))) return
    throw new Error('no bind plugin took the pod')
  }
  const settle = async (placement: Placement, holds: ReadonlyMap<string, number> | undefined): Promise<void> => {
    const { queued, node, begun, by, sinceMs } = placement
    const { pod } = queued
    const { schedulerName, postBind } = by.profile
    try {
      const telling = teller.before(pod.uid)
      if (telling) await telling
      // Without an await where there is nothing to wait for: most pods have neither.
      const verdict = holds && (await waitFor(placement, holds))
      if (verdict) {
        refuse(placement, verdict)
        return
      }
      for (const { enabled, run } of begun) {
        const prepared = enabled.at.preBind ? run.preBind?.(node.name) : undefined
        if (prepared) await named('PreBind', enabled.plugin.name, prepared)
      }
      const bindMs = env.monotonicMs()
      await bind(placement)
      const nowMs = env.monotonicMs()
      nominations.clear(pod.uid)
      if (holds) queue.release(queued)
      metrics.ran('Bind', schedulerName, 'Success', nowMs - bindMs)
      metrics.attempted(schedulerName, 'scheduled', nowMs - sinceMs)
      metrics.bound(queued.attempts, nowMs - queued.firstMs)
      by.recorder.event(pod.pod, 'Normal', 'Scheduled', `Successfully assigned ${pod.key} to ${node.name}`, { action: 'Binding' })
      for (const plugin of postBind) plugin.postBind?.(pod.pod, node.name)
    } catch (error) {
      fail(placement, error)
    }
  }
  return (placement) => {
    const { queued, node, begun } = placement
    assumed.assume(queued.pod, node.name)
    for (const { enabled, run } of begun) {
      const verdict = enabled.at.reserve ? run.reserve?.(node.slot) : undefined
      if (verdict) return refuse(placement, verdict)
    }
    const answer = permit(placement)
    if (answer && 'reasons' in answer) return refuse(placement, answer)
    // Pods that want to be near this one need not wait for its binding.
    queue.happened({ on: 'pod-assigned', pod: queued.pod }, (other) => other !== queued)
    track(settle(placement, answer))
  }
}

/** Says, as upstream, whose step failed. */
const named = async <T>(point: string, plugin: string, step: Promise<T>): Promise<T> => {
  try {
    return await step
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    throw new Error(`running ${point} plugin "${plugin}": ${text}`, { cause: error })
  }
}
