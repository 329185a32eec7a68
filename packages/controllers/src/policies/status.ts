import { customResourceDefinition, type ValidatingAdmissionPolicy, validatingAdmissionPolicy } from '@skiff/api'
import type { Views } from '@skiff/client'
import { type Controller, objectController, reading } from '../runner/controller.ts'
import { type Steps, updateStatus } from '../runner/step.ts'
import { typeWarnings } from './type-check.ts'

/** Says in a policy's status what its expressions get wrong about the kinds that it is for, once for each generation. */
export const planPolicyStatus = (policy: ValidatingAdmissionPolicy, views: Views): Steps => {
  const { generation } = policy.metadata
  if (generation === undefined || generation <= (policy.status?.observedGeneration ?? 0)) return []
  const expressionWarnings = typeWarnings(policy, [...views.view(customResourceDefinition).list()])
  const typeChecking = expressionWarnings.length > 0 ? { expressionWarnings } : {}
  return [
    updateStatus(validatingAdmissionPolicy, { ...policy, status: { ...policy.status, observedGeneration: generation, typeChecking } }),
  ]
}

export const policyStatusController = (): Controller =>
  objectController<ValidatingAdmissionPolicy>({
    name: 'validatingadmissionpolicy-status-controller',
    account: 'validatingadmissionpolicy-status-controller',
    resource: validatingAdmissionPolicy,
    watches: [reading(customResourceDefinition)],
    plan: planPolicyStatus,
  })
