import { collect } from '../checks/faults.ts'
import { defaultTemplateOf } from '../defaults/pod-spec.ts'
import { podTemplate as podTemplateResource } from '../generated/resources.ts'
import type { PodTemplate } from '../generated/types.ts'
import { defineKind } from '../kind.ts'
import { checkPodTemplate } from './pod-spec/pod-spec.ts'

export const podTemplate = defineKind<PodTemplate>(podTemplateResource, {
  generation: false,
  default: defaultTemplateOf,
  validate: (next) => collect((faults) => checkPodTemplate(faults, next.template, 'template')),
})
