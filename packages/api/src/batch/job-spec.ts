import { invalidValue, notSupported, quoted, required, tooLong } from '@skiff/machinery'
import { checkDomainPath } from '../checks/domain-path.ts'
import { checkNonNegative, type Faults, invalidShown } from '../checks/faults.ts'
import { goSelector, goTemplateLabels } from '../checks/go-syntax.ts'
import { checkLabelSelector, selectorMatches } from '../checks/label-selector.ts'
import { checkPodTemplate } from '../core/pod-spec/pod-spec.ts'
import type { JobSpec, JobTemplateSpec } from '../generated/types.ts'
import { checkFailurePolicy, checkSuccessPolicy } from './job-policies.ts'

const mostParallelIndexed = 100_000
const mostFailedIndexes = 100_000
/** Above so many completions the lists of indexes grow long, and tighter limits hold. */
const manyCompletions = 100_000
const limitForMany = 10_000
const longestManager = 63

/** What holds for jobs and for the templates of cron jobs alike. */
export const checkJobSpec = (faults: Faults, spec: JobSpec, path: string): void => {
  for (const field of [
    'parallelism',
    'completions',
    'activeDeadlineSeconds',
    'backoffLimit',
    'ttlSecondsAfterFinished',
    'backoffLimitPerIndex',
    'maxFailedIndexes',
  ] as const)
    checkNonNegative(faults, spec[field], `${path}.${field}`)
  if (spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined)
    faults.push(required(`${path}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified'))
  if (spec.managedBy !== undefined) checkManager(faults, spec.managedBy, `${path}.managedBy`)
  const mode = spec.completionMode ?? ('NonIndexed' as string)
  if (mode === 'Indexed') checkIndexed(faults, spec, path)
  else if (mode !== 'NonIndexed') faults.push(notSupported(`${path}.completionMode`, mode, ['NonIndexed', 'Indexed']))
  else
    for (const field of ['backoffLimitPerIndex', 'maxFailedIndexes'] as const)
      if (spec[field] !== undefined) faults.push(invalidValue(`${path}.${field}`, spec[field], 'requires indexed completion mode'))
  if (spec.podFailurePolicy) checkFailurePolicy(faults, spec, `${path}.podFailurePolicy`)
  if (spec.successPolicy) {
    if (mode === 'Indexed') checkSuccessPolicy(faults, spec, `${path}.successPolicy`)
    else faults.push(invalidShown(`${path}.successPolicy`, 'batch.SuccessPolicy{}', 'requires indexed completion mode'))
  }
  const replacement = spec.podReplacementPolicy
  const allowed = spec.podFailurePolicy ? ['Failed'] : ['Failed', 'TerminatingOrFailed']
  if (replacement !== undefined && !allowed.includes(replacement))
    faults.push(notSupported(`${path}.podReplacementPolicy`, replacement, allowed))
  checkPodTemplate(faults, spec.template, `${path}.template`)
  checkRestartPolicy(faults, spec, `${path}.template.spec.restartPolicy`)
}

const checkManager = (faults: Faults, name: string, path: string): void => {
  checkDomainPath(faults, name, path)
  if (name.length > longestManager) faults.push(tooLong(path, '', longestManager))
}

const checkIndexed = (faults: Faults, spec: JobSpec, path: string): void => {
  const { completions, parallelism = 0, maxFailedIndexes } = spec
  const above = (field: string, value: number, limit: number, when = '') => {
    if (value > limit) faults.push(invalidValue(`${path}.${field}`, value, `must be less than or equal to ${limit}${when}`))
  }
  if (completions === undefined) faults.push(required(`${path}.completions`, 'when completion mode is Indexed'))
  above('parallelism', parallelism, mostParallelIndexed, ' when completion mode is Indexed')
  if (completions !== undefined && maxFailedIndexes !== undefined && maxFailedIndexes > completions)
    faults.push(invalidValue(`${path}.maxFailedIndexes`, maxFailedIndexes, 'must be less than or equal to completions'))
  above('maxFailedIndexes', maxFailedIndexes ?? 0, mostFailedIndexes)
  if ((completions ?? 0) <= manyCompletions || spec.backoffLimitPerIndex === undefined) return
  if (maxFailedIndexes === undefined)
    faults.push(required(`${path}.maxFailedIndexes`, `must be specified when completions is above ${manyCompletions}`))
  const when = ` when completions are above ${manyCompletions} and used with backoff limit per index`
  above('parallelism', parallelism, limitForMany, when)
  above('maxFailedIndexes', maxFailedIndexes ?? 0, limitForMany, when)
}

const checkRestartPolicy = (faults: Faults, spec: JobSpec, path: string): void => {
  const policy = spec.template?.spec?.restartPolicy ?? ''
  // Always is what an absent one became.
  if (policy === 'Always' || policy === '') faults.push(required(path, `valid values: ${quoted('OnFailure')}, ${quoted('Never')}`))
  else if (policy !== 'OnFailure' && policy !== 'Never') faults.push(notSupported(path, policy, ['OnFailure', 'Never']))
  else if (spec.podFailurePolicy && policy !== 'Never')
    faults.push(invalidValue(path, policy, 'only "Never" is supported when podFailurePolicy is specified'))
}

/** A job's own spec has a selector by now. */
export const checkWholeJobSpec = (faults: Faults, spec: JobSpec): void => {
  checkJobSpec(faults, spec, 'spec')
  if (spec.selector === undefined) faults.push(required('spec.selector'))
  else checkLabelSelector(faults, spec.selector, 'spec.selector')
  const labels = spec.template?.metadata?.labels
  if (selectorMatches(spec.selector, labels) === false)
    faults.push(
      invalidShown('spec.template.metadata.labels', goTemplateLabels(spec.template), '`selector` does not match template `labels`'),
    )
}

export const checkJobTemplate = (faults: Faults, template: JobTemplateSpec | undefined, path: string): void => {
  const spec = template?.spec ?? ({} as JobSpec)
  checkJobSpec(faults, spec, `${path}.spec`)
  if (spec.selector) faults.push(invalidShown(`${path}.spec.selector`, goSelector(spec.selector), '`selector` will be auto-generated'))
  if (spec.manualSelector === true) faults.push(notSupported(`${path}.spec.manualSelector`, true, ['nil', 'false']))
}
