import type { Job, Pod } from '@skiff/api'
import { isActive, isReady } from '../pods.ts'
import { matchPolicy } from './failure-policy.ts'
import { parseIndexes } from './indexes.ts'

export const trackingFinalizer = 'batch.kubernetes.io/job-tracking'
export const indexAnnotation = 'batch.kubernetes.io/job-completion-index'

/** What the pods of a Job amount to. A pod that ended is counted once: its finalizer is kept until the status knows of it. */
export interface Tally {
  readonly active: readonly Pod[]
  /** Being deleted, but not ended. */
  readonly terminating: number
  readonly ready: number
  readonly succeeded: number
  readonly failed: number
  /** Of an indexed Job: the indexes that are done. */
  readonly doneIndexes: readonly number[]
  /** Ended pods that the status does not know of yet, by uid. */
  readonly freshSucceeded: readonly string[]
  readonly freshFailed: readonly string[]
  /** Pods whose finalizer may go once the status knows of them. */
  readonly release: readonly Pod[]
  /** The first failure that the pod failure policy ends the Job for. */
  readonly fatal: string | undefined
}

export const isTracked = (pod: Pod): boolean => pod.metadata.finalizers?.includes(trackingFinalizer) === true
export const indexOf = (pod: Pod): number | undefined => {
  const text = pod.metadata.annotations?.[indexAnnotation]
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined
}
export const isIndexed = (job: Job): boolean => job.spec.completionMode === 'Indexed'

/** Pods that are being deleted may be replaced at once, unless the Job asks to wait until they ended. */
export const waitsForEnd = (job: Job): boolean =>
  (job.spec.podReplacementPolicy ?? (job.spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed')) === 'Failed'

const hasFailed = (job: Job, pod: Pod): boolean => {
  if (pod.status?.phase === 'Failed') return true
  if (waitsForEnd(job)) return false
  // A pod that is deleted, and never reaches an end of its own, counts as a failure.
  return pod.metadata.deletionTimestamp !== undefined && pod.status?.phase !== 'Succeeded'
}

export const tallyOf = (job: Job, mine: readonly Pod[]): Tally => {
  const known = job.status?.uncountedTerminatedPods
  const counted = { succeeded: new Set(known?.succeeded), failed: new Set(known?.failed) }
  const done = new Set(isIndexed(job) ? parseIndexes(job.status?.completedIndexes, job.spec.completions ?? 0) : [])
  const freshSucceeded: string[] = []
  const freshFailed: string[] = []
  const release: Pod[] = []
  let fatal: string | undefined
  for (const pod of mine.filter(isTracked)) {
    const { uid } = pod.metadata
    if (pod.status?.phase === 'Succeeded') {
      release.push(pod)
      const index = indexOf(pod)
      if (!isIndexed(job)) {
        if (!counted.succeeded.has(uid)) freshSucceeded.push(uid)
      } else if (index !== undefined && index < (job.spec.completions ?? 0)) done.add(index)
    } else if (hasFailed(job, pod)) {
      release.push(pod)
      const match = pod.status?.phase === 'Failed' ? matchPolicy(job, pod) : undefined
      if (match?.action === 'FailJob') fatal ??= match.message
      if (match?.action !== 'Ignore' && !counted.failed.has(uid)) freshFailed.push(uid)
    } else if (job.metadata.deletionTimestamp !== undefined) release.push(pod)
  }
  const active = mine.filter(isActive)
  return {
    active,
    terminating: mine.filter(
      (pod) => pod.metadata.deletionTimestamp !== undefined && !['Succeeded', 'Failed'].includes(pod.status?.phase ?? ''),
    ).length,
    ready: active.filter(isReady).length,
    succeeded: isIndexed(job) ? done.size : (job.status?.succeeded ?? 0) + counted.succeeded.size + freshSucceeded.length,
    failed: (job.status?.failed ?? 0) + counted.failed.size + freshFailed.length,
    doneIndexes: [...done],
    freshSucceeded,
    freshFailed,
    release,
    fatal,
  }
}
