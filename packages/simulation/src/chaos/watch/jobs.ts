import type { CronJob, Job, Pod } from '@skiff/api'
import { controllerOf, keyOf } from '@skiff/machinery'
import { isOver } from '../cluster-state.ts'
import type { OwnerParts } from './owners.ts'

const indexOf = ({ metadata }: Pod): string | undefined => metadata.annotations?.['batch.kubernetes.io/job-completion-index']
const isFinished = ({ status }: Job): boolean =>
  status?.conditions?.some(({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True') ?? false
const scheduledAt = ({ metadata }: Job): string | undefined => metadata.annotations?.['batch.kubernetes.io/cronjob-scheduled-timestamp']

interface Course {
  readonly succeeded: Set<string>
  /** Deleted or failed. */
  readonly lost: Set<string>
  /** When each index first succeeded. */
  readonly doneMs: Map<string, number>
  endedMs: number | undefined
}

/** What a Job's pods did is counted once, no index runs again, and CronJobs start what they may and nothing twice. */
export const watchJobs = ({ truth, calm, env, wrong }: OwnerParts): void => {
  const { now } = truth
  const courses = new Map<string, Course>()
  const courseOf = (uid: string): Course => {
    const course = courses.get(uid) ?? { succeeded: new Set(), lost: new Set(), doneMs: new Map(), endedMs: undefined }
    courses.set(uid, course)
    return course
  }
  /** Whether what is decided now may still be from before that. */
  const mayBeUnknown = (ms: number): boolean => env.monotonicMs() - ms <= calm.lagMs('controllers')
  const follow = (pod: Pod, uid: string): void => {
    const course = courseOf(uid)
    if (pod.status?.phase === 'Succeeded') {
      course.succeeded.add(pod.metadata.uid)
      const index = indexOf(pod)
      if (index !== undefined && !course.doneMs.has(index)) course.doneMs.set(index, env.monotonicMs())
    } else if (isOver(pod) || pod.metadata.deletionTimestamp) course.lost.add(pod.metadata.uid)
  }
  const begin = (pod: Pod, uid: string): void => {
    const course = courseOf(uid)
    const doneMs = course.doneMs.get(indexOf(pod) ?? '')
    if (doneMs !== undefined && !mayBeUnknown(doneMs)) wrong.push(`${keyOf(pod)} does again what index ${indexOf(pod)} has done`)
    if (course.endedMs !== undefined && !mayBeUnknown(course.endedMs)) wrong.push(`${keyOf(pod)} is for a Job that has ended`)
    const job = [...now.jobs.values()].find(({ metadata }) => metadata.uid === uid)
    const active = [...now.pods.values()].filter(
      (each) => controllerOf(each)?.uid === uid && !isOver(each) && !each.metadata.deletionTimestamp,
    )
    if (job && active.length > (job.spec.parallelism ?? 1)) wrong.push(`${keyOf(pod)} is pod ${active.length} of a Job that runs fewer`)
  }
  truth.on('pods', ({ before, after }) => {
    for (const pod of [before, after]) {
      const owner = pod && controllerOf(pod)
      if (pod && owner?.kind === 'Job') follow(pod, owner.uid)
    }
    const owner = after && controllerOf(after)
    if (after && owner?.kind === 'Job' && before?.metadata.uid !== after.metadata.uid) begin(after, owner.uid)
  })

  const count = (before: Job, after: Job): void => {
    const course = courseOf(after.metadata.uid)
    const { succeeded = 0, failed = 0 } = after.status ?? {}
    if (succeeded < (before.status?.succeeded ?? 0)) wrong.push(`${keyOf(after)} forgets pods that succeeded`)
    if (isFinished(before) && !isFinished(after)) wrong.push(`${keyOf(after)} runs again`)
    if (isFinished(after)) course.endedMs ??= env.monotonicMs()
    const isRight = (): boolean =>
      failed <= course.lost.size && succeeded <= (after.spec.completionMode === 'Indexed' ? course.doneMs.size : course.succeeded.size)
    if (isRight()) return
    // The pods may be told of later than their Job.
    calm.later(() => {
      if (isRight()) return
      const seen = `of ${course.succeeded.size} and ${course.lost.size} pods`
      wrong.push(`${keyOf(after)} counts ${succeeded} that succeeded and ${failed} that failed ${seen}`)
    })
  }
  const startedMs = new Map<string, number>()
  const starts = new Set<string>()
  const start = (job: Job, uid: string): void => {
    const at = `${uid} ${scheduledAt(job)}`
    if (starts.has(at)) wrong.push(`${keyOf(job)} is started a second time for ${scheduledAt(job)}`)
    starts.add(at)
    const cron: CronJob | undefined = [...now.cronJobs.values()].find(({ metadata }) => metadata.uid === uid)
    if (!cron || (cron.spec.concurrencyPolicy ?? 'Allow') === 'Allow') return
    const beside = [...now.jobs.values()].filter((other) => {
      const isOther = other !== job && controllerOf(other)?.uid === uid && !isFinished(other) && !other.metadata.deletionTimestamp
      return isOther && !mayBeUnknown(startedMs.get(other.metadata.uid) ?? 0)
    })
    for (const other of beside)
      wrong.push(`${keyOf(job)} runs beside ${keyOf(other)}, though its CronJob says ${cron.spec.concurrencyPolicy}`)
  }
  truth.on('jobs', ({ before, after }) => {
    if (!after) return
    if (before?.metadata.uid === after.metadata.uid) {
      count(before, after)
      return
    }
    startedMs.set(after.metadata.uid, env.monotonicMs())
    const owner = controllerOf(after)
    if (owner?.kind === 'CronJob') start(after, owner.uid)
  })
}
