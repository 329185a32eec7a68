import { validatingAdmissionPolicy } from './admissionregistration/validating-admission-policy.ts'
import { validatingAdmissionPolicyBinding } from './admissionregistration/validating-admission-policy-binding.ts'
import { mutatingWebhookConfiguration, validatingWebhookConfiguration } from './admissionregistration/webhook-configuration.ts'
import { customResourceDefinition } from './apiextensions/custom-resource-definition.ts'
import { apiService } from './apiregistration/api-service.ts'
import { controllerRevision } from './apps/controller-revision.ts'
import { daemonSet } from './apps/daemon-set.ts'
import { deployment } from './apps/deployment.ts'
import { replicaSet } from './apps/replica-set.ts'
import { statefulSet } from './apps/stateful-set.ts'
import { autoscalingV1HorizontalPodAutoscaler, horizontalPodAutoscaler } from './autoscaling/horizontal-pod-autoscaler.ts'
import { cronJob } from './batch/cron-job.ts'
import { job } from './batch/job.ts'
import { certificateSigningRequest } from './certificates/certificate-signing-request.ts'
import { lease } from './coordination/lease.ts'
import { configMap } from './core/config-map.ts'
import { endpoints } from './core/endpoints.ts'
import { event } from './core/event.ts'
import { limitRange } from './core/limit-range.ts'
import { namespace } from './core/namespace.ts'
import { node } from './core/node.ts'
import { persistentVolume } from './core/persistent-volume.ts'
import { persistentVolumeClaim } from './core/persistent-volume-claim.ts'
import { pod } from './core/pod.ts'
import { podTemplate } from './core/pod-template.ts'
import { replicationController } from './core/replication-controller.ts'
import { resourceQuota } from './core/resource-quota.ts'
import { secret } from './core/secret.ts'
import { service } from './core/service.ts'
import { serviceAccount } from './core/service-account.ts'
import { endpointSlice } from './discovery/endpoint-slice.ts'
import { eventsEvent } from './events/event.ts'
import { flowSchema } from './flowcontrol/flow-schema.ts'
import { priorityLevelConfiguration } from './flowcontrol/priority-level-configuration.ts'
import type { KindEntry } from './kind.ts'
import { ingress } from './networking/ingress.ts'
import { ingressClass } from './networking/ingress-class.ts'
import { ipAddress } from './networking/ip-address.ts'
import { networkPolicy } from './networking/network-policy.ts'
import { serviceCidr } from './networking/service-cidr.ts'
import { runtimeClass } from './node/runtime-class.ts'
import { podDisruptionBudget } from './policy/pod-disruption-budget.ts'
import { clusterRole, role } from './rbac/role.ts'
import { clusterRoleBinding, roleBinding } from './rbac/role-binding.ts'
import { priorityClass } from './scheduling/priority-class.ts'
import { csiDriver, csiNode, csiStorageCapacity } from './storage/csi.ts'
import { storageClass } from './storage/storage-class.ts'
import { volumeAttachment } from './storage/volume-attachment.ts'

/** Every kind with a behaviour of its own. Resources not named here follow the common rules of the registry. */
export const kinds: readonly KindEntry[] = [
  // core
  pod,
  podTemplate,
  replicationController,
  service,
  endpoints,
  node,
  namespace,
  configMap,
  secret,
  serviceAccount,
  event,
  limitRange,
  resourceQuota,
  persistentVolume,
  persistentVolumeClaim,
  // apps
  deployment,
  replicaSet,
  statefulSet,
  daemonSet,
  controllerRevision,
  // batch
  job,
  cronJob,
  // autoscaling
  horizontalPodAutoscaler,
  autoscalingV1HorizontalPodAutoscaler,
  // certificates.k8s.io
  certificateSigningRequest,
  // admissionregistration.k8s.io
  validatingWebhookConfiguration,
  mutatingWebhookConfiguration,
  validatingAdmissionPolicy,
  validatingAdmissionPolicyBinding,
  // flowcontrol.apiserver.k8s.io
  flowSchema,
  priorityLevelConfiguration,
  // apiregistration.k8s.io
  apiService,
  // apiextensions.k8s.io
  customResourceDefinition,
  // events.k8s.io
  eventsEvent,
  // coordination.k8s.io
  lease,
  // discovery.k8s.io
  endpointSlice,
  // networking.k8s.io
  networkPolicy,
  ingress,
  ingressClass,
  ipAddress,
  serviceCidr,
  // node.k8s.io
  runtimeClass,
  // policy
  podDisruptionBudget,
  // rbac.authorization.k8s.io
  role,
  roleBinding,
  clusterRole,
  clusterRoleBinding,
  // scheduling.k8s.io
  priorityClass,
  // storage.k8s.io
  storageClass,
  csiDriver,
  csiNode,
  csiStorageCapacity,
  volumeAttachment,
]
