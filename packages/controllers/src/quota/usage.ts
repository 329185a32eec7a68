import type { PersistentVolumeClaim, Resource, ResourceQuota, Service } from '@skiff/api'
import {
  type Amounts,
  addAmounts,
  coversPod,
  isScoped,
  persistentVolumeClaim,
  pod as pods,
  podUsage,
  resourceKey,
  service as services,
} from '@skiff/api'
import type { Views } from '@skiff/client'

const classSuffix = '.storageclass.storage.k8s.io/'
/** Kinds that quotas know by their bare name, besides `count/`. */
const countedPlainly = new Set(['configmaps', 'secrets', 'replicationcontrollers', 'resourcequotas'])

const nodePortsOf = ({ spec }: Service): number => {
  const ports = spec.ports ?? []
  if (spec.type === 'NodePort') return ports.length
  if (spec.type !== 'LoadBalancer') return 0
  // Without ports that are given, only those count that were asked for.
  return spec.allocateLoadBalancerNodePorts === false ? ports.filter(({ nodePort }) => nodePort).length : ports.length
}

const serviceUsage = (service: Service): Amounts => ({
  'count/services': '1',
  services: '1',
  'services.nodeports': String(nodePortsOf(service)),
  'services.loadbalancers': service.spec.type === 'LoadBalancer' ? '1' : '0',
})

const claimUsage = ({ metadata, spec }: PersistentVolumeClaim): Amounts => {
  const storage = spec.resources?.requests?.storage
  const className = metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec.storageClassName
  return {
    'count/persistentvolumeclaims': '1',
    persistentvolumeclaims: '1',
    ...(className ? { [`${className}${classSuffix}persistentvolumeclaims`]: '1' } : {}),
    ...(storage ? { 'requests.storage': storage } : {}),
    ...(storage && className ? { [`${className}${classSuffix}requests.storage`]: storage } : {}),
  }
}

const countNames = (resource: Resource): string[] => {
  const counted = `count/${resourceKey(resource)}`
  return resource.group === '' && countedPlainly.has(resource.plural) ? [counted, resource.plural] : [counted]
}

/** What is used of everything that the quota limits, in its own namespace. Kinds that nothing limits are not looked at. */
export const quotaUsage = (quota: ResourceQuota, views: Views, resources: readonly Resource[], nowMs: number): Amounts => {
  const { namespace = '' } = quota.metadata
  const limited = Object.keys(quota.spec.hard ?? {})
  let used: Amounts = Object.fromEntries(limited.map((name) => [name, '0']))
  const count = (usage: Amounts): void => {
    used = addAmounts(used, Object.fromEntries(Object.entries(usage).filter(([name]) => Object.hasOwn(used, name))))
  }
  for (const pod of views.view(pods).list(namespace)) if (coversPod(quota, pod)) count(podUsage(pod, nowMs))
  // Scopes speak of pods: a scoped quota limits nothing else.
  if (isScoped(quota)) return used
  if (limited.some((name) => name.includes('services'))) for (const one of views.view(services).list(namespace)) count(serviceUsage(one))
  if (limited.some((name) => /persistentvolumeclaims|storage/.test(name)))
    for (const one of views.view(persistentVolumeClaim).list(namespace)) count(claimUsage(one))
  const handled = new Set([pods, services, persistentVolumeClaim].map(resourceKey))
  for (const resource of resources) {
    const names = countNames(resource).filter((name) => Object.hasOwn(used, name))
    if (names.length === 0 || handled.has(resourceKey(resource))) continue
    let amount = 0
    for (const _object of views.view(resource).list(namespace)) amount += 1
    count(Object.fromEntries(names.map((name) => [name, String(amount)])))
  }
  return used
}
