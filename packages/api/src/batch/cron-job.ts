import { addFaults, type FieldError, invalidValue, required } from '@skiff/machinery'
import { checkNonNegative, checkOneOf, collect, type Faults } from '../checks/faults.ts'
import { ownerNameWarnings } from '../core/pod-spec/warnings.ts'
import { withDefaults, withField } from '../defaults/patch.ts'
import { cronJob as cronJobResource } from '../generated/resources.ts'
import type { CronJob, CronJobSpec } from '../generated/types.ts'
import { defineKind } from '../kind.ts'
import { defaultJobTemplate } from './job-default.ts'
import { checkJobTemplate } from './job-spec.ts'
import { jobSpecWarnings } from './job-warnings.ts'
import { scheduleFault } from './schedule.ts'

/** The controller adds 11 characters to name a job, whose name may have 63. */
const longestName = 52
const defaults = { concurrencyPolicy: 'Allow', suspend: false, successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 } as const

const checkSpec = (faults: Faults, spec: CronJobSpec, old: CronJobSpec | undefined): void => {
  if (!spec.schedule) faults.push(required('spec.schedule'))
  else addFaults(faults, scheduleFaults(spec.schedule, spec.timeZone, old?.schedule.includes('TZ') ?? false))
  checkNonNegative(faults, spec.startingDeadlineSeconds, 'spec.startingDeadlineSeconds')
  if (spec.timeZone !== undefined && spec.timeZone !== old?.timeZone) checkTimeZone(faults, spec.timeZone)
  checkOneOf(faults, spec.concurrencyPolicy, ['Allow', 'Forbid', 'Replace'], 'spec.concurrencyPolicy')
  checkJobTemplate(faults, spec.jobTemplate, 'spec.jobTemplate')
  checkNonNegative(faults, spec.successfulJobsHistoryLimit, 'spec.successfulJobsHistoryLimit')
  checkNonNegative(faults, spec.failedJobsHistoryLimit, 'spec.failedJobsHistoryLimit')
}

const scheduleFaults = (schedule: string, timeZone: string | undefined, mayNameZone: boolean): FieldError[] => {
  const path = 'spec.schedule'
  const fault = scheduleFault(schedule)
  const found = fault === undefined ? [] : [invalidValue(path, schedule, fault)]
  if (!schedule.includes('TZ')) return found
  if (!mayNameZone) found.push(invalidValue(path, schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'))
  else if (timeZone !== undefined) found.push(invalidValue(path, schedule, 'cannot use both timeZone field and TZ or CRON_TZ in schedule'))
  return found
}

const zonePart = /^(?!-|\.{1,2}$)[A-Za-z._0-9+-]{1,14}$/

const checkTimeZone = (faults: Faults, zone: string): void => {
  const path = 'spec.timeZone'
  if (zone === '') faults.push(invalidValue(path, zone, 'timeZone must be nil or non-empty string'))
  else if (!zone.split('/').every((part) => zonePart.test(part))) faults.push(invalidValue(path, zone, `unknown time zone ${zone}`))
  else if (zone.toLowerCase() === 'local')
    faults.push(invalidValue(path, zone, 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones'))
  else if (!isKnownZone(zone)) faults.push(invalidValue(path, zone, `unknown time zone ${zone}`))
}

const isKnownZone = (zone: string): boolean => {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
    return true
  } catch {
    return false
  }
}

// Upstream's path really has spec twice.
const unofficialZone =
  'CRON_TZ or TZ used in spec.spec.schedule is not officially supported, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details'

export const cronJob = defineKind<CronJob>(cronJobResource, {
  default: (object) => {
    const spec = withDefaults(withField(object.spec, 'jobTemplate', defaultJobTemplate(object.spec.jobTemplate)), defaults)
    return withField(object, 'spec', spec)
  },
  warnings: (next, old) => {
    const changed = old === undefined || old.metadata.generation !== next.metadata.generation
    return [
      ...(old ? [] : ownerNameWarnings(next.metadata.name)),
      ...(changed ? jobSpecWarnings(next.spec.jobTemplate?.spec, 'spec.jobTemplate.spec') : []),
      ...(next.spec.schedule.includes('TZ') ? [unofficialZone] : []),
    ]
  },
  validate: (next) =>
    collect((faults) => {
      checkSpec(faults, next.spec, undefined)
      const name = next.metadata.name ?? ''
      if (name.length > longestName) faults.push(invalidValue('metadata.name', name, `must be no more than ${longestName} characters`))
    }),
  validateUpdate: (next, old) => collect((faults) => checkSpec(faults, next.spec, old.spec)),
  // Nothing of it is checked but the metadata that all objects have.
  subresources: { status: { prepareForUpdate: (next, old) => ({ ...next, spec: old.spec }) } },
})
