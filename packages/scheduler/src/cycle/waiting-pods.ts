import { durationTextMs, type Env } from '@skiff/machinery'
import type { PodInfo } from '../snapshot/pod-info.ts'
import { unschedulable, type Verdict } from './framework.ts'

/** A pod with a node whose binding one or several plugins hold back. */
export interface WaitingPod {
  readonly pod: PodInfo
  readonly nodeName: string
  /** The plugins that have not allowed it yet. */
  readonly pending: readonly string[]
  /** The pod is bound once no plugin holds it back. */
  allow(plugin: string): void
  reject(plugin: string, message: string): void
}

/** The pods that wait at Permit. */
export interface WaitingPods {
  get(uid: string): WaitingPod | undefined
  list(): Iterable<WaitingPod>
}

export interface WaitingRoom extends WaitingPods {
  /** Resolves when every plugin has allowed the pod, with undefined, or with the verdict of the first that rejects it. */
  wait(pod: PodInfo, nodeName: string, holds: ReadonlyMap<string, number>): Promise<Verdict | undefined>
  close(): void
}

/** In place of a plugin's name: the pod is gone, or the scheduler stops. Nobody is told. */
export const nobody = ''

// Upstream's longest wait, whatever a plugin asks for.
const maxWaitMs = 900_000

export const createWaitingRoom = (env: Env): WaitingRoom => {
  const held = new Map<string, WaitingPod>()
  return {
    get: (uid) => held.get(uid),
    list: () => held.values(),
    wait: (pod, nodeName, holds) => {
      const { promise, resolve } = Promise.withResolvers<Verdict | undefined>()
      const timers = new Map<string, () => void>()
      const end = (verdict: Verdict | undefined): void => {
        for (const cancel of timers.values()) cancel()
        timers.clear()
        if (held.get(pod.uid) === waiting) held.delete(pod.uid)
        resolve(verdict)
      }
      const waiting: WaitingPod = {
        pod,
        nodeName,
        get pending() {
          return [...timers.keys()]
        },
        allow: (plugin) => {
          timers.get(plugin)?.()
          if (timers.delete(plugin) && timers.size === 0) end(undefined)
        },
        reject: (plugin, message) => end(unschedulable(plugin, message)),
      }
      for (const [plugin, askedMs] of holds) {
        const waitMs = Math.min(askedMs, maxWaitMs)
        const text = `rejected due to timeout after waiting ${durationTextMs(waitMs)} at plugin ${plugin}`
        timers.set(
          plugin,
          env.after(waitMs, () => waiting.reject(plugin, text)),
        )
      }
      held.set(pod.uid, waiting)
      return promise
    },
    close: () => {
      for (const waiting of [...held.values()]) waiting.reject(nobody, 'the scheduler stops')
    },
  }
}
