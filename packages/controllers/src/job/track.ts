import type { Job, JobCondition, JobStatus, Pod } from '@skiff/api'
import { job as jobs, pod as pods } from '@skiff/api'
import { isRefusal, parseTimeMs, rfc3339 } from '@skiff/machinery'
import { conditionOf } from '../conditions.ts'
import {
  event,
  fail,
  type Outcome,
  type PatchStep,
  patch,
  type Step,
  type Steps,
  targetOf,
  together,
  updateStatus,
} from '../runner/step.ts'
import { same } from '../same.ts'
import { isTracked, type Tally, trackingFinalizer } from './tally.ts'
import { indexStatus, isSuspended, jobCondition, type Verdict } from './verdict.ts'

export const releasePod = (pod: Pod): PatchStep =>
  patch(
    pods,
    targetOf(pod),
    'strategic',
    { metadata: { uid: pod.metadata.uid, '$deleteFromPrimitiveList/finalizers': [trackingFinalizer] } },
    { failed: (error) => (isRefusal(error, 404) ? [] : undefined) },
  )
export const releaseAll = (mine: readonly Pod[]): Steps => {
  const held = mine.filter(isTracked)
  return held.length > 0 ? [together(held.map(releasePod))] : []
}

/** What the status says besides what is counted. */
export interface Now {
  readonly active: number
  readonly ready: number
  readonly terminating: number
  readonly verdict: Verdict | undefined
  /** The pods were brought to what is wanted: what the spec says of suspension holds now. */
  readonly isManaged: boolean
  /** Done once the status lists what ended. */
  readonly remember: Steps
  readonly nowMs: number
}

/**
 * Writes what came of the pods, each counted once whatever fails in between: first the status lists those that ended, or the indexes
 * that they completed, then they lose their finalizers, and only then the list becomes numbers.
 */
export const track = (job: Job, tally: Tally, now: Now): Steps => {
  const held = job.status?.uncountedTerminatedPods
  const listed = {
    succeeded: [...(held?.succeeded ?? []), ...tally.freshSucceeded],
    failed: [...(held?.failed ?? []), ...tally.freshFailed],
  }
  const base = statusOf(job, tally, now)
  const settle = (current: Job): Steps => {
    const releases = tally.release.map(releasePod)
    const after = (outcomes: readonly Outcome[]): Steps => {
      const left = new Set(tally.tracked)
      for (const { step, error } of outcomes)
        if (error === undefined) left.delete(tally.release[releases.indexOf(step as PatchStep)]?.metadata.uid ?? '')
      const failure = outcomes.find((one) => one.error !== undefined)?.error
      const counted = count(base.status, listed, (uid) => !left.has(uid))
      return [...conclude(current, counted, now, tally.isPartial), ...(failure === undefined ? [] : [fail(failure)])]
    }
    return releases.length > 0 ? [together(releases, { after })] : after([])
  }
  const status = { ...base.status, uncountedTerminatedPods: nonEmpty(listed) }
  if (tally.release.length === 0 || same(job.status, status)) return [...base.events, ...settle(job)]
  return [...base.events, updateStatus(jobs, { ...job, status }, { done: (current) => [...now.remember, ...settle(current)] })]
}

const nonEmpty = ({ succeeded, failed }: { readonly succeeded: readonly string[]; readonly failed: readonly string[] }) => ({
  ...(succeeded.length > 0 ? { succeeded } : {}),
  ...(failed.length > 0 ? { failed } : {}),
})

const count = (
  status: JobStatus,
  listed: { readonly succeeded: readonly string[]; readonly failed: readonly string[] },
  isSettled: (uid: string) => boolean,
): JobStatus => {
  const add = (name: 'succeeded' | 'failed') => {
    const amount = (status[name] ?? 0) + listed[name].filter(isSettled).length
    return amount > 0 ? { [name]: amount } : {}
  }
  const left = { succeeded: listed.succeeded.filter((uid) => !isSettled(uid)), failed: listed.failed.filter((uid) => !isSettled(uid)) }
  return { ...status, ...add('succeeded'), ...add('failed'), uncountedTerminatedPods: nonEmpty(left) }
}

