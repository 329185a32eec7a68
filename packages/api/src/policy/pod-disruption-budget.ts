import { nameIsPathSegment } from '@skiff/machinery'
import { checkNonNegative, checkSupported, collect, type Faults, invalidShown } from '../checks/faults.ts'
import { goPointer, goStruct } from '../checks/go-syntax.ts'
import { checkAtMostAll, checkIntOrPercent } from '../checks/int-or-percent.ts'
import { checkLabelSelector } from '../checks/label-selector.ts'
import { podDisruptionBudget as podDisruptionBudgetResource } from '../generated/resources.ts'
import type { PodDisruptionBudget, PodDisruptionBudgetSpec } from '../generated/types.ts'
import { defineKind } from '../kind.ts'

const goSpec = (spec: PodDisruptionBudgetSpec): string =>
  goStruct('policy.PodDisruptionBudgetSpec', {
    MinAvailable: goPointer('intstr.IntOrString', spec.minAvailable),
    Selector: goPointer('v1.LabelSelector', spec.selector),
    MaxUnavailable: goPointer('intstr.IntOrString', spec.maxUnavailable),
    UnhealthyPodEvictionPolicy: goPointer('policy.UnhealthyPodEvictionPolicyType', spec.unhealthyPodEvictionPolicy),
  })

const checkSpec = (faults: Faults, spec: PodDisruptionBudgetSpec): void => {
  if (spec.minAvailable !== undefined && spec.maxUnavailable !== undefined)
    faults.push(invalidShown('spec', goSpec(spec), 'minAvailable and maxUnavailable cannot be both set'))
  for (const field of ['minAvailable', 'maxUnavailable'] as const) {
    const value = spec[field]
    if (value === undefined) continue
    checkIntOrPercent(faults, value, `spec.${field}`)
    checkAtMostAll(faults, value, `spec.${field}`)
  }
  checkLabelSelector(faults, spec.selector, 'spec.selector')
  checkSupported(faults, spec.unhealthyPodEvictionPolicy, ['AlwaysAllow', 'IfHealthyBudget'], 'spec.unhealthyPodEvictionPolicy')
}

export const podDisruptionBudget = defineKind<PodDisruptionBudget>(podDisruptionBudgetResource, {
  requireResourceVersion: true,
  // Upstream never looks closer.
  validateName: nameIsPathSegment,
  validate: (next) => collect((faults) => checkSpec(faults, next.spec)),
  subresources: {
    status: {
      prepareForUpdate: (next, old) => ({ ...next, spec: old.spec }),
      validateUpdate: (next) =>
        collect((faults) => {
          for (const field of ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] as const)
            checkNonNegative(faults, next.status?.[field], `status.${field}`)
        }),
    },
  },
})
