import type { CronJob, Job, ObjectReference } from '@skiff/api'
import { cronJob as cronJobs, job as jobs } from '@skiff/api'
import { referenceTo } from '@skiff/client'
import { controllerOf, isRefusal, rfc3339 } from '@skiff/machinery'
import { isFinished } from '../job/verdict.ts'
import { controlledBy } from '../ownership.ts'
import {
  create,
  event,
  fail,
  isNamespaceTerminating,
  read,
  reasonOf,
  remove,
  requeue,
  type Step,
  type Steps,
  targetOf,
  together,
  updateStatus,
} from '../runner/step.ts'
import { same } from '../same.ts'
import { missedTimes, nextTime, parseSchedule, type Schedule, stampIn, type Wall, wallOf } from './schedule.ts'

const timestampAnnotation = 'batch.kubernetes.io/cronjob-scheduled-timestamp'

const endOf = (job: Job): string | undefined =>
  job.status?.conditions?.find((one) => (one.type === 'Complete' || one.type === 'Failed') && one.status === 'True')?.type

/** `mine` are the Jobs that the CronJob controls. What was due up to `movedMs`, when its schedule was changed, is not started. */
export const planCronJob = (cron: CronJob, mine: readonly Job[], nowMs: number, movedMs = 0): Steps => {
  const surplus = history(cron, mine)
  const books = reconcile(cron, mine, new Set(surplus))
  const begin = [...(surplus.length > 0 ? [together(surplus.map((job) => removeJob(cron, job)))] : []), ...books.events]
  if (cron.metadata.deletionTimestamp !== undefined) return [...begin, ...writeStatus(cron, books)]
  let wall: Wall
  try {
    wall = wallOf(cron.spec.timeZone)
  } catch {
    const zone = event(
      cron,
      'Warning',
      'UnknownTimeZone',
      `invalid timeZone: ${JSON.stringify(cron.spec.timeZone)}: unknown time zone ${cron.spec.timeZone}`,
    )
    return [...begin, zone, ...writeStatus(cron, books)]
  }
  if (cron.spec.suspend) return [...begin, ...writeStatus(cron, books)]
  return [...begin, ...startDue(cron, mine, books, wall, nowMs, movedMs)]
}

/** What the status should say of the Jobs. */
interface Books {
  readonly active: readonly ObjectReference[]
  readonly lastSuccessfulTime: string | undefined
  readonly lastScheduleTime: string | undefined
  readonly events: Steps
}

/** Nothing is told of the end of a Job that is removed at once. */
const reconcile = (cron: CronJob, mine: readonly Job[], removed: ReadonlySet<Job>): Books => {
  const held = cron.status?.active ?? []
  const byUid = new Map(mine.map((job) => [job.metadata.uid, job]))
  const events: Step[] = []
  const active: ObjectReference[] = []
  let lastSuccessfulTime = cron.status?.lastSuccessfulTime
  for (const reference of held) {
    const job = byUid.get(reference.uid ?? '')
    const end = job && endOf(job)
    if (!job) events.push(event(cron, 'Normal', 'MissingJob', `Active job went missing: ${reference.name ?? ''}`))
    else if (end && removed.has(job)) continue
    else if (end) events.push(event(cron, 'Normal', 'SawCompletedJob', `Saw completed job: ${job.metadata.name}, condition: ${end}`))
    else active.push(reference)
  }
  for (const job of mine) {
    const isKnown = held.some((reference) => reference.uid === job.metadata.uid)
    // Made by hand of the template, or by us when the report of it was lost: the first never counts, the second is found by its name.
    if (!isFinished(job) && !isKnown) {
      const forgot = `Saw a job that the controller did not create or forgot: ${job.metadata.name}`
      events.push(event(cron, 'Warning', 'UnexpectedJob', forgot))
    }
    const doneAt = endOf(job) === 'Complete' ? job.status?.completionTime : undefined
    if (doneAt && (!lastSuccessfulTime || doneAt > lastSuccessfulTime)) lastSuccessfulTime = doneAt
  }
  return { active, lastSuccessfulTime, lastScheduleTime: cron.status?.lastScheduleTime, events }
}

const writeStatus = (cron: CronJob, { active, lastSuccessfulTime, lastScheduleTime }: Books): Steps => {
  const status = {
    ...(active.length > 0 ? { active } : {}),
    ...(lastScheduleTime ? { lastScheduleTime } : {}),
    ...(lastSuccessfulTime ? { lastSuccessfulTime } : {}),
  }
  return same(cron.status, status) ? [] : [updateStatus(cronJobs, { ...cron, status })]
}

/** Finished Jobs beyond the limits, the oldest first. */
const history = (cron: CronJob, mine: readonly Job[]): readonly Job[] => {
  const beyond = (end: string, limit: number | undefined): readonly Job[] => {
    if (limit === undefined) return []
    const ended = mine.filter((job) => endOf(job) === end && job.metadata.deletionTimestamp === undefined)
    return ended.sort(byStart).slice(0, Math.max(0, ended.length - limit))
  }
  return [...beyond('Complete', cron.spec.successfulJobsHistoryLimit), ...beyond('Failed', cron.spec.failedJobsHistoryLimit)]
}
/** Those that never started are the youngest. */
const byStart = (a: Job, b: Job): number => startOf(a) - startOf(b) || (a.metadata.name < b.metadata.name ? -1 : 1)
const startOf = (job: Job): number => Date.parse(job.status?.startTime ?? '') || Number.MAX_SAFE_INTEGER

