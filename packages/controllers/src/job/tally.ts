import type { Job, Pod } from '@skiff/api'
import { isActive, isReady } from '../pods.ts'
import { matchPolicy } from './failure-policy.ts'
import { failsIndex, lastFailures } from './index-failures.ts'
import { indexOf, isIndexed, parseIndexes } from './indexes.ts'

export const trackingFinalizer = 'batch.kubernetes.io/job-tracking'

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
  /** Of an indexed Job with a limit for each index: the indexes that failed for good; undefined for all others. */
  readonly failedIndexes: readonly number[] | undefined
  /** By index that is to be tried again, the pod that failed last. */
  readonly lastFailures: ReadonlyMap<number, Pod>
  /** Ended pods that the status does not know of yet, by uid. */
  readonly freshSucceeded: readonly string[]
  readonly freshFailed: readonly string[]
  /** Pods whose finalizer may go once the status knows of them. */
  readonly release: readonly Pod[]
  /** The first failure that the pod failure policy ends the Job for. */
  readonly fatal: string | undefined
}

export const isTracked = (pod: Pod): boolean => pod.metadata.finalizers?.includes(trackingFinalizer) === true
/** Pods that are being deleted may be replaced at once, unless the Job asks to wait until they ended. */
export const waitsForEnd = (job: Job): boolean =>
  (job.spec.podReplacementPolicy ?? (job.spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed')) === 'Failed'

const hasFailed = (job: Job, pod: Pod): boolean => {
  if (pod.status?.phase === 'Failed') return true
  if (waitsForEnd(job)) return false
  // A pod that is deleted, and never reaches an end of its own, counts as a failure.
  return pod.metadata.deletionTimestamp !== undefined && pod.status?.phase !== 'Succeeded'
}

/** `isEnding`: nothing is tried again, so no failure is kept for its successor. */
export const tallyOf = (job: Job, mine: readonly Pod[], isEnding = hasVerdict(job)): Tally => {
  const known = job.status?.uncountedTerminatedPods
  const counted = { succeeded: new Set(known?.succeeded), failed: new Set(known?.failed) }
  const { done, failedIndexes, retried } = tallyIndexes(job, mine, isEnding)
  const kept = new Set(retried.values())
  const freshSucceeded: string[] = []
  const freshFailed: string[] = []
  const release: Pod[] = []
  let keptFailures = 0
  let fatal: string | undefined
  for (const pod of mine.filter(isTracked)) {
    const { uid } = pod.metadata
    if (pod.status?.phase === 'Succeeded') {
      release.push(pod)
      if (!isIndexed(job) && !counted.succeeded.has(uid)) freshSucceeded.push(uid)
    } else if (hasFailed(job, pod)) {
      const match = pod.status?.phase === 'Failed' ? matchPolicy(job, pod) : undefined
      const isNew = match?.action !== 'Ignore' && !counted.failed.has(uid)
      if (match?.action === 'FailJob') fatal ??= match.message
      if (kept.has(pod)) keptFailures += isNew ? 1 : 0
      else {
        release.push(pod)
        if (isNew) freshFailed.push(uid)
      }
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
    failed: (job.status?.failed ?? 0) + counted.failed.size + freshFailed.length + keptFailures,
    doneIndexes: [...done],
    failedIndexes,
    lastFailures: retried,
    freshSucceeded,
    freshFailed,
    release,
    fatal,
  }
}

const hasVerdict = (job: Job): boolean =>
  job.status?.conditions?.some((one) => (one.type === 'FailureTarget' || one.type === 'SuccessCriteriaMet') && one.status === 'True') ===
  true

/** Which indexes are done, which failed for good, and which are to be tried again. */
const tallyIndexes = (job: Job, mine: readonly Pod[], isEnding: boolean) => {
  const { completions = 0, backoffLimitPerIndex: limit } = job.spec
  const none: ReadonlyMap<number, Pod> = new Map()
  if (!isIndexed(job)) return { done: new Set<number>(), failedIndexes: undefined, retried: none }
  const done = new Set(parseIndexes(job.status?.completedIndexes, completions))
  const failedPods: Pod[] = []
  for (const pod of mine.filter(isTracked)) {
    const index = indexOf(pod)
    if (pod.status?.phase === 'Succeeded' && index !== undefined && index < completions) done.add(index)
    else if (hasFailed(job, pod)) failedPods.push(pod)
  }
  if (limit === undefined) return { done, failedIndexes: undefined, retried: none }
  const failed = new Set(parseIndexes(job.status?.failedIndexes, completions))
  for (const pod of failedPods) {
    const index = indexOf(pod)
    // Stopped because the Job ends, not of its own failure.
    if (isEnding && pod.status?.phase !== 'Failed') continue
    if (index !== undefined && index < completions && !done.has(index) && failsIndex(job, pod, limit)) failed.add(index)
  }
  const isLeaving = isEnding || job.metadata.deletionTimestamp !== undefined
  const isOver = (index: number) => isLeaving || index >= completions || done.has(index) || failed.has(index)
  return { done, failedIndexes: [...failed], retried: lastFailures(failedPods, mine, isOver) }
}
