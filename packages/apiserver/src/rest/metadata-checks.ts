import type { Kind } from '@skiff/api'
import {
  addFaults,
  type FieldError,
  type KubeObject,
  nameIsDnsSubdomain,
  nameIsPathSegment,
  validateFinalizers,
  validateObjectMeta,
  validateObjectMetaUpdate,
} from '@skiff/machinery'

// Upstream's registry looks at the metadata of every update, and then most strategies do so again: as of an update, as of a new object,
// or as both. A fault is listed as a cause each time.

/** How often a kind's own strategy checks metadata as of an update, and as of a new object. */
type Again = readonly [updates: number, wholes: number]

const usual: Again = [1, 1]
const again: Readonly<Record<string, Again>> = {
  '/events': [0, 0],
  '/limitranges': [0, 1],
  '/persistentvolumeclaims': [1, 2],
  '/persistentvolumes': [0, 2],
  '/podtemplates': [1, 0],
  'admissionregistration.k8s.io/mutatingwebhookconfigurations': [0, 1],
  'admissionregistration.k8s.io/validatingadmissionpolicies': [0, 1],
  'admissionregistration.k8s.io/validatingadmissionpolicybindings': [0, 1],
  'admissionregistration.k8s.io/validatingwebhookconfigurations': [0, 1],
  'apiextensions.k8s.io/customresourcedefinitions': [1, 0],
  'apps/deployments': [1, 0],
  'apps/statefulsets': [1, 0],
  'autoscaling/horizontalpodautoscalers': [1, 0],
  'batch/cronjobs': [1, 0],
  'coordination.k8s.io/leases': [1, 0],
  'discovery.k8s.io/endpointslices': [0, 1],
  'events.k8s.io/events': [0, 1],
  'flowcontrol.apiserver.k8s.io/flowschemas': [0, 1],
  'flowcontrol.apiserver.k8s.io/prioritylevelconfigurations': [0, 1],
  'networking.k8s.io/ipaddresses': [1, 0],
  'networking.k8s.io/servicecidrs': [1, 0],
  'policy/poddisruptionbudgets': [0, 0],
  'rbac.authorization.k8s.io/clusterrolebindings': [1, 2],
  'rbac.authorization.k8s.io/clusterroles': [1, 2],
  'rbac.authorization.k8s.io/rolebindings': [1, 2],
  'rbac.authorization.k8s.io/roles': [1, 2],
  'scheduling.k8s.io/priorityclasses': [1, 0],
  'storage.k8s.io/csidrivers': [1, 0],
  'storage.k8s.io/csinodes': [0, 2],
  'storage.k8s.io/volumeattachments': [0, 2],
}

/** Kinds whose status strategy leaves metadata to the registry. */
const statusUnchecked = new Set(['batch/cronjobs', 'policy/poddisruptionbudgets'])

/** Kinds whose strategies come without the rule that a finalizer without a prefix must be one of Kubernetes' own. */
const anyFinalizer = new Set([
  '/events',
  'admissionregistration.k8s.io/mutatingwebhookconfigurations',
  'admissionregistration.k8s.io/validatingadmissionpolicies',
  'admissionregistration.k8s.io/validatingadmissionpolicybindings',
  'admissionregistration.k8s.io/validatingwebhookconfigurations',
  'apiextensions.k8s.io/customresourcedefinitions',
  'apiregistration.k8s.io/apiservices',
  'coordination.k8s.io/leases',
  'networking.k8s.io/ipaddresses',
  'networking.k8s.io/servicecidrs',
  'node.k8s.io/runtimeclasses',
  'policy/poddisruptionbudgets',
])

const keyOfKind = (kind: Kind): string => `${kind.group}/${kind.plural}`

/** True where finalizers must be qualified or Kubernetes' own. */
export const strictFinalizers = (kind: Kind): boolean => !kind.custom && !anyFinalizer.has(keyOfKind(kind))

/** What is wrong with the metadata of an update of `old` to `next`. */
export const metadataErrors = (kind: Kind, subresource: string | undefined, next: KubeObject, old: KubeObject): FieldError[] => {
  const { metadata } = next
  const update = validateObjectMetaUpdate(metadata, old.metadata, 'metadata')
  // Whatever else a new object's check finds was found when the object was made, unless these changed.
  const asNew = metadata.finalizers !== old.metadata.finalizers || metadata.generateName !== old.metadata.generateName
  if (update.length === 0 && !asNew) return update
  const key = keyOfKind(kind)
  const [updates, wholes] = againOf(kind, key, subresource)
  const finalizers = strictFinalizers(kind) ? namesOfFinalizers(metadata.finalizers) : []
  const whole = validateObjectMeta(metadata, kind.namespaced, (name, prefix) => validateNameOf(kind, name, prefix), 'metadata', false)
  const errors = [...validateObjectMeta(metadata, kind.namespaced, nameIsPathSegment, 'metadata', false), ...update]
  const first = subresource ? 0 : Math.min(wholes, kind.behaviour.createChecksOnUpdate ?? 0)
  for (let i = 0; i < first; i++) addFaults(errors, [...whole, ...finalizers])
  for (let i = 0; i < updates; i++) addFaults(errors, [...update, ...finalizers])
  for (let i = first; i < wholes; i++) addFaults(errors, [...whole, ...finalizers])
  return errors
}

const againOf = (kind: Kind, key: string, subresource: string | undefined): Again => {
  if (subresource) return statusUnchecked.has(key) ? [0, 0] : [1, 0]
  return kind.custom ? [1, 0] : (again[key] ?? usual)
}

/** Only the rule about names without a prefix. */
const namesOfFinalizers = (finalizers: readonly string[] | undefined): FieldError[] =>
  validateFinalizers(finalizers, 'metadata.finalizers', true).filter(({ field }) => field.endsWith(']'))

/** Complaints about an object's name; a DNS-1123 subdomain where the kind says nothing else. */
export const validateNameOf = (kind: Kind, name: string, prefix: boolean): readonly string[] =>
  (kind.behaviour.validateName ?? nameIsDnsSubdomain)(name, prefix)

/** The kind as refusals of invalid objects name it. */
export const internalKind = ({ group, kind, behaviour }: Kind): { readonly group: string; readonly kind: string } => ({
  group: behaviour.internalGroup ?? group,
  kind,
})
