import { isIP } from 'node:net'
import {
  clusterIPsOf,
  type EndpointSliceObject,
  type ServiceObject,
  type ServicePort,
  type ServiceSpec,
  serviceOfSlice,
} from '../objects.ts'
import { chooseEndpoints, type NodeView } from './endpoints.ts'
import type { Family, Protocol, Route } from './route.ts'

export interface CompileOptions extends NodeView {
  /** Cluster addresses that the node answers itself (its DNS server): they get no route. */
  readonly ownAddresses?: ReadonlySet<string>
}

/** Services that another proxy implements carry this label. */
const FOREIGN_PROXY = 'service.kubernetes.io/service-proxy-name'
const DEFAULT_AFFINITY_SECONDS = 10_800

/** All routes of a node, from all services and slices; for incremental use, see compileService. */
export const compileRoutes = (
  services: Iterable<ServiceObject>,
  slices: Iterable<EndpointSliceObject>,
  options: CompileOptions,
): Route[] => {
  const byService = Map.groupBy(slices, (slice) => serviceOfSlice(slice) ?? '')
  const routes: Route[] = []
  for (const service of services) {
    const key = `${service.metadata.namespace ?? ''}/${service.metadata.name}`
    routes.push(...compileService(service, byService.get(key) ?? [], options))
  }
  return routes
}

/** The routes of one service: one for each port and address family. What the kernel could not take (a bad address, a bad name) is left out. */
export const compileService = (service: ServiceObject, slices: readonly EndpointSliceObject[], options: CompileOptions): Route[] => {
  const { spec, metadata } = service
  if (spec === undefined || metadata.labels?.[FOREIGN_PROXY] !== undefined) return []
  const key = `${metadata.namespace ?? ''}/${metadata.name}`
  if (!NAME.test(key)) return []
  return clusterIPsOf(spec).flatMap((clusterIP) => {
    const family = familyOf(clusterIP)
    if (family === undefined || options.ownAddresses?.has(clusterIP)) return []
    const arrivals = arrivalsOf(service, spec, family)
    return (spec.ports ?? []).flatMap((port) => {
      const protocol = PROTOCOLS.get(port.protocol ?? 'TCP')
      if (protocol === undefined || !isPort(port.port)) return []
      const ends = chooseEndpoints(port, family, slices, options)
      return [{ service: key, ...portOf(port), protocol, clusterIP, ...arrivals, ...policyOf(spec), ...ends }]
    })
  })
}

/** Both halves are DNS labels; the names enter rules, so nothing else may pass. */
const NAME = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?\/[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/

const PROTOCOLS: ReadonlyMap<string, Protocol> = new Map([
  ['TCP', 'tcp'],
  ['UDP', 'udp'],
  ['SCTP', 'sctp'],
])

const isPort = (port: number): boolean => Number.isInteger(port) && port > 0 && port < 65_536

const familyOf = (ip: string): Family | undefined => {
  const version = isIP(ip)
  return version === 4 ? 'ip' : version === 6 && !ip.includes('%') ? 'ip6' : undefined
}

const portOf = (port: ServicePort): Pick<Route, 'portName' | 'port' | 'nodePort'> => ({
  portName: port.name ?? '',
  port: port.port,
  nodePort: port.nodePort !== undefined && isPort(port.nodePort) ? port.nodePort : 0,
})

/** Addresses beside clusterIP at which traffic arrives, in the same family. */
const arrivalsOf = (service: ServiceObject, spec: ServiceSpec, family: Family) => {
  const ofFamily = (ips: readonly string[]) => [...new Set(ips.filter((ip) => familyOf(ip) === family))].sort()
  const ingress = service.status?.loadBalancer?.ingress ?? []
  return {
    family,
    externalIPs: ofFamily(spec.externalIPs ?? []),
    loadBalancerIPs:
      spec.type === 'LoadBalancer' ? ofFamily(ingress.filter((one) => one.ipMode !== 'Proxy').map((one) => one.ip ?? '')) : [],
    sourceRanges:
      spec.type === 'LoadBalancer' ? (spec.loadBalancerSourceRanges ?? []).map((one) => one.trim()).filter(rangeOf(family)) : [],
  }
}

const rangeOf = (family: Family) => (range: string) => {
  const [ip = '', bits = '', ...rest] = range.split('/')
  return rest.length === 0 && familyOf(ip) === family && /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 'ip' ? 32 : 128)
}

/** externalTrafficPolicy has a meaning only where traffic from outside can come in. */
const policyOf = (spec: ServiceSpec): Pick<Route, 'affinitySeconds' | 'internalLocal' | 'externalLocal'> => {
  const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? DEFAULT_AFFINITY_SECONDS
  return {
    affinitySeconds: spec.sessionAffinity === 'ClientIP' ? seconds : 0,
    internalLocal: spec.internalTrafficPolicy === 'Local',
    externalLocal: spec.externalTrafficPolicy === 'Local',
  }
}
