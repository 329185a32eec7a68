import type { Env } from '@skiff/machinery'
import type { PodInfo } from '../snapshot/pod-info.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'

/**
 * Pods that count on their node though no watch has shown them there yet. They leave when the watch shows them, when the binding
 * fails, or some time after a binding whose pod nobody ever saw.
 */
export interface Assumed {
  assume(pod: PodInfo, nodeName: string): void
  /** The binding is written: from now on it may expire. */
  bound(uid: string): void
  /** Takes the pod off its node again. */
  forget(uid: string): void
  has(uid: string): boolean
  nodeOf(uid: string): string | undefined
  readonly size: number
  close(): void
}

const expireMs = 900_000

export const createAssumed = (env: Env, snapshot: Snapshot): Assumed => {
  const held = new Map<string, { readonly pod: PodInfo; readonly nodeName: string; dueMs: number }>()
  let cancel: (() => void) | undefined
  const forget = (uid: string): void => {
    const entry = held.get(uid)
    if (!entry) return
    held.delete(uid)
    snapshot.removePod(entry.pod, entry.nodeName)
  }
  const arm = (): void => {
    cancel ??= env.after(expireMs, () => {
      cancel = undefined
      const nowMs = env.monotonicMs()
      for (const [uid, { dueMs }] of held) if (dueMs <= nowMs) forget(uid)
      if (held.size > 0) arm()
    })
  }
  return {
    assume: (pod, nodeName) => {
      snapshot.addPod(pod, nodeName)
      held.set(pod.uid, { pod, nodeName, dueMs: Number.POSITIVE_INFINITY })
    },
    bound: (uid) => {
      const entry = held.get(uid)
      if (!entry) return
      entry.dueMs = env.monotonicMs() + expireMs
      arm()
    },
    forget,
    has: (uid) => held.has(uid),
    nodeOf: (uid) => held.get(uid)?.nodeName,
    get size() {
      return held.size
    },
    close: () => cancel?.(),
  }
}
