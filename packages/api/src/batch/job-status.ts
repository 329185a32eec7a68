import { duplicate, type FieldError, invalidValue, parseTimeMs, required } from '@skiff/machinery'
import { checkNonNegative, type Faults, same } from '../checks/faults.ts'
import type { Job, JobStatus } from '../generated/types.ts'

const invalidAlone = (path: string, text: string): FieldError => ({
  reason: 'FieldValueInvalid',
  field: path,
  body: `Invalid value: ${text}`,
})

const isTrue = (status: JobStatus | undefined, type: string): boolean =>
  status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false

/** What a job controller may say: counts that fit, and endings that are final. */
export const checkJobStatus = (faults: Faults, next: Job, old: Job): void => {
  const status = next.status ?? {}
  for (const field of ['active', 'succeeded', 'failed', 'ready', 'terminating'] as const)
    checkNonNegative(faults, status[field], `status.${field}`)
  checkUncounted(faults, status)
  checkConditions(faults, status)
  checkTimes(faults, status)
  checkFinished(faults, next, status)
  checkSteps(faults, next, status, old.status ?? {})
}

const checkUncounted = (faults: Faults, { uncountedTerminatedPods: pods }: JobStatus): void => {
  const seen = new Set<string>()
  for (const field of ['succeeded', 'failed'] as const)
    pods?.[field]?.forEach((uid, index) => {
      const path = `status.uncountedTerminatedPods.${field}[${index}]`
      if (uid === '') faults.push(invalidValue(path, uid, 'must not be empty'))
      else if (seen.has(uid)) faults.push(duplicate(path, uid))
      seen.add(uid)
    })
}

const checkConditions = (faults: Faults, status: JobStatus): void => {
  const path = 'status.conditions'
  const [complete, failed] = [isTrue(status, 'Complete'), isTrue(status, 'Failed')]
  const [failing, succeeded] = [isTrue(status, 'FailureTarget'), isTrue(status, 'SuccessCriteriaMet')]
  const refuse = (when: boolean, text: string) => {
    if (when) faults.push(invalidAlone(path, text))
  }
  refuse(complete && failed, 'cannot set Complete=True and Failed=true conditions')
  refuse(complete && failing, 'cannot set Complete=True and FailureTarget=true conditions')
  refuse(failed && !failing, 'cannot set Failed=True condition without the FailureTarget=true condition')
  refuse(complete && !succeeded, 'cannot set Complete=True condition without the SuccessCriteriaMet=true condition')
  refuse(succeeded && failed, 'cannot set SuccessCriteriaMet=True and Failed=true conditions')
  refuse(succeeded && failing, 'cannot set SuccessCriteriaMet=True and FailureTarget=true conditions')
}

const checkTimes = (faults: Faults, status: JobStatus): void => {
  const { startTime, completionTime } = status
  const complete = isTrue(status, 'Complete')
  const path = 'status.completionTime'
  if (completionTime !== undefined && !complete)
    faults.push(invalidValue(path, completionTime, 'cannot set completionTime when there is no Complete=True condition'))
  if (completionTime === undefined && complete) faults.push(required(path, 'completionTime is required for Complete jobs'))
  if (startTime !== undefined && completionTime !== undefined && parseTimeMs(completionTime) < parseTimeMs(startTime))
    faults.push(invalidValue(path, completionTime, 'completionTime cannot be set before startTime'))
}

const checkFinished = (faults: Faults, job: Job, status: JobStatus): void => {
  const { active = 0, ready, terminating = 0, uncountedTerminatedPods: pods } = status
  if (isTrue(status, 'Complete') || isTrue(status, 'Failed')) {
    if (active > 0) faults.push(invalidValue('status.active', active, 'active>0 is invalid for finished job'))
    if (status.startTime === undefined) faults.push(required('status.startTime', 'startTime is required for finished job'))
    if ((pods?.failed?.length ?? 0) + (pods?.succeeded?.length ?? 0) > 0)
      faults.push(invalidValue('status.uncountedTerminatedPods', pods, 'uncountedTerminatedPods needs to be empty for finished job'))
    if (terminating > 0) faults.push(invalidValue('status.terminating', terminating, 'terminating>0 is invalid for finished job'))
  }
  if (ready !== undefined && ready > active) faults.push(invalidValue('status.ready', ready, 'cannot set more ready pods than active'))
  if (status.completedIndexes && job.spec.completionMode !== 'Indexed')
    faults.push(
      invalidValue(
        'status.completedIndexes',
        status.completedIndexes,
        'cannot set non-empty completedIndexes when non-indexed completion mode',
      ),
    )
  if (status.failedIndexes !== undefined && job.spec.backoffLimitPerIndex === undefined)
    faults.push(
      invalidValue('status.failedIndexes', status.failedIndexes, 'cannot set non-null failedIndexes when backoffLimitPerIndex is null'),
    )
}

const checkSteps = (faults: Faults, job: Job, next: JobStatus, old: JobStatus): void => {
  for (const type of ['Failed', 'Complete', 'FailureTarget'])
    if (isTrue(old, type) && !isTrue(next, type))
      faults.push(invalidAlone('status.conditions', `cannot disable the terminal ${type}=True condition`))
  for (const field of ['failed', 'succeeded'] as const)
    if ((next[field] ?? 0) < (old[field] ?? 0))
      faults.push(invalidValue(`status.${field}`, next[field] ?? 0, `cannot decrease the ${field} counter`))
  if (next.completionTime !== undefined && old.completionTime !== undefined && next.completionTime !== old.completionTime)
    faults.push(invalidValue('status.completionTime', next.completionTime, 'completionTime cannot be mutated'))
  // As upstream since 1.33.6: a Job that is resumed starts anew.
  const isResumed = isTrue(old, 'Suspended') && next.startTime !== undefined && !isTrue(next, 'Suspended')
  if (old.startTime !== undefined && !same(old.startTime, next.startTime) && job.spec.suspend !== true && !isResumed)
    faults.push(required('status.startTime', 'startTime cannot be removed for unsuspended job'))
  if (isTrue(old, 'SuccessCriteriaMet') && !isTrue(next, 'SuccessCriteriaMet'))
    faults.push(invalidAlone('status.conditions', 'cannot disable the SuccessCriteriaMet=True condition'))
}
