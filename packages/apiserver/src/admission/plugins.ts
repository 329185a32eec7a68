import type { AdmissionPlugin } from './admission.ts'
import { certificateApproval, certificateSigning, certificateSubjectRestriction } from './certificates.ts'
import { defaultIngressClass } from './default-ingress-class.ts'
import { defaultTolerationSeconds, type NodePatience } from './default-toleration-seconds.ts'
import { validatingAdmissionPolicies } from './dynamic/policies.ts'
import { mutatingWebhooks, validatingWebhooks, type WebhookSources } from './dynamic/webhooks.ts'
import { escalation } from './escalation.ts'
import { limitRanger } from './limit-ranger.ts'
import { namespaceLifecycle } from './namespace-lifecycle.ts'
import { nodeRestriction } from './node-restriction.ts'
import { podSecurity } from './pod-security/pod-security.ts'
import { priority } from './priority.ts'
import { resourceQuota } from './quota/resource-quota.ts'
import { runtimeClass } from './runtime-class.ts'
import { serviceAccount } from './service-account.ts'
import { defaultStorageClass, persistentVolumeClaimResize, storageObjectInUseProtection } from './storage-classes.ts'
import { taintNodesByCondition } from './taint-nodes.ts'

/** All plugins in upstream's order; the quota comes last, when nothing else can refuse any more. */
export const builtinAdmission = (sources: WebhookSources, nodePatience: NodePatience = {}): readonly AdmissionPlugin[] => {
  const compiledIn = [
    namespaceLifecycle(sources),
    limitRanger(sources),
    serviceAccount(sources),
    nodeRestriction(sources),
    taintNodesByCondition,
    podSecurity(sources),
    escalation(sources),
    priority(sources),
    defaultTolerationSeconds(nodePatience),
    defaultStorageClass(sources),
    storageObjectInUseProtection,
    persistentVolumeClaimResize(sources),
    runtimeClass(sources),
    certificateApproval(sources),
    certificateSigning(sources),
    certificateSubjectRestriction,
    defaultIngressClass(sources),
  ]
  return [
    ...compiledIn,
    mutatingWebhooks(sources, compiledIn),
    validatingAdmissionPolicies(sources),
    validatingWebhooks(sources),
    resourceQuota(sources),
  ]
}
