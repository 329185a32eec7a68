import { required } from '@skiff/machinery'
import { checkNonNegative, collect, type Faults, invalidShown, isEmptyMap } from '../checks/faults.ts'
import { goTemplateLabels } from '../checks/go-syntax.ts'
import { withField } from '../defaults/patch.ts'
import { defaultPodTemplate } from '../defaults/pod-spec.ts'
import { replicationController as replicationControllerResource } from '../generated/resources.ts'
import type { ReplicationController, ReplicationControllerSpec } from '../generated/types.ts'
import { defineKind } from '../kind.ts'
import { checkPodTemplate, checkRunsForever } from './pod-spec/pod-spec.ts'
import { ownerNameWarnings, templateWarnings } from './pod-spec/warnings.ts'
import { checkReplicaStatus } from './replica-status.ts'

/** Labels and selector come from the template where none are given. */
const defaultController = (controller: ReplicationController): ReplicationController => {
  const labels = controller.spec.template?.metadata?.labels
  let { spec } = controller
  if (spec.template) spec = withField(spec, 'template', defaultPodTemplate(spec.template))
  if (labels && isEmptyMap(spec.selector)) spec = { ...spec, selector: labels }
  const next = withField(controller, 'spec', spec)
  if (!labels || !isEmptyMap(next.metadata.labels)) return next
  return { ...next, metadata: { ...next.metadata, labels } }
}

const checkSpec = (faults: Faults, spec: ReplicationControllerSpec): void => {
  const { selector = {}, template } = spec
  checkNonNegative(faults, spec.minReadySeconds, 'spec.minReadySeconds')
  if (isEmptyMap(selector)) faults.push(required('spec.selector'))
  checkNonNegative(faults, spec.replicas, 'spec.replicas')
  if (template === undefined) {
    faults.push(required('spec.template'))
    return
  }
  const labels = template.metadata?.labels
  if (Object.entries(selector).some(([key, value]) => labels?.[key] !== value))
    faults.push(invalidShown('spec.template.metadata.labels', goTemplateLabels(template), '`selector` does not match template `labels`'))
  checkPodTemplate(faults, template, 'spec.template')
  checkRunsForever(faults, template, 'ReplicationController', 'spec.template')
}

export const replicationController = defineKind<ReplicationController>(replicationControllerResource, {
  defaultPropagation: 'Orphan',
  default: defaultController,
  createChecksOnUpdate: 2,
  warnings: (next, old) =>
    old !== undefined && old.metadata.generation === next.metadata.generation
      ? []
      : [...(old ? [] : ownerNameWarnings(next.metadata.name)), ...templateWarnings(next.spec.template, 'spec.template')],
  validate: (next) => collect((faults) => checkSpec(faults, next.spec)),
  subresources: {
    status: {
      prepareForUpdate: (next, old) => ({ ...next, spec: old.spec }),
      validateUpdate: (next) => collect((faults) => checkReplicaStatus(faults, next.status)),
    },
  },
})
