import { withDefaults, withField } from '../defaults/patch.ts'
import { defaultTemplateOf } from '../defaults/pod-spec.ts'
import type { JobSpec, JobTemplateSpec } from '../generated/types.ts'

const unlimited = 2 ** 31 - 1

/** Of a job itself; the template in a cron job keeps what its author wrote. */
export const defaultJobSpec = (spec: JobSpec): JobSpec => {
  const single = spec.completions === undefined && spec.parallelism === undefined ? { completions: 1 } : {}
  return withDefaults(withConditionStatus(defaultTemplateOf(spec)), {
    ...single,
    parallelism: 1,
    backoffLimit: spec.backoffLimitPerIndex === undefined ? 6 : unlimited,
    completionMode: 'NonIndexed',
    suspend: false,
    manualSelector: false,
    podReplacementPolicy: spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed',
  })
}

const withConditionStatus = (spec: JobSpec): JobSpec => {
  const rules = spec.podFailurePolicy?.rules
  if (!rules?.some((rule) => rule.onPodConditions?.some((each) => !each.status))) return spec
  const filled = rules.map((rule) =>
    rule.onPodConditions
      ? { ...rule, onPodConditions: rule.onPodConditions.map((each) => ({ ...each, status: each.status || 'True' })) }
      : rule,
  )
  return { ...spec, podFailurePolicy: { rules: filled } }
}

/** The pods of the jobs to come are defaulted already. */
export const defaultJobTemplate = (template: JobTemplateSpec | undefined): JobTemplateSpec => {
  const present = template ?? {}
  return withField(present, 'spec', withConditionStatus(defaultTemplateOf(present.spec ?? ({} as JobSpec))))
}
