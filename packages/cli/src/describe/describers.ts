import { describeBinding, describeRole } from './access.ts'
import { describeAutoscaler } from './autoscaler.ts'
import { describeConfigMap, describeSecret, describeServiceAccount } from './configuration.ts'
import { describeGeneric } from './generic.ts'
import { describeIngress, describeIngressClass, describeIpAddress, describeServiceCidr } from './ingress.ts'
import { describeCronJob, describeJob } from './jobs.ts'
import { describeLimitRange, describeNamespace, describeResourceQuota } from './limits.ts'
import type { Describer } from './look.ts'
import { describeNetworkPolicy } from './network-policy.ts'
import { describeNode } from './node.ts'
import { describePod } from './pod.ts'
import { describePodDisruptionBudget, describePriorityClass } from './policies.ts'
import { describeEndpointSlice, describeEndpoints, describeService } from './services.ts'
import { describeCertificateSigningRequest } from './signing-request.ts'
import {
  describeCsiNode,
  describePersistentVolume,
  describePersistentVolumeClaim,
  describeStorageClass,
  describeVolumeAttributesClass,
} from './storage.ts'
import {
  describeDaemonSet,
  describeDeployment,
  describeReplicaSet,
  describeReplicationController,
  describeStatefulSet,
} from './workloads.ts'

/** By kind and group; all other kinds are described field by field. */
const describers: Readonly<Record<string, Describer>> = {
  Pod: describePod,
  ReplicationController: describeReplicationController,
  Secret: describeSecret,
  Service: describeService,
  ServiceAccount: describeServiceAccount,
  Node: describeNode,
  LimitRange: describeLimitRange,
  ResourceQuota: describeResourceQuota,
  PersistentVolume: describePersistentVolume,
  PersistentVolumeClaim: describePersistentVolumeClaim,
  Namespace: describeNamespace,
  Endpoints: describeEndpoints,
  ConfigMap: describeConfigMap,
  'EndpointSlice.discovery.k8s.io': describeEndpointSlice,
  'HorizontalPodAutoscaler.autoscaling': describeAutoscaler,
  'Ingress.networking.k8s.io': describeIngress,
  'IngressClass.networking.k8s.io': describeIngressClass,
  'ServiceCIDR.networking.k8s.io': describeServiceCidr,
  'IPAddress.networking.k8s.io': describeIpAddress,
  'NetworkPolicy.networking.k8s.io': describeNetworkPolicy,
  'Job.batch': describeJob,
  'CronJob.batch': describeCronJob,
  'StatefulSet.apps': describeStatefulSet,
  'Deployment.apps': describeDeployment,
  'DaemonSet.apps': describeDaemonSet,
  'ReplicaSet.apps': describeReplicaSet,
  'CertificateSigningRequest.certificates.k8s.io': describeCertificateSigningRequest,
  'StorageClass.storage.k8s.io': describeStorageClass,
  'CSINode.storage.k8s.io': describeCsiNode,
  'VolumeAttributesClass.storage.k8s.io': describeVolumeAttributesClass,
  'PodDisruptionBudget.policy': describePodDisruptionBudget,
  'Role.rbac.authorization.k8s.io': describeRole,
  'ClusterRole.rbac.authorization.k8s.io': describeRole,
  'RoleBinding.rbac.authorization.k8s.io': describeBinding,
  'ClusterRoleBinding.rbac.authorization.k8s.io': describeBinding,
  'PriorityClass.scheduling.k8s.io': describePriorityClass,
}

/** The describer of a kind. */
export const describerOf = ({ kind, group }: { readonly kind: string; readonly group: string }): Describer => {
  const key = group === '' ? kind : `${kind}.${group}`
  return Object.hasOwn(describers, key) ? (describers[key] as Describer) : describeGeneric
}
