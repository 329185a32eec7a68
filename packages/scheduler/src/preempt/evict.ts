import { pod as pods } from '@skiff/api'
import type { Client, EventRecorder } from '@skiff/client'
import { type Env, isRefusal } from '@skiff/machinery'
import { writeStatus } from '../cycle/status.ts'
import type { WaitingPods } from '../cycle/waiting-pods.ts'
import type { PodInfo } from '../snapshot/pod-info.ts'

export interface EvictParts {
  readonly client: Client
  readonly env: Env
  readonly waitingPods: WaitingPods
}
/** Who makes the room: a profile's name and its events. */
export interface Evicting {
  readonly recorder: EventRecorder
  readonly schedulerName: string
}
export type Evict = (victims: readonly PodInfo[], pod: PodInfo, nodeName: string, by: Evicting) => Promise<void>

const ignoreGone = (error: unknown): void => {
  if (!isRefusal(error, 404) && !isRefusal(error, 409)) throw error
}

/** Deletes the victims of a preemption, each marked with why before it goes. */
export const createEvict = ({ client, env, waitingPods }: EvictParts): Evict => {
  const evictOne = async (victim: PodInfo, pod: PodInfo, nodeName: string, by: Evicting): Promise<void> => {
    const { recorder, schedulerName } = by
    // Not bound yet: it only gives its place back.
    const waiting = waitingPods.get(victim.uid)
    if (waiting) {
      waiting.reject('DefaultPreemption', 'preempted')
      return
    }
    if (victim.isTerminating) return
    const { name, namespace = '', uid } = victim.pod.metadata
    const condition = {
      type: 'DisruptionTarget',
      status: 'True' as const,
      reason: 'PreemptionByScheduler',
      message: `${schedulerName}: preempting to accommodate a higher priority pod`,
    }
    await writeStatus(client, env, victim.pod, { condition }).catch(ignoreGone)
    await client.remove(pods, { name, namespace }, { preconditions: { uid } }).catch(ignoreGone)
    recorder.event(victim.pod, 'Normal', 'Preempted', `Preempted by pod ${pod.uid} on node ${nodeName}`)
  }
  return async (victims, pod, nodeName, by) => {
    await Promise.all(victims.map((victim) => evictOne(victim, pod, nodeName, by)))
  }
}
