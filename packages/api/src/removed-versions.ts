/** API versions that no 1.33 server serves, and the minor release of Kubernetes 1 that removed the last of each. */
const removed: Readonly<Record<string, number>> = {
  'extensions/v1beta1': 22,
  'apps/v1beta1': 16,
  'apps/v1beta2': 16,
  'batch/v1beta1': 25,
  'policy/v1beta1': 25,
  'autoscaling/v2beta1': 25,
  'autoscaling/v2beta2': 26,
  'discovery.k8s.io/v1beta1': 25,
  'events.k8s.io/v1beta1': 25,
  'networking.k8s.io/v1beta1': 22,
  'storage.k8s.io/v1alpha1': 24,
  'storage.k8s.io/v1beta1': 27,
  'scheduling.k8s.io/v1alpha1': 23,
  'scheduling.k8s.io/v1beta1': 22,
  'coordination.k8s.io/v1beta1': 22,
  'certificates.k8s.io/v1beta1': 22,
  'rbac.authorization.k8s.io/v1alpha1': 23,
  'rbac.authorization.k8s.io/v1beta1': 22,
  'admissionregistration.k8s.io/v1beta1': 22,
  'authentication.k8s.io/v1beta1': 32,
  'authorization.k8s.io/v1beta1': 22,
  'node.k8s.io/v1alpha1': 24,
  'node.k8s.io/v1beta1': 25,
  'flowcontrol.apiserver.k8s.io/v1beta1': 26,
  'flowcontrol.apiserver.k8s.io/v1beta2': 29,
  'flowcontrol.apiserver.k8s.io/v1beta3': 32,
  'apiextensions.k8s.io/v1beta1': 22,
  'apiregistration.k8s.io/v1beta1': 22,
}

/** What to say of a version that upstream removed and that a server with --legacy-apis still has; undefined of any other. */
export const removalOf = (apiVersion: string): string | undefined => {
  if (!Object.hasOwn(removed, apiVersion)) return undefined
  return `${apiVersion} was removed in Kubernetes 1.${removed[apiVersion]}; a cluster made by \`skiff up --legacy-apis\` serves it`
}
