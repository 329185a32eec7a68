import { same } from '../checks/faults.ts'
import type { Service, ServicePort, ServiceSpec } from '../generated/types.ts'
import { isExternal, needsClusterIp, needsHealthCheckPort } from './service-default.ts'

type Draft = { -readonly [K in keyof ServiceSpec]: ServiceSpec[K] }

const clean = (draft: Draft): ServiceSpec => {
  for (const field of Object.keys(draft) as (keyof Draft)[]) if (draft[field] === undefined) delete draft[field]
  return draft
}

/** clusterIP and clusterIPs[0] say the same; old clients know the first alone. */
export const prepareNewService = (service: Service): Service => {
  const { clusterIP, clusterIPs } = service.spec
  return clusterIP && !clusterIPs?.length ? { ...service, spec: { ...service.spec, clusterIPs: [clusterIP] } } : service
}

/** What the user left out but the server once allocated stays; what the new type has no use for goes. */
export const prepareServiceUpdate = (next: Service, old: Service): Service => {
  const draft: Draft = { ...next.spec }
  keepAllocated(draft, old.spec)
  alignClusterIps(draft, old.spec)
  dropUnused(draft, old.spec)
  const { status } = next
  // A load balancer goes asynchronously, but what is none shows none.
  const wiped = draft.type !== 'LoadBalancer' && status?.loadBalancer !== undefined ? { status: { ...status, loadBalancer: {} } } : {}
  return { ...next, spec: clean(draft), ...wiped }
}

/** Upstream's rule: wiping fields of node ports looks at the type alone, whether or not a load balancer wants some. */
const hasNodePorts = ({ type }: ServiceSpec): boolean => type === 'NodePort' || type === 'LoadBalancer'

const keepAllocated = (draft: Draft, old: ServiceSpec): void => {
  if (needsClusterIp(old) && needsClusterIp(draft)) {
    if (!draft.clusterIP && old.clusterIP) draft.clusterIP = old.clusterIP
    if (!draft.clusterIPs?.length && draft.clusterIP === old.clusterIP) draft.clusterIPs = old.clusterIPs
  }
  if (hasNodePorts(old) && hasNodePorts(draft) && draft.ports) draft.ports = withNodePorts(draft.ports, old.ports ?? [])
  if (needsHealthCheckPort(old) && needsHealthCheckPort(draft) && !draft.healthCheckNodePort)
    draft.healthCheckNodePort = old.healthCheckNodePort
}

/** A port keeps its node port by name, unless that one is asked for by number already. */
const withNodePorts = (ports: readonly ServicePort[], old: readonly ServicePort[]): readonly ServicePort[] => {
  const asked = new Set(ports.map((port) => port.nodePort).filter(Boolean))
  const known = new Map(old.map((port) => [port.name ?? '', port.nodePort]))
  return ports.map((port) => {
    const before = known.get(port.name ?? '')
    return port.nodePort || !before || asked.has(before) ? port : { ...port, nodePort: before }
  })
}

/** An old client changed clusterIP and sent clusterIPs along as it was. */
const alignClusterIps = (draft: Draft, old: ServiceSpec): void => {
  const untouched = same(draft.clusterIPs ?? [], old.clusterIPs ?? [])
  if (old.clusterIPs?.length && !draft.clusterIPs?.length && (draft.clusterIP ?? '') === (old.clusterIP ?? ''))
    draft.clusterIPs = old.clusterIPs
  if ((draft.clusterIP ?? '') === (old.clusterIP ?? '') || !untouched) return
  draft.clusterIPs = draft.clusterIP ? [draft.clusterIP] : undefined
}

const dropUnused = (draft: Draft, old: ServiceSpec): void => {
  if (needsClusterIp(old) && !needsClusterIp(draft)) {
    if ((draft.clusterIP ?? '') === (old.clusterIP ?? '') && same(draft.clusterIPs ?? [], old.clusterIPs ?? [])) {
      draft.clusterIP = undefined
      draft.clusterIPs = undefined
    }
    if (same(draft.ipFamilies, old.ipFamilies)) draft.ipFamilies = undefined
    if (draft.ipFamilyPolicy === old.ipFamilyPolicy) draft.ipFamilyPolicy = undefined
  }
  if (hasNodePorts(old) && !hasNodePorts(draft) && sameNodePorts(draft.ports, old.ports))
    draft.ports = draft.ports?.map(({ nodePort: _, ...port }) => port)
  if (needsHealthCheckPort(old) && !needsHealthCheckPort(draft) && draft.healthCheckNodePort === old.healthCheckNodePort)
    draft.healthCheckNodePort = undefined
  if (isExternal(old) && !isExternal(draft) && draft.externalTrafficPolicy === old.externalTrafficPolicy)
    draft.externalTrafficPolicy = undefined
  if (old.type !== 'LoadBalancer' || draft.type === 'LoadBalancer') return
  if (draft.allocateLoadBalancerNodePorts === old.allocateLoadBalancerNodePorts) draft.allocateLoadBalancerNodePorts = undefined
  if (draft.loadBalancerClass === old.loadBalancerClass) draft.loadBalancerClass = undefined
}

const sameNodePorts = (next: readonly ServicePort[] = [], old: readonly ServicePort[] = []): boolean => {
  const known = new Set(old.map((port) => port.nodePort))
  return next.every((port) => !port.nodePort || known.has(port.nodePort))
}
