import { v2beta1, v2beta2 } from './autoscaler.ts'
import { certificateSigningRequest } from './certificate.ts'
import { customResourceDefinition } from './definition.ts'
import { disruptionBudget } from './disruption-budget.ts'
import { endpointSlice } from './endpoint-slice.ts'
import { event } from './event.ts'
import { ingress } from './ingress.ts'
import type { Form, LegacyKind, Lifecycle } from './legacy-kind.ts'
import { alphaBinding, alphaRuntimeClass, assuredShares, betaBinding, nominalShares, subjectReview } from './renamed-fields.ts'
import { webhookConfiguration } from './webhooks.ts'
import {
  appsV1beta1Deployment,
  appsV1beta1StatefulSet,
  extensionsDaemonSet,
  extensionsDeployment,
  extensionsReplicaSet,
  orphaning,
} from './workloads.ts'

/** A resource in the version `group/version` that `of` serves today; deprecated and removed in these minor releases. */
const kind = (apiVersion: string, of: string, lifecycle: Lifecycle | undefined, form: Form & Partial<LegacyKind> = {}): LegacyKind => {
  const [group = '', version = ''] = apiVersion.split('/')
  return { group, version, of, ...(lifecycle ? { lifecycle } : {}), ...form }
}
const life = (deprecated: number, removed: number, use?: string): Lifecycle => ({ deprecated, removed, ...(use ? { use } : {}) })

const extensions = (name: string) => ({ type: `io.k8s.api.extensions.v1beta1.${name}` })
const beta = (group: string) => `${group}.k8s.io/v1beta1`
const v1 = (group: string, plural: string) => `${group}.k8s.io/v1/${plural}`

const authorization = ['SelfSubjectAccessReview', 'SelfSubjectRulesReview', 'SubjectAccessReview', 'LocalSubjectAccessReview'].map(
  (name) => {
    const form = name === 'SubjectAccessReview' || name === 'LocalSubjectAccessReview' ? subjectReview : {}
    return kind(beta('authorization'), v1('authorization', `${name.toLowerCase()}s`), life(19, 22, `authorization.k8s.io/v1 ${name}`), form)
  },
)

const roles = [
  ['Role', 'roles'],
  ['RoleBinding', 'rolebindings'],
  ['ClusterRole', 'clusterroles'],
  ['ClusterRoleBinding', 'clusterrolebindings'],
].flatMap(([name = '', plural = '']) => {
  const bindings = plural.endsWith('bindings')
  const of = v1('rbac.authorization', plural)
  return [
    kind('rbac.authorization.k8s.io/v1alpha1', of, undefined, bindings ? alphaBinding : {}),
    kind(beta('rbac.authorization'), of, life(17, 22, `rbac.authorization.k8s.io/v1 ${name}`), bindings ? betaBinding : {}),
  ]
})

const flows = ['FlowSchema', 'PriorityLevelConfiguration'].flatMap((name) => {
  const of = v1('flowcontrol.apiserver', `${name.toLowerCase()}s`)
  const isLevel = name === 'PriorityLevelConfiguration'
  const use = (version: string) => `flowcontrol.apiserver.k8s.io/${version} ${name}`
  const versioned = (version: string, lifecycle: Lifecycle, form: Form) =>
    kind(`flowcontrol.apiserver.k8s.io/${version}`, of, lifecycle, isLevel ? form : {})
  return [
    versioned('v1beta1', life(23, 26, use('v1beta3')), assuredShares),
    versioned('v1beta2', life(26, 29, use('v1beta3')), assuredShares),
    versioned('v1beta3', life(29, 32, use('v1')), nominalShares),
  ]
})

