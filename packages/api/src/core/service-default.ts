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
