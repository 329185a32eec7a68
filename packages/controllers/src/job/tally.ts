import type { Job, Pod } from '@skiff/api'
import { isActive, isFinished } from '../pods.ts'
import { matchPolicy } from './failure-policy.ts'
import { failsIndex, lastFailures } from './index-failures.ts'
import { indexOf, isIndexed, parseIndexes } from './indexes.ts'

export const trackingFinalizer = 'batch.kubernetes.io/job-tracking'
// As upstream: so many uids make 20 KB of status.
const mostUncounted = 500

/** What the pods of a Job amount to. A pod that ended is counted once: its finalizer is kept until the status knows of it. */
export interface Tally {
  readonly active: readonly Pod[]
  /** Those that run or wait to, also on their way out. */
  readonly unfinished: readonly Pod[]
  /** Being deleted, but not ended. */
  readonly terminating: number
  readonly succeeded: number
  readonly failed: number
  /** Of an indexed Job: the indexes that are done. */
  readonly doneIndexes: readonly number[]
  /** Of an indexed Job with a limit for each index: the indexes that failed for good; undefined for all others. */
  readonly failedIndexes: readonly number[] | undefined
  /** By index that is to be tried again, the pod that failed last. */
  readonly lastFailures: ReadonlyMap<number, Pod>
  /** Pods that ended, and of which the status does not know. */
  readonly ended: { readonly succeeded: readonly Pod[]; readonly failed: readonly Pod[] }
  /** Of them, by uid, what the status is to list now. */
  readonly freshSucceeded: readonly string[]
  readonly freshFailed: readonly string[]
  /** Pods whose finalizer may go once the status knows of them. */
  readonly release: readonly Pod[]
  /** There are more than one status may list. */
  readonly isPartial: boolean
  /** Pods that have their finalizer, by uid. */
  readonly tracked: ReadonlySet<string>
  /** The first failure that the pod failure policy ends the Job for. */
  readonly fatal: string | undefined
}

/** How a Job ends: its pods are let go, and those that run on count as failed where it fails. */
export type Ending = 'failed' | 'succeeded'

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

/** Of an indexed Job only pods with one of its indexes count. */
const isValid = (job: Job, pod: Pod): boolean => !isIndexed(job) || (indexOf(pod) ?? Number.POSITIVE_INFINITY) < (job.spec.completions ?? 0)
const isIgnored = (job: Job, pod: Pod): boolean => matchPolicy(job, pod)?.action === 'Ignore'
const isSucceeded = (pod: Pod): boolean => pod.status?.phase === 'Succeeded'

export const tallyOf = (job: Job, mine: readonly Pod[], ending?: Ending): Tally => {
  const known = job.status?.uncountedTerminatedPods
  const counted = { succeeded: new Set(known?.succeeded), failed: new Set(known?.failed) }
  const tracked = mine.filter(isTracked)
  const indexes = tallyIndexes(job, mine, tracked, ending !== undefined)
  const valid = tracked.filter((pod) => isValid(job, pod))
  const ended = {
    succeeded: valid.filter((pod) => isSucceeded(pod) && !counted.succeeded.has(pod.metadata.uid)),
    failed: valid.filter((pod) => hasFailed(job, pod) && !counted.failed.has(pod.metadata.uid)),
  }
  const { succeeded = 0, failed = 0 } = job.status ?? {}
  return {
    ...listing(job, tracked, counted, new Set(indexes.retried.values()), ending),
    active: mine.filter(isActive),
    unfinished: mine.filter((pod) => !isFinished(pod)),
    terminating: mine.filter((pod) => pod.metadata.deletionTimestamp !== undefined && !isFinished(pod)).length,
    succeeded: isIndexed(job) ? indexes.done.size : succeeded + counted.succeeded.size + ended.succeeded.length,
    failed: failed + counted.failed.size + ended.failed.filter((pod) => !isIgnored(job, pod)).length,
    doneIndexes: [...indexes.done],
    failedIndexes: indexes.failedIndexes,
    lastFailures: indexes.retried,
    ended,
    tracked: new Set(tracked.map(({ metadata }) => metadata.uid)),
    fatal: job.spec.podFailurePolicy && fatalOf(job, mine),
  }
}

const fatalOf = (job: Job, mine: readonly Pod[]): string | undefined => {
  for (const pod of mine) {
    const match = hasFailed(job, pod) ? matchPolicy(job, pod) : undefined
    if (match?.action === 'FailJob') return match.message
  }
  return undefined
}

/** What the status is to list and which pods are let go for it, at most as much as one status may hold. */
const listing = (
  job: Job,
  tracked: readonly Pod[],
  counted: { readonly succeeded: ReadonlySet<string>; readonly failed: ReadonlySet<string> },
  kept: ReadonlySet<Pod>,
  ending: Ending | undefined,
): Pick<Tally, 'freshSucceeded' | 'freshFailed' | 'release' | 'isPartial'> => {
  const indexed = isIndexed(job)
  const doneBefore = new Set(indexed ? parseIndexes(job.status?.completedIndexes, job.spec.completions ?? 0) : [])
  const all = ending !== undefined || job.metadata.deletionTimestamp !== undefined
  const freshSucceeded: string[] = []
  const freshFailed: string[] = []
  const release: Pod[] = []
  let room = mostUncounted - counted.succeeded.size - counted.failed.size
  for (const pod of indexed ? [...tracked].sort((a, b) => (indexOf(a) ?? -1) - (indexOf(b) ?? -1)) : tracked) {
    const { uid } = pod.metadata
    const failed = hasFailed(job, pod)
    if (!all && !isSucceeded(pod) && !(failed && !kept.has(pod))) continue
    release.push(pod)
    if (isSucceeded(pod) && !counted.failed.has(uid)) {
      if (indexed) room -= isValid(job, pod) && !doneBefore.has(indexOf(pod) ?? -1) ? 1 : 0
      else if (!counted.succeeded.has(uid)) freshSucceeded.push(uid)
    } else if ((failed || ending === 'failed') && !counted.failed.has(uid) && isValid(job, pod) && !isIgnored(job, pod))
      freshFailed.push(uid)
    if (freshSucceeded.length + freshFailed.length >= room) return { freshSucceeded, freshFailed, release, isPartial: true }
  }
  return { freshSucceeded, freshFailed, release, isPartial: false }
}

/** Which indexes are done, which failed for good, and which are to be tried again. */
const tallyIndexes = (job: Job, mine: readonly Pod[], tracked: readonly Pod[], isEnding: boolean) => {
  const { completions = 0, backoffLimitPerIndex: limit } = job.spec
  const none: ReadonlyMap<number, Pod> = new Map()
  if (!isIndexed(job)) return { done: new Set<number>(), failedIndexes: undefined, retried: none }
  const done = new Set(parseIndexes(job.status?.completedIndexes, completions))
  const failedPods: Pod[] = []
  for (const pod of tracked) {
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
