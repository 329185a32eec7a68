import type { Job, Pod } from '@skiff/api'
import { keyOf } from '@skiff/machinery'
import { createPod, removePod } from '../pod-changes.ts'
import { isReady } from '../pods.ts'
import { leastActive } from '../replicas/rank.ts'
import { ask, fail, inOrder, type Outcome, requeue, type Step, type Steps, together } from '../runner/step.ts'
import { type Failed, type Failures, failuresWith, nextIndexTryMs, nextTryMs } from './backoff.ts'
import { triesWith } from './index-failures.ts'
import { jobPod, nextIndexes, strayPods, wantedActive } from './job-pods.ts'
import { isTracked, type Tally, tallyOf, waitsForEnd } from './tally.ts'
import { releasePod, track } from './track.ts'
import { deadlineMs, isSuspended, type Verdict, verdictOf } from './verdict.ts'

// As upstream: at most so many pods are made or removed in one plan.
const burst = 500

/** `mine` are the pods that the Job controls; `kept` remembers their failures. */
export const planJob = (job: Job, mine: readonly Pod[], nowMs: number, kept: Failed): Steps => {
  const found = tallyOf(job, mine)
  const verdict = verdictOf(job, found, nowMs)
  const tally = verdict ? tallyOf(job, mine, verdict.type === 'FailureTarget' ? 'failed' : 'succeeded') : found
  const failures = failuresWith(failuresOf(job, mine, kept), found.ended.succeeded, found.ended.failed)
  const { makes, removes, waitMs } = scale(job, tally, verdict, mine, failures, nowMs)
  const gone = new Set(removes)
  const staying = tally.active.filter((pod) => !gone.has(pod))

  const finish = (outcomes: readonly Outcome[]): Steps => {
    const ended = outcomes.filter(({ error, skipped }) => error === undefined && !skipped).length
    const failure = outcomes.find((one) => one.error !== undefined)?.error
    const [made, removed] = makes.length > 0 ? [ended, 0] : [0, ended]
    // While one of its pods could not be removed, the Job is not over: nothing of its end is told.
    const isStuck = verdict !== undefined && failure !== undefined
    const now = {
      active: staying.length + made + (removes.length - removed),
      ready: staying.filter(isReady).length,
      terminating: tally.terminating + removed,
      verdict: isStuck ? undefined : verdict,
      isManaged: verdict === undefined && job.metadata.deletionTimestamp === undefined,
      remember: [ask('remember the failures', async () => kept.set(keyOf(job), { uid: job.metadata.uid, failures }), {})],
      nowMs,
    }
    return [...track(job, isStuck ? found : tally, now), ...wake(job, waitMs, nowMs), ...(failure === undefined ? [] : [fail(failure)])]
  }
  const steps: readonly Step[] = [
    ...makes.map((index) => createPod(job, jobPod(job, index, tally.lastFailures.get(index ?? -1)))),
    ...removes.map((pod) => (verdict ? removePod(job, pod) : dismiss(job, pod))),
  ]
  return steps.length === 0 ? finish([]) : [together(steps, { slowStart: makes.length > 0, after: finish })]
}

/** Of a Job that was not seen before, what its pods still tell. */
const failuresOf = (job: Job, mine: readonly Pod[], kept: Failed): Failures | undefined => {
  const held = kept.get(keyOf(job))
  if (held?.uid === job.metadata.uid) return held.failures
  const counted = mine.filter((pod) => !isTracked(pod))
  return failuresWith(
    undefined,
    counted.filter((pod) => pod.status?.phase === 'Succeeded'),
    counted.filter((pod) => pod.status?.phase === 'Failed'),
  )
}

/** A pod that is only too many is nobody's failure: it goes uncounted. Those of a Job that ends count as failed. */
const dismiss = (job: Job, pod: Pod): Step => (isTracked(pod) ? inOrder([releasePod(pod), removePod(job, pod)]) : removePod(job, pod))

interface Scaling {
  readonly makes: readonly (number | undefined)[]
  readonly removes: readonly Pod[]
  /** How long a replacement of failed pods has to wait. */
  readonly waitMs: number
}

const scale = (
  job: Job,
  tally: Tally,
  verdict: Verdict | undefined,
  mine: readonly Pod[],
  failures: Failures | undefined,
  nowMs: number,
): Scaling => {
  const none: Scaling = { makes: [], removes: [], waitMs: 0 }
  if (job.metadata.deletionTimestamp !== undefined) return none
  if (verdict || isSuspended(job)) return { ...none, removes: tally.active }
  const strays = strayPods(job, tally)
  const staying = tally.active.filter((pod) => !strays.includes(pod))
  const wanted = wantedActive(job, tally)
  const surplus = staying.length - wanted
  // Pods are removed or made in one plan, never both.
  const removes = [...strays, ...(surplus > 0 ? leastActive(staying).slice(0, surplus) : [])]
  if (removes.length > 0) return { ...none, removes: removes.slice(0, burst) }
  const missing = Math.min(burst, wanted - staying.length - (waitsForEnd(job) ? tally.terminating : 0))
  if (missing <= 0) return none
  if (tally.failedIndexes) return { removes, ...dueIndexes(nextIndexes(job, tally, mine, missing), tally, nowMs) }
  const waitMs = Math.max(0, nextTryMs(failures) - nowMs)
  return waitMs > 0 ? { ...none, waitMs } : { ...none, makes: nextIndexes(job, tally, mine, missing) }
}

/** Each index waits for its own failures alone. */
const dueIndexes = (indexes: readonly (number | undefined)[], tally: Tally, nowMs: number): Omit<Scaling, 'removes'> => {
  const waits = indexes.map((index) => {
    const last = tally.lastFailures.get(index ?? -1)
    return last ? nextIndexTryMs(last, triesWith(last)) - nowMs : 0
  })
  const later = waits.filter((waitMs) => waitMs > 0)
  return { makes: indexes.filter((_, at) => (waits[at] ?? 0) <= 0), waitMs: later.length > 0 ? Math.min(...later) : 0 }
}

const wake = (job: Job, waitMs: number, nowMs: number): Steps => {
  const startMs = job.status?.startTime === undefined ? nowMs : undefined
  const seconds = job.spec.activeDeadlineSeconds
  const dueMs = startMs !== undefined && seconds !== undefined ? startMs + seconds * 1_000 : deadlineMs(job)
  const waits = [waitMs, dueMs === undefined || isSuspended(job) ? 0 : dueMs - nowMs].filter((one) => one > 0)
  return waits.length > 0 ? [requeue(Math.min(...waits))] : []
}
