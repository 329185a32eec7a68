import type { Pod } from '@skiff/api'
import type { PodInfo } from '../snapshot/pod-info.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'

/**
 * Pods that count on their node though no watch has shown them there yet. They leave when the watch shows them there or gone, or when
 * the binding fails; never by time, as upstream: a watch that lags must not have their room given away.
 */
export interface Assumed {
  assume(pod: PodInfo, nodeName: string): void
  /** Takes the pod off its node again. */
  forget(uid: string): void
  /** The watch shows the pod on its node, with nothing else new: it stays there. Undefined: it is not as was assumed. */
  confirm(next: Pod, nodeName: string): PodInfo | undefined
  has(uid: string): boolean
  nodeOf(uid: string): string | undefined
  readonly size: number
}

/** Whether `next` is `pod` bound, told without a look into what both share. */
const isBinding = (pod: Pod, next: Pod): boolean => {
  const { metadata, spec, status } = pod
  if (next.metadata.labels !== metadata.labels || next.metadata.deletionTimestamp !== metadata.deletionTimestamp) return false
  if (status?.containerStatuses || next.status?.containerStatuses) return false
  const keys = Object.keys(next.spec) as (keyof Pod['spec'])[]
  const lacked = spec.nodeName === undefined ? 1 : 0
  return keys.length === Object.keys(spec).length + lacked && keys.every((key) => key === 'nodeName' || next.spec[key] === spec[key])
}

export const createAssumed = (snapshot: Snapshot): Assumed => {
  const held = new Map<string, { readonly pod: PodInfo; readonly nodeName: string }>()
  const forget = (uid: string): void => {
    const entry = held.get(uid)
    if (!entry) return
    held.delete(uid)
    snapshot.removePod(entry.pod, entry.nodeName)
  }
  return {
    assume: (pod, nodeName) => {
      snapshot.addPod(pod, nodeName)
      held.set(pod.uid, { pod, nodeName })
    },
    forget,
    confirm: (pod, nodeName) => {
      const { uid } = pod.metadata
      const entry = held.get(uid)
      if (!entry || entry.nodeName !== nodeName || !isBinding(entry.pod.pod, pod)) return undefined
      const next = { ...entry.pod, pod }
      if (!snapshot.renewPod(entry.pod, next, nodeName)) return undefined
      held.delete(uid)
      return next
    },
    has: (uid) => held.has(uid),
    nodeOf: (uid) => held.get(uid)?.nodeName,
    get size() {
      return held.size
    },
  }
}
