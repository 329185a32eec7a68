import { pod as pods } from '@skiff/api'
import type { Client, EventRecorder } from '@skiff/client'
import { type Env, isRefusal } from '@skiff/machinery'
import { clearNomination, writeStatus } from '../cycle/status.ts'
import type { WaitingPods } from '../cycle/waiting-pods.ts'
import type { PodInfo } from '../snapshot/pod-info.ts'
import type { Evictions } from './evictions.ts'

export interface EvictParts {
  readonly client: Client
  readonly env: Env
  readonly waitingPods: WaitingPods
  readonly evictions: Evictions
}
/** Who makes the room: a profile's name and its events. */
export interface Evicting {
  readonly recorder: EventRecorder
  readonly schedulerName: string
}
/**
 * Resolves to whether the going of a victim, the last one told, will still be seen. `unpromised` are pods that lose their promise of the
 * node: their status says so too.
 */
export type Evict = (
  victims: readonly PodInfo[],
  pod: PodInfo,
  nodeName: string,
  by: Evicting,
  unpromised?: readonly PodInfo[],
) => Promise<boolean>

const falseIfGone = (error: unknown): false => {
  if (!isRefusal(error, 404) && !isRefusal(error, 409)) throw error
  return false
}

/** Deletes the victims of a preemption, each marked with why before it goes. */
export const createEvict = ({ client, env, waitingPods, evictions }: EvictParts): Evict => {
  const evictOne = async (victim: PodInfo, pod: PodInfo, nodeName: string, by: Evicting): Promise<boolean> => {
    const { recorder, schedulerName } = by
    const tell = () =>
      recorder.event(victim.pod, 'Normal', 'Preempted', `Preempted by pod ${pod.uid} on node ${nodeName}`, {
        action: 'Preempting',
        related: pod.pod,
      })
    // Not bound yet: it only gives its place back.
    const waiting = waitingPods.get(victim.uid)
    if (waiting) {
      waiting.reject('DefaultPreemption', 'preempted')
      tell()
      return true
    }
    if (victim.isTerminating) return true
    const { name, namespace = '', uid } = victim.pod.metadata
    const condition = {
      type: 'DisruptionTarget',
      status: 'True' as const,
      reason: 'PreemptionByScheduler',
      message: `${schedulerName}: preempting to accommodate a higher priority pod`,
    }
    await writeStatus(client, env, victim.pod, { condition }).catch(falseIfGone)
    const removal = client.remove(pods, { name, namespace }, { preconditions: { uid } })
    const isRemoved = await removal.then(() => true, falseIfGone)
    tell()
    return isRemoved
  }
  const takeBack = ({ pod }: PodInfo): Promise<unknown> =>
    clearNomination(client, pod).catch((error) => {
      if (!isRefusal(error, 404) && !isRefusal(error, 409))
        env.log.warn('nomination of a pod', { pod: pod.metadata.name, error: String(error) })
    })
  return async (victims, pod, nodeName, by, unpromised = []) => {
    evictions.begin(pod, victims)
    try {
      await Promise.all(unpromised.map(takeBack))
      // As upstream: the preemptor is tried again when the last of them goes, so that one goes when it may be.
      await Promise.all(victims.slice(0, -1).map((victim) => evictOne(victim, pod, nodeName, by)))
      evictions.ready(pod)
      const last = victims.at(-1)
      return last ? await evictOne(last, pod, nodeName, by) : false
    } catch (error) {
      evictions.ready(pod)
      evictions.failed(victims)
      throw error
    }
  }
}
