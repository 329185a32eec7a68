import type { Job, JobCondition, Pod } from '@skiff/api'
import { rfc3339 } from '@skiff/machinery'
import { conditionOf } from '../conditions.ts'
import { formatIndexes, isIndexed } from './indexes.ts'
import type { Tally } from './tally.ts'

/** How a Job will end: set first as an interim condition, and for good once its last pod has ended. */
export interface Verdict {
  readonly type: 'SuccessCriteriaMet' | 'FailureTarget'
  readonly reason: string
  readonly message: string
  /** Decided in this very plan. */
  readonly isNew: boolean
}

const isTrue = (job: Job, type: string): boolean => conditionOf(job.status?.conditions, type)?.status === 'True'
export const isFinished = (job: Job): boolean => isTrue(job, 'Complete') || isTrue(job, 'Failed')
export const isSuspended = (job: Job): boolean => job.spec.suspend === true

export const jobCondition = (type: string, status: string, reason: string, message: string, nowMs: number): JobCondition => ({
  type,
  status,
  lastProbeTime: rfc3339(nowMs),
  lastTransitionTime: rfc3339(nowMs),
  ...(reason ? { reason } : {}),
  ...(message ? { message } : {}),
})

export const verdictOf = (job: Job, tally: Tally, nowMs: number): Verdict | undefined => {
  for (const type of ['FailureTarget', 'SuccessCriteriaMet'] as const) {
    const held = conditionOf(job.status?.conditions, type)
    if (held?.status === 'True') return { type, reason: held.reason ?? '', message: held.message ?? '', isNew: false }
  }
  const fail = (reason: string, message: string): Verdict => ({ type: 'FailureTarget', reason, message, isNew: true })
  if (tally.fatal !== undefined) return fail('PodFailurePolicy', tally.fatal)
  if (tally.failed > (job.spec.backoffLimit ?? 6) || restartsPastLimit(job, tally.unfinished))
    return fail('BackoffLimitExceeded', 'Job has reached the specified backoff limit')
  if (deadlineMs(job) !== undefined && !isSuspended(job) && nowMs >= (deadlineMs(job) ?? 0))
    return fail('DeadlineExceeded', 'Job was active longer than specified deadline')
  const lost = tally.failedIndexes?.length ?? 0
  if (lost > (job.spec.maxFailedIndexes ?? Number.POSITIVE_INFINITY))
    return fail('MaxFailedIndexesExceeded', 'Job has exceeded the specified maximal number of failed indexes')
  if (lost > 0 && tally.succeeded + lost >= (job.spec.completions ?? 0)) return fail('FailedIndexes', 'Job has failed indexes')
  return success(job, tally)
}

const success = (job: Job, tally: Tally): Verdict | undefined => {
  const met = (reason: string, message: string): Verdict => ({ type: 'SuccessCriteriaMet', reason, message, isNew: true })
  const rule = isIndexed(job) ? matchedRule(job, tally.doneIndexes) : undefined
  if (rule !== undefined) return met('SuccessPolicy', `Matched rules at index ${rule}`)
  const isDone =
    job.spec.completions === undefined ? tally.succeeded > 0 && tally.active.length === 0 : tally.succeeded >= job.spec.completions
  return isDone ? met('CompletionsReached', 'Reached expected number of succeeded pods') : undefined
}

/** The success policy's first rule that the done indexes fulfil. */
const matchedRule = (job: Job, done: readonly number[]): number | undefined => {
  const rules = job.spec.successPolicy?.rules ?? []
  const at = rules.findIndex(({ succeededIndexes, succeededCount }) => {
    const wanted = succeededIndexes === undefined ? undefined : expand(succeededIndexes)
    const met = wanted === undefined ? done : done.filter((index) => wanted.has(index))
    if (succeededCount !== undefined) return met.length >= succeededCount
    return wanted !== undefined && met.length >= wanted.size
  })
  return at < 0 ? undefined : at
}
const expand = (text: string): Set<number> => {
  const indexes = new Set<number>()
  for (const part of text.split(',')) {
    const [first = '', last = first] = part.split('-')
    for (let index = Number(first); index <= Number(last); index += 1) indexes.add(index)
  }
  return indexes
}

/** Containers that restart in place count as failures too, for pods that restart on failure. */
const restartsPastLimit = (job: Job, unfinished: readonly Pod[]): boolean => {
  if (job.spec.template.spec?.restartPolicy !== 'OnFailure') return false
  const limit = job.spec.backoffLimit ?? 6
  const statuses = unfinished.flatMap((pod) => [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])])
  const restarts = statuses.reduce((total, one) => total + one.restartCount, 0)
  return limit === 0 ? restarts > 0 : restarts >= limit
}

export const deadlineMs = (job: Job): number | undefined =>
  job.spec.activeDeadlineSeconds === undefined || job.status?.startTime === undefined
    ? undefined
    : Date.parse(job.status.startTime) + job.spec.activeDeadlineSeconds * 1_000

/** Of an indexed Job: which indexes are done and, with a limit for each, which failed. */
export const indexStatus = (job: Job, tally: Tally): { readonly completedIndexes?: string; readonly failedIndexes?: string } => {
  const text = isIndexed(job) ? formatIndexes(tally.doneIndexes) : ''
  return {
    ...(text ? { completedIndexes: text } : {}),
    ...(tally.failedIndexes ? { failedIndexes: formatIndexes(tally.failedIndexes) } : {}),
  }
}
