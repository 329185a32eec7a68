import { invalidValue, isDns1123Label, required } from '@skiff/machinery'
import { checkImmutable, collect, type Faults, immutableText, invalidShown, isEmptyMap, orNull, same } from '../checks/faults.ts'
import { goSelector, goStringMap, goTemplate } from '../checks/go-syntax.ts'
import { selectorMatches } from '../checks/label-selector.ts'
import { checkSelectorFixed } from '../checks/workload.ts'
import { ownerNameWarnings } from '../core/pod-spec/warnings.ts'
import { withField } from '../defaults/patch.ts'
import { job as jobResource } from '../generated/resources.ts'
import type { Job, JobSpec, PodTemplateSpec } from '../generated/types.ts'
import { defineKind } from '../kind.ts'
import { defaultJobSpec } from './job-default.ts'
import { checkWholeJobSpec } from './job-spec.ts'
import { checkJobStatus } from './job-status.ts'
import { jobSpecWarnings } from './job-warnings.ts'

const uidLabel = 'batch.kubernetes.io/controller-uid'
const nameLabel = 'batch.kubernetes.io/job-name'
const oldUidLabel = 'controller-uid'
const oldNameLabel = 'job-name'

/** Pods of jobs are told apart by the job's uid, unless the user takes that on. */
const withGeneratedSelector = (job: Job): Job => {
  const { spec, metadata } = job
  if (spec.manualSelector === true) return job
  const { name = '', uid } = metadata
  const generated = { [oldNameLabel]: name, [oldUidLabel]: uid, [nameLabel]: name, [uidLabel]: uid }
  // What the user set stays, and is refused below where it differs.
  const labels = { ...generated, ...spec.template?.metadata?.labels }
  const template = { ...spec.template, metadata: { ...spec.template?.metadata, labels } } as PodTemplateSpec
  const matchLabels = { [uidLabel]: uid, ...spec.selector?.matchLabels }
  // Labels that the job took from its template are the same map in Go, and grow with it.
  const shared = spec.template?.metadata?.labels
  const own = shared !== undefined && metadata.labels === shared ? { metadata: { ...metadata, labels } } : {}
  return { ...job, ...own, spec: { ...spec, template, selector: { ...spec.selector, matchLabels } } }
}

const checkGenerated = (faults: Faults, { spec, metadata }: Job): void => {
  if (spec.manualSelector === true || spec.selector === undefined) return
  const { name = '', uid } = metadata
  const expected = { [oldUidLabel]: uid, [oldNameLabel]: name, [uidLabel]: uid, [nameLabel]: name }
  const labels = spec.template?.metadata?.labels
  for (const [label, value] of Object.entries(expected)) {
    const path = `spec.template.metadata.labels[${label}]`
    if (labels?.[label] === undefined) faults.push(required(path, `must be '${value}'`))
    else if (labels[label] !== value) faults.push(invalidShown(path, goStringMap(labels), `must be '${value}'`))
  }
  if (selectorMatches(spec.selector, expected) === false)
    faults.push(invalidShown('spec.selector', goSelector(spec.selector), '`selector` not auto-generated'))
}

const checkJob = (faults: Faults, job: Job): void => {
  const { spec, metadata } = job
  checkGenerated(faults, job)
  checkWholeJobSpec(faults, spec)
  if (spec.completionMode !== 'Indexed' || !spec.completions) return
  const hostname = `${metadata.name ?? ''}-${spec.completions - 1}`
  if (isDns1123Label(hostname).length > 0)
    faults.push(invalidValue('metadata.name', metadata.name, `will not able to create pod with invalid DNS label: ${hostname}`))
}

const checkUpdate = (faults: Faults, next: Job, old: Job): void => {
  checkWholeJobSpec(faults, next.spec)
  checkCompletions(faults, next.spec, old.spec)
  checkSelectorFixed(faults, next.spec.selector, old.spec.selector)
  if (!same(fixedTemplate(next.spec, old), fixedTemplate(old.spec, old)))
    faults.push(invalidShown('spec.template', goTemplate(next.spec.template), immutableText))
  for (const field of ['completionMode', 'podFailurePolicy', 'backoffLimitPerIndex', 'managedBy', 'successPolicy'] as const)
    checkImmutable(faults, next.spec[field], old.spec[field], `spec.${field}`)
}

/** Completions of indexed jobs follow parallelism. */
const checkCompletions = (faults: Faults, next: JobSpec, old: JobSpec): void => {
  if (next.completionMode !== 'Indexed') checkImmutable(faults, next.completions, old.completions, 'spec.completions')
  else if (next.completions !== undefined && next.completions !== old.completions && next.completions !== next.parallelism)
    faults.push(invalidValue('spec.completions', orNull(next.completions), 'can only be modified in tandem with spec.parallelism'))
}

/** A suspended job that never started may be placed anew. */
const fixedTemplate = (spec: JobSpec, old: Job): unknown => {
  const { template } = spec
  const movable = old.spec.suspend === true && old.status?.startTime === undefined
  if (!movable || template?.spec === undefined) return template
  const { nodeSelector: _a, tolerations: _b, schedulingGates: _c, affinity, ...rest } = template.spec
  const { nodeAffinity: _d, ...others } = affinity ?? {}
  const { labels: _e, annotations: _f, ...metadata } = (template.metadata ?? {}) as Partial<NonNullable<PodTemplateSpec['metadata']>>
  return { metadata, spec: { ...rest, ...(Object.keys(others).length > 0 ? { affinity: others } : {}) } }
}

export const job = defineKind<Job>(jobResource, {
  // Jobs came before garbage collection.
  defaultPropagation: 'Orphan',
  default: (object) => {
    const next = withField(object, 'spec', defaultJobSpec(object.spec))
    const labels = next.spec.template?.metadata?.labels
    if (!labels || !isEmptyMap(next.metadata.labels)) return next
    return { ...next, metadata: { ...next.metadata, labels } }
  },
  prepareForCreate: (next) => withGeneratedSelector(next),
  createChecksOnUpdate: 1,
  warnings: (next, old) => {
    if (old !== undefined && old.metadata.generation === next.metadata.generation) return []
    return [...(old ? [] : ownerNameWarnings(next.metadata.name)), ...jobSpecWarnings(next.spec, 'spec')]
  },
  validate: (next) => collect((faults) => checkJob(faults, next)),
  validateUpdate: (next, old) => collect((faults) => checkUpdate(faults, next, old)),
  subresources: {
    status: {
      prepareForUpdate: (next, old) => ({ ...next, spec: old.spec }),
      validateUpdate: (next, old) => collect((faults) => checkJobStatus(faults, next, old)),
    },
  },
})
