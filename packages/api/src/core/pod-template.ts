import { collect } from '../checks/faults.ts'
import { defaultTemplateOf } from '../defaults/pod-spec.ts'
import { podTemplate as podTemplateResource } from '../generated/resources.ts'
import type { PodTemplate } from '../generated/types.ts'
import { defineKind } from '../kind.ts'
import { checkPodTemplate } from './pod-spec/pod-spec.ts'
import { templateWarnings } from './pod-spec/warnings.ts'

export const podTemplate = defineKind<PodTemplate>(podTemplateResource, {
  generation: false,
  default: defaultTemplateOf,
  warnings: (next) => templateWarnings(next.template, 'template'),
  validate: (next) => collect((faults) => checkPodTemplate(faults, next.template, 'template')),
})
