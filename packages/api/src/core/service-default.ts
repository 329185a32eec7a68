import { ipFamily } from '../checks/ip.ts'
import { mapSame, withField } from '../defaults/patch.ts'
import type { Service, ServicePort, ServiceSpec, ServiceStatus } from '../generated/types.ts'

const affinityTimeoutSeconds = 10800

/** Reached from outside the cluster. */
export const isExternal = (spec: ServiceSpec): boolean =>
  spec.type === 'NodePort' || spec.type === 'LoadBalancer' || (spec.type === 'ClusterIP' && (spec.externalIPs?.length ?? 0) > 0)

export const needsClusterIp = (spec: ServiceSpec): boolean => spec.type !== 'ExternalName'
export const needsNodePort = (spec: ServiceSpec): boolean =>
  spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false)
export const needsHealthCheckPort = (spec: ServiceSpec): boolean => spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local'

const defaultPort = (port: ServicePort): ServicePort => {
  const protocol = port.protocol ?? 'TCP'
  const target = port.targetPort as number | string | undefined
  const targetPort = (target === undefined || target === 0 || target === '' ? port.port : target) as ServicePort['targetPort']
  return protocol === port.protocol && targetPort === port.targetPort ? port : { ...port, protocol, ...(targetPort ? { targetPort } : {}) }
}

const defaultAffinity = (spec: ServiceSpec): ServiceSpec => {
  const affinity = spec.sessionAffinity ?? 'None'
  const next = withField(spec, 'sessionAffinity', affinity)
  if (affinity === 'None') {
    if (next.sessionAffinityConfig === undefined) return next
    const { sessionAffinityConfig: _, ...rest } = next
    return rest
  }
  if (affinity !== 'ClientIP' || next.sessionAffinityConfig?.clientIP?.timeoutSeconds !== undefined) return next
  return { ...next, sessionAffinityConfig: { clientIP: { timeoutSeconds: affinityTimeoutSeconds } } }
}

const defaultSpec = (spec: ServiceSpec): ServiceSpec => {
  let next = defaultAffinity(withField(spec, 'type', spec.type ?? 'ClusterIP'))
  if (next.ports) next = withField(next, 'ports', mapSame(next.ports, defaultPort))
  if (next.externalTrafficPolicy === undefined && isExternal(next)) next = { ...next, externalTrafficPolicy: 'Cluster' }
  if (next.internalTrafficPolicy === undefined && ['ClusterIP', 'NodePort', 'LoadBalancer'].includes(next.type ?? ''))
    next = { ...next, internalTrafficPolicy: 'Cluster' }
  if (next.type === 'LoadBalancer' && next.allocateLoadBalancerNodePorts === undefined)
    next = { ...next, allocateLoadBalancerNodePorts: true }
  return next
}

const defaultStatus = (status: ServiceStatus): ServiceStatus => {
  const ingress = status.loadBalancer?.ingress
  if (ingress === undefined) return status
  const next = mapSame(ingress, (each) => (each.ip && each.ipMode === undefined ? { ...each, ipMode: 'VIP' } : each))
  return next === ingress ? status : { ...status, loadBalancer: { ...status.loadBalancer, ingress: next } }
}

export const defaultService = (service: Service): Service => {
  const next = withField(service, 'spec', defaultSpec(service.spec))
  return next.status && next.spec.type === 'LoadBalancer' ? withField(next, 'status', defaultStatus(next.status)) : next
}

/** The families of a Service that was stored before it could have two. A headless one is of IPv4, which was all there was. */
const storedFamilies = ({ clusterIP, selector }: ServiceSpec, addresses: readonly string[]): Partial<ServiceSpec> => {
  if (clusterIP === 'None')
    return Object.keys(selector ?? {}).length > 0
      ? { ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' }
      : { ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'RequireDualStack' }
  if (addresses.length === 0) return {}
  return {
    ipFamilies: addresses.map((address) => (ipFamily(address) === 6 ? 'IPv6' : 'IPv4')),
    ipFamilyPolicy: addresses.length === 1 ? 'SingleStack' : 'RequireDualStack',
  }
}

/** What later versions of the API added to Services, shown of old ones as well. */
export const defaultStoredService = (service: Service): Service => {
  const { spec } = service
  if (spec.type === 'ExternalName') {
    if (spec.internalTrafficPolicy === undefined) return service
    const { internalTrafficPolicy: _, ...rest } = spec
    return { ...service, spec: rest }
  }
  const clusterIPs = spec.clusterIPs?.length ? spec.clusterIPs : spec.clusterIP ? [spec.clusterIP] : []
  if (spec.ipFamilies?.length && spec.clusterIPs?.length) return service
  const families = spec.ipFamilies?.length ? {} : storedFamilies(spec, clusterIPs)
  return { ...service, spec: { ...spec, ...(clusterIPs.length > 0 ? { clusterIPs } : {}), ...families } }
}
