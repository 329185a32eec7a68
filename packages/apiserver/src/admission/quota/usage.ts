import { type Amounts, type Kind, type PersistentVolumeClaim, type Pod, podUsage, type Service } from '@skiff/api'
import type { KubeObject } from '@skiff/machinery'

/** Kinds that quotas name without `count/`, as they did before counts of any kind came. */
const namedAlone = new Set(['configmaps', 'secrets', 'resourcequotas', 'replicationcontrollers'])

const serviceUsage = ({ spec }: Service): Amounts => {
  const ports = spec.ports?.length ?? 0
  const usage: Record<string, string> = { services: '1', 'services.loadbalancers': '0', 'services.nodeports': '0' }
  if (spec.type === 'NodePort') usage['services.nodeports'] = String(ports)
  if (spec.type === 'LoadBalancer') {
    const withPorts = spec.allocateLoadBalancerNodePorts !== false ? ports : (spec.ports ?? []).filter((port) => port.nodePort).length
    usage['services.nodeports'] = String(withPorts)
    usage['services.loadbalancers'] = '1'
  }
  return usage
}

const claimUsage = ({ spec, metadata }: PersistentVolumeClaim): Amounts => {
  const usage: Record<string, string> = { persistentvolumeclaims: '1' }
  const size = spec.resources?.requests?.storage
  if (size) usage['requests.storage'] = size
  const storageClass = metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec.storageClassName
  if (storageClass) {
    usage[`${storageClass}.storageclass.storage.k8s.io/persistentvolumeclaims`] = '1'
    if (size) usage[`${storageClass}.storageclass.storage.k8s.io/requests.storage`] = size
  }
  return usage
}

/** `count/pods`, `count/deployments.apps`. */
export const countName = (kind: Kind): string => `count/${kind.plural}${kind.group === '' ? '' : `.${kind.group}`}`

/** Everything that one object counts for. */
export const usageOf = (kind: Kind, object: KubeObject): Amounts => {
  const counted = { [countName(kind)]: '1' }
  if (kind.group !== '') return counted
  switch (kind.plural) {
    case 'pods':
      // Pods are charged when they are created: none is overdue yet.
      return podUsage(object as Pod, 0)
    case 'services':
      return { ...counted, ...serviceUsage(object as Service) }
    case 'persistentvolumeclaims':
      return { ...counted, ...claimUsage(object as PersistentVolumeClaim) }
    default:
      return namedAlone.has(kind.plural) ? { ...counted, [kind.plural]: '1' } : counted
  }
}

/** Kinds whose updates may change what they count for. */
export const countsUpdates = (kind: Kind): boolean =>
  kind.group === '' && (kind.plural === 'services' || kind.plural === 'persistentvolumeclaims')
