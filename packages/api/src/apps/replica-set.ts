import { checkNonNegative, collect, type Faults } from '../checks/faults.ts'
import { checkReplicatedTemplate, checkSelectorFixed, checkWorkloadSelector } from '../checks/workload.ts'
import { ownerNameWarnings, templateWarnings } from '../core/pod-spec/warnings.ts'
import { checkReplicaStatus } from '../core/replica-status.ts'
import { withDefaults, withField } from '../defaults/patch.ts'
import { defaultTemplateOf } from '../defaults/pod-spec.ts'
import { replicaSet as replicaSetResource } from '../generated/resources.ts'
import type { ReplicaSet, ReplicaSetSpec } from '../generated/types.ts'
import { defineKind } from '../kind.ts'

const checkSpec = (faults: Faults, spec: ReplicaSetSpec): void => {
  checkNonNegative(faults, spec.replicas, 'spec.replicas')
  checkNonNegative(faults, spec.minReadySeconds, 'spec.minReadySeconds')
  // Upstream says deployment here.
  checkWorkloadSelector(faults, spec.selector, 'deployment')
  checkReplicatedTemplate(faults, spec.selector, spec.template, spec.replicas ?? 0)
}

export const replicaSet = defineKind<ReplicaSet>(replicaSetResource, {
  default: (object) => withField(object, 'spec', withDefaults(defaultTemplateOf(object.spec), { replicas: 1 })),
  createChecksOnUpdate: 1,
  warnings: (next, old) =>
    old !== undefined && old.metadata.generation === next.metadata.generation
      ? []
      : [...(old ? [] : ownerNameWarnings(next.metadata.name)), ...templateWarnings(next.spec.template, 'spec.template')],
  validate: (next) => collect((faults) => checkSpec(faults, next.spec)),
  validateUpdate: (next, old) =>
    collect((faults) => {
      checkSpec(faults, next.spec)
      checkSelectorFixed(faults, next.spec.selector, old.spec.selector)
    }),
  subresources: {
    status: {
      prepareForUpdate: (next, old) => ({ ...next, spec: old.spec }),
      validateUpdate: (next) => collect((faults) => checkReplicaStatus(faults, next.status)),
    },
  },
})