/** Every version that upstream removed and that has types. */
export const legacyKinds: readonly LegacyKind[] = [
  kind('extensions/v1beta1', 'apps/v1/deployments', life(8, 16, 'apps/v1 Deployment'), {
    ...extensionsDeployment,
    ...extensions('Deployment'),
    rollback: true,
  }),
  kind('extensions/v1beta1', 'apps/v1/daemonsets', life(8, 16, 'apps/v1 DaemonSet'), {
    ...extensionsDaemonSet,
    ...extensions('DaemonSet'),
  }),
  kind('extensions/v1beta1', 'apps/v1/replicasets', life(8, 16, 'apps/v1 ReplicaSet'), {
    ...extensionsReplicaSet,
    ...extensions('ReplicaSet'),
  }),
  kind('extensions/v1beta1', v1('networking', 'ingresses'), life(14, 22, 'networking.k8s.io/v1 Ingress'), {
    ...ingress,
    ...extensions('Ingress'),
  }),
  kind(
    'extensions/v1beta1',
    v1('networking', 'networkpolicies'),
    life(9, 16, 'networking.k8s.io/v1 NetworkPolicy'),
    extensions('NetworkPolicy'),
  ),
  kind('apps/v1beta1', 'apps/v1/deployments', life(8, 16, 'apps/v1 Deployment'), { ...appsV1beta1Deployment, rollback: true }),
  kind('apps/v1beta1', 'apps/v1/statefulsets', life(8, 16, 'apps/v1 StatefulSet'), appsV1beta1StatefulSet),
  kind('apps/v1beta1', 'apps/v1/controllerrevisions', life(8, 16, 'apps/v1 ControllerRevision')),
  kind('apps/v1beta2', 'apps/v1/deployments', life(9, 16, 'apps/v1 Deployment'), orphaning),
  kind('apps/v1beta2', 'apps/v1/statefulsets', life(9, 16, 'apps/v1 StatefulSet'), orphaning),
  kind('apps/v1beta2', 'apps/v1/daemonsets', life(9, 16, 'apps/v1 DaemonSet'), orphaning),
  kind('apps/v1beta2', 'apps/v1/replicasets', life(9, 16, 'apps/v1 ReplicaSet'), orphaning),
  kind('apps/v1beta2', 'apps/v1/controllerrevisions', life(9, 16, 'apps/v1 ControllerRevision')),
  kind('batch/v1beta1', 'batch/v1/cronjobs', life(21, 25, 'batch/v1 CronJob'), orphaning),
  kind('policy/v1beta1', 'policy/v1/poddisruptionbudgets', life(21, 25, 'policy/v1 PodDisruptionBudget'), disruptionBudget),
  kind('autoscaling/v2beta1', 'autoscaling/v2/horizontalpodautoscalers', life(22, 25, 'autoscaling/v2 HorizontalPodAutoscaler'), v2beta1),
  kind('autoscaling/v2beta2', 'autoscaling/v2/horizontalpodautoscalers', life(23, 26, 'autoscaling/v2 HorizontalPodAutoscaler'), v2beta2),
  kind(beta('discovery'), v1('discovery', 'endpointslices'), life(21, 25, 'discovery.k8s.io/v1 EndpointSlice'), endpointSlice),
  kind(beta('events'), v1('events', 'events'), life(22, 25), event),
  kind(beta('networking'), v1('networking', 'ingresses'), life(19, 22, 'networking.k8s.io/v1 Ingress'), ingress),
  kind(beta('networking'), v1('networking', 'ingressclasses'), life(19, 22, 'networking.k8s.io/v1 IngressClassList')),
  kind(beta('storage'), v1('storage', 'storageclasses'), life(19, 22, 'storage.k8s.io/v1 StorageClass')),
  kind(beta('storage'), v1('storage', 'csidrivers'), life(19, 22, 'storage.k8s.io/v1 CSIDriver')),
  kind(beta('storage'), v1('storage', 'csinodes'), life(17, 22, 'storage.k8s.io/v1 CSINode')),
  kind(beta('storage'), v1('storage', 'volumeattachments'), life(19, 22, 'storage.k8s.io/v1 VolumeAttachment')),
  kind(beta('storage'), v1('storage', 'csistoragecapacities'), life(24, 27, 'storage.k8s.io/v1 CSIStorageCapacity')),
  kind('storage.k8s.io/v1alpha1', v1('storage', 'volumeattachments'), life(21, 24, 'storage.k8s.io/v1 VolumeAttachment')),
  kind('scheduling.k8s.io/v1alpha1', v1('scheduling', 'priorityclasses'), undefined),
  kind(beta('scheduling'), v1('scheduling', 'priorityclasses'), life(14, 22, 'scheduling.k8s.io/v1 PriorityClass')),
  kind(beta('coordination'), v1('coordination', 'leases'), life(19, 22, 'coordination.k8s.io/v1 Lease')),
  kind(
    beta('certificates'),
    v1('certificates', 'certificatesigningrequests'),
    life(19, 22, 'certificates.k8s.io/v1 CertificateSigningRequest'),
    certificateSigningRequest,
  ),
  ...roles,
  ...['Validating', 'Mutating'].map((name) =>
    kind(
      beta('admissionregistration'),
      v1('admissionregistration', `${name.toLowerCase()}webhookconfigurations`),
      life(16, 22, `admissionregistration.k8s.io/v1 ${name}WebhookConfiguration`),
      webhookConfiguration,
    ),
  ),
  kind(beta('authentication'), v1('authentication', 'tokenreviews'), life(19, 22, 'authentication.k8s.io/v1 TokenReview')),
  kind(beta('authentication'), v1('authentication', 'selfsubjectreviews'), life(30, 33, 'authentication.k8s.io/v1 SelfSubjectReview')),
  ...authorization,
  kind('node.k8s.io/v1alpha1', v1('node', 'runtimeclasses'), undefined, alphaRuntimeClass),
  kind(beta('node'), v1('node', 'runtimeclasses'), life(22, 25)),
  ...flows,
  kind(
    beta('apiextensions'),
    v1('apiextensions', 'customresourcedefinitions'),
    life(16, 22, 'apiextensions.k8s.io/v1 CustomResourceDefinition'),
    customResourceDefinition,
  ),
  kind(beta('apiregistration'), v1('apiregistration', 'apiservices'), life(19, 22, 'apiregistration.k8s.io/v1 APIService')),
]