/** The status without new counts, and what users are told of its changes. */
const statusOf = (job: Job, tally: Tally, now: Now): { readonly status: JobStatus; readonly events: Steps } => {
  const { verdict, nowMs } = now
  const events: Step[] = []
  const held = job.status ?? {}
  let conditions: readonly JobCondition[] = held.conditions ?? []
  let startTime = held.startTime
  const suspended = conditionOf(conditions, 'Suspended')
  if (now.isManaged && isSuspended(job) !== (suspended?.status === 'True')) {
    const [status, reason, message] = isSuspended(job) ? ['True', 'JobSuspended', 'Job suspended'] : ['False', 'JobResumed', 'Job resumed']
    const next = jobCondition('Suspended', status as string, reason as string, message as string, nowMs)
    conditions = suspended ? conditions.map((one) => (one === suspended ? next : one)) : [...conditions, next]
    events.push(event(job, 'Normal', isSuspended(job) ? 'Suspended' : 'Resumed', message as string))
    // A deadline counts from the resumption.
    if (!isSuspended(job)) startTime = rfc3339(nowMs)
  }
  if (startTime === undefined && !isSuspended(job)) startTime = rfc3339(nowMs)
  if (verdict?.isNew) conditions = [...conditions, jobCondition(verdict.type, 'True', verdict.reason, verdict.message, nowMs)]
  const { active: _active, succeeded: doneBefore, ...rest } = held
  const indexes = indexStatus(job, tally)
  const succeeded = job.spec.completionMode === 'Indexed' ? tally.succeeded : (doneBefore ?? 0)
  const status: JobStatus = {
    ...rest,
    ...(conditions.length > 0 ? { conditions } : {}),
    ...(startTime === undefined ? {} : { startTime }),
    ...(now.active > 0 ? { active: now.active } : {}),
    ...(succeeded > 0 ? { succeeded } : {}),
    ready: now.ready,
    terminating: now.terminating,
    ...indexes,
  }
  return { status, events }
}

/** Never before the start, which is refused: the clock may have been set back meanwhile. */
const completionTime = ({ startTime }: JobStatus, nowMs: number): string =>
  rfc3339(startTime === undefined ? nowMs : Math.max(nowMs, parseTimeMs(startTime)))

/** The last write: with the final condition once nothing of the Job runs or waits to be counted. */
const conclude = (job: Job, status: JobStatus, now: Now, isPartial: boolean): Steps => {
  const { verdict, nowMs } = now
  const uncounted = status.uncountedTerminatedPods
  const isOver = !isPartial && now.active === 0 && now.terminating === 0 && !uncounted?.succeeded && !uncounted?.failed
  if (!verdict || !isOver)
    return same(job.status, status) && job.status?.ready !== undefined ? [] : [updateStatus(jobs, { ...job, status })]
  const isSuccess = verdict.type === 'SuccessCriteriaMet'
  const final = jobCondition(isSuccess ? 'Complete' : 'Failed', 'True', verdict.reason, verdict.message, nowMs)
  const conditions = [...(status.conditions ?? []), final]
  const ended: JobStatus = { ...status, conditions, ...(isSuccess ? { completionTime: completionTime(status, nowMs) } : {}) }
  const told = isSuccess ? successEvents(job, ended) : [event(job, 'Warning', verdict.reason, verdict.message)]
  return [updateStatus(jobs, { ...job, status: ended }, { done: () => told })]
}

const successEvents = (job: Job, { succeeded = 0 }: JobStatus): Steps => [
  ...(job.spec.completions !== undefined && succeeded > job.spec.completions
    ? [event(job, 'Warning', 'TooManySucceededPods', 'Too many succeeded pods running after completion count reached')]
    : []),
  event(job, 'Normal', 'Completed', 'Job completed'),
]