const removeJob = (cron: CronJob, job: Job): Step => {
  const { name } = job.metadata
  return remove(
    jobs,
    job,
    { propagationPolicy: 'Background' },
    {
      done: () => [event(cron, 'Normal', 'SuccessfulDelete', `Deleted job ${name}`)],
      failed: (error) => [event(cron, 'Warning', 'FailedDelete', `Deleted job: ${reasonOf(error)}`), fail(error)],
    },
  )
}

const toldTooMany = 'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew'

const startDue = (cron: CronJob, mine: readonly Job[], books: Books, wall: Wall, nowMs: number, movedMs: number): Steps => {
  const schedule = parseSchedule(cron.spec.schedule)
  const deadlineMs = (cron.spec.startingDeadlineSeconds ?? Number.POSITIVE_INFINITY) * 1_000
  const lastMs = Date.parse(cron.status?.lastScheduleTime ?? cron.metadata.creationTimestamp)
  if (nextTime(schedule, lastMs, wall) === undefined) return [neverDue(cron), ...writeStatus(cron, books)]
  const { latestMs, isTooMany } = missedTimes(schedule, Math.max(lastMs, nowMs - deadlineMs), nowMs, wall)
  // From the last due time and not from now: an interval keeps its beat.
  const nextMs = nextTime(schedule, latestMs ?? lastBeat(schedule, lastMs, nowMs), wall)
  // A little after the time, so that it has come for sure.
  const wake: Steps = nextMs === undefined ? [] : [requeue(nextMs - nowMs + 100)]
  if (latestMs !== undefined && latestMs <= movedMs) return [...wake, ...writeStatus(cron, books)]
  const before = [...wake, ...(isTooMany ? [event(cron, 'Warning', 'TooManyMissedTimes', toldTooMany)] : [])]
  const idle = (...why: Steps): Steps => [...before, ...why, ...writeStatus(cron, books)]
  if (latestMs === undefined) return idle()
  if (latestMs + deadlineMs < nowMs) {
    const due = new Date(latestMs).toUTCString().replace('GMT', '+0000')
    return idle(event(cron, 'Warning', 'MissSchedule', `Missed scheduled time to start a job: ${due}`))
  }
  if (cron.status?.lastScheduleTime === rfc3339(latestMs) || books.active.some(({ name }) => name === jobName(cron, latestMs)))
    return idle()
  const policy = cron.spec.concurrencyPolicy
  if (policy === 'Forbid' && books.active.length > 0) {
    const busy = 'Not starting job because prior execution is running and concurrency policy is Forbid'
    return idle(event(cron, 'Normal', 'JobAlreadyActive', busy))
  }
  if (policy !== 'Replace') return [...before, ...startJob(cron, books, latestMs)]
  const replaced = mine.filter((job) => books.active.some((reference) => reference.uid === job.metadata.uid))
  return [...before, ...replaced.map((job) => removeJob(cron, job)), ...startJob(cron, { ...books, active: [] }, latestMs)]
}

/** Such as the 31st of February. */
const neverDue = (cron: CronJob): Step => {
  const why = 'time difference between two schedules is less than 1 second'
  return event(cron, 'Warning', 'InvalidSchedule', `invalid schedule: ${cron.spec.schedule} : ${why}`)
}

/** Where nothing was missed within the deadline, an interval still counts from its last start. */
const lastBeat = (schedule: Schedule, lastMs: number, nowMs: number): number =>
  'everyMs' in schedule ? lastMs + Math.floor((nowMs - lastMs) / schedule.everyMs) * schedule.everyMs : nowMs

const jobName = (cron: CronJob, dueMs: number): string => `${cron.metadata.name}-${Math.trunc(dueMs / 60_000)}`

const startJob = (cron: CronJob, books: Books, dueMs: number): Steps => {
  const draft = jobFor(cron, dueMs)
  const started = (job: Job): Steps => {
    const next = { ...books, active: [...books.active, referenceTo(job)], lastScheduleTime: rfc3339(dueMs) }
    return writeStatus(cron, next)
  }
  const exists =
    (error: unknown) =>
    (held: Job | undefined): Steps => {
      // Named by its time: one that is there already is ours, of a start whose report was lost; it may even have ended.
      if (!held) return [fail(error)]
      // Somebody else's: there is nothing to start until the next time.
      if (controllerOf(held)?.uid !== cron.metadata.uid) return writeStatus(cron, books)
      return isFinished(held) ? writeStatus(cron, { ...books, lastScheduleTime: rfc3339(dueMs) }) : started(held)
    }
  const make = create(jobs, draft as never, {
    done: (job: Job) => [event(cron, 'Normal', 'SuccessfulCreate', `Created job ${job.metadata.name}`), ...started(job)],
    failed: (error) => {
      if (isNamespaceTerminating(error)) return []
      if (isRefusal(error, 409)) return [read(jobs, { ...targetOf(cron), name: draft.metadata.name }, { done: exists(error) })]
      return [event(cron, 'Warning', 'FailedCreate', `Error creating job: ${reasonOf(error)}`), fail(error)]
    },
  })
  return [make]
}

const jobFor = (cron: CronJob, dueMs: number) => {
  const { metadata: template, spec } = cron.spec.jobTemplate
  const { namespace } = cron.metadata
  return {
    metadata: {
      name: jobName(cron, dueMs),
      ...(namespace ? { namespace } : {}),
      ...(template?.labels ? { labels: template.labels } : {}),
      annotations: { ...template?.annotations, [timestampAnnotation]: stampIn(cron.spec.timeZone, dueMs) },
      ownerReferences: [controlledBy(cronJobs, cron)],
    },
    spec,
  }
}
