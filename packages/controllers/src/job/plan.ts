import type { Job, Pod } from '@skiff/api'
import { createPod, removePod } from '../pod-changes.ts'
import { isReady } from '../pods.ts'
import { leastUseful } from '../replicas/rank.ts'
import { event, fail, inOrder, type Outcome, requeue, type Step, type Steps, together } from '../runner/step.ts'
import { jobPod, nextIndexes, strayPods, wantedActive } from './job-pods.ts'
import { isTracked, type Tally, tallyOf, waitsForEnd } from './tally.ts'
import { releaseAll, releasePod, track } from './track.ts'
import { deadlineMs, isFinished, isSuspended, nextIndexTryMs, nextTryMs, type Verdict, verdictOf } from './verdict.ts'

const manager = 'kubernetes.io/job-controller'
// As upstream: at most so many pods are made in one plan.
const burst = 500

/** `mine` are the pods that the Job controls. */
export const planJob = (job: Job, mine: readonly Pod[], nowMs: number): Steps => {
  if (job.spec.managedBy !== undefined && job.spec.managedBy !== manager) return []
  if (isFinished(job)) return releaseAll(mine)
  const found = tallyOf(job, mine)
  const verdict = verdictOf(job, found, nowMs)
  const tally = verdict?.isNew && found.lastFailures.size > 0 ? tallyOf(job, mine, true) : found
  const { makes, removes, waitMs } = scale(job, tally, verdict, mine, nowMs)
  const gone = new Set(removes)
  const staying = tally.active.filter((pod) => !gone.has(pod))

  const finish = (outcomes: readonly Outcome[]): Steps => {
    const made = outcomes.filter(({ step, error, skipped }) => step.do === 'create' && error === undefined && !skipped).length
    const failure = outcomes.find((one) => one.error !== undefined)?.error
    const now = {
      active: staying.length + made,
      ready: staying.filter(isReady).length,
      terminating: tally.terminating + removes.length,
      verdict,
      nowMs,
    }
    return [
      ...surplusEvents(job, tally, verdict),
      ...track(job, tally, now),
      ...wake(job, waitMs, nowMs),
      ...(failure === undefined ? [] : [fail(failure)]),
    ]
  }
  const steps: readonly Step[] = [
    ...makes.map((index) => createPod(job, jobPod(job, index, tally.lastFailures.get(index ?? -1)))),
    ...removes.map((pod) => (verdict ? removePod(job, pod) : dismiss(job, pod))),
  ]
  return steps.length === 0 ? finish([]) : [together(steps, { slowStart: makes.length > 0, after: finish })]
}

/** A pod that is only too many is nobody's failure: it goes uncounted. Those of a Job that ends count as failed. */
const dismiss = (job: Job, pod: Pod): Step => (isTracked(pod) ? inOrder([releasePod(pod), removePod(job, pod)]) : removePod(job, pod))

interface Scaling {
  readonly makes: readonly (number | undefined)[]
  readonly removes: readonly Pod[]
  /** How long a replacement of failed pods has to wait. */
  readonly waitMs: number
}

const scale = (job: Job, tally: Tally, verdict: Verdict | undefined, mine: readonly Pod[], nowMs: number): Scaling => {
  const none: Scaling = { makes: [], removes: [], waitMs: 0 }
  if (job.metadata.deletionTimestamp !== undefined) return none
  if (verdict || isSuspended(job)) return { ...none, removes: tally.active }
  const strays = strayPods(job, tally)
  const staying = tally.active.filter((pod) => !strays.includes(pod))
  const wanted = wantedActive(job, tally)
  const surplus = staying.length - wanted
  if (surplus > 0) return { ...none, removes: [...strays, ...leastUseful(staying, () => 0, nowMs).slice(0, surplus)] }
  const missing = Math.min(burst, wanted - staying.length - (waitsForEnd(job) ? tally.terminating : 0))
  if (missing <= 0) return { ...none, removes: strays }
  if (tally.failedIndexes) return { removes: strays, ...dueIndexes(nextIndexes(job, tally, mine, missing), tally, nowMs) }
  const waitMs = Math.max(0, nextTryMs(mine, nowMs) - nowMs)
  if (waitMs > 0) return { makes: [], removes: strays, waitMs }
  return { makes: nextIndexes(job, tally, mine, missing), removes: strays, waitMs: 0 }
}

/** Each index waits for its own failures alone. */
const dueIndexes = (indexes: readonly (number | undefined)[], tally: Tally, nowMs: number): Omit<Scaling, 'removes'> => {
  const waits = indexes.map((index) => {
    const last = tally.lastFailures.get(index ?? -1)
    return last ? nextIndexTryMs(last, nowMs) - nowMs : 0
  })
  const later = waits.filter((waitMs) => waitMs > 0)
  return { makes: indexes.filter((_, at) => (waits[at] ?? 0) <= 0), waitMs: later.length > 0 ? Math.min(...later) : 0 }
}

const surplusEvents = (job: Job, tally: Tally, verdict: Verdict | undefined): Steps => {
  const { completions } = job.spec
  if (!verdict?.isNew || verdict.reason !== 'CompletionsReached' || completions === undefined) return []
  const tooMany = (reason: string, what: string) =>
    event(job, 'Warning', reason, `Too many ${what} pods running after completion count reached`)
  return [
    ...(tally.active.length > 0 ? [tooMany('TooManyActivePods', 'active')] : []),
    ...(tally.succeeded > completions ? [tooMany('TooManySucceededPods', 'succeeded')] : []),
  ]
}

const wake = (job: Job, waitMs: number, nowMs: number): Steps => {
  const startMs = job.status?.startTime === undefined ? nowMs : undefined
  const seconds = job.spec.activeDeadlineSeconds
  const dueMs = startMs !== undefined && seconds !== undefined ? startMs + seconds * 1_000 : deadlineMs(job)
  const waits = [waitMs, dueMs === undefined || isSuspended(job) ? 0 : dueMs - nowMs].filter((one) => one > 0)
  return waits.length > 0 ? [requeue(Math.min(...waits))] : []
}
