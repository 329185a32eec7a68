import type { Route, Target } from '../../route.ts'

/** UDP has no end of connection, so the kernel would keep sending a client's packets to an endpoint that has gone: arguments of `conntrack`. */
export type FlowRemoval = readonly string[]

/** Above this, the flows of an address are removed whatever endpoint they have: living ones are spread anew, which UDP bears. */
const MOST_SINGLE = 16

/**
 * Which tracked flows must go when the UDP routes of a service change: those to endpoints that went; and when a service gets its
 * first endpoint, those that were refused or went nowhere until now. Pure.
 */
export const planFlows = (before: readonly Route[], after: readonly Route[]): FlowRemoval[] => {
  const next = new Map(after.filter(isUdp).map((route) => [idOf(route), route]))
  const past = new Map(before.filter(isUdp).map((route) => [idOf(route), route]))
  const removals: FlowRemoval[] = []
  for (const [id, route] of past) removals.push(...removalsOf(route, gone(route, next.get(id))))
  for (const [id, route] of next) {
    const old = past.get(id)
    if (route.cluster.length > 0 && (old === undefined || old.cluster.length === 0)) removals.push(...arrivals(route))
  }
  return removals
}

const isUdp = (route: Route): boolean => route.protocol === 'udp'
/** The addresses of a route, and not only its name: under other addresses it is another route. */
const idOf = (route: Route): string =>
  [route.service, route.port, route.clusterIP, route.nodePort, ...route.externalIPs, ...route.loadBalancerIPs].join(' ')

const gone = (route: Route, next: Route | undefined): Target[] => {
  const kept = new Set([...(next?.cluster ?? []), ...(next?.local ?? [])].map(({ ip, port }) => `${ip} ${port}`))
  const old = new Map([...route.cluster, ...route.local].map((target) => [`${target.ip} ${target.port}`, target]))
  return [...old].filter(([id]) => !kept.has(id)).map(([, target]) => target)
}

const removalsOf = (route: Route, targets: readonly Target[]): FlowRemoval[] => {
  if (targets.length > MOST_SINGLE) return arrivals(route)
  return targets.flatMap(({ ip }) => arrivals(route).map((arrival) => [...arrival, '--dst-nat', ip]))
}

const arrivals = (route: Route): FlowRemoval[] => {
  const remove = ['-D', '-f', route.family === 'ip' ? 'ipv4' : 'ipv6', '-p', 'udp']
  const ips = [route.clusterIP, ...route.externalIPs, ...route.loadBalancerIPs]
  return [
    ...ips.map((ip) => [...remove, '--orig-dst', ip, '--orig-port-dst', String(route.port)]),
    ...(route.nodePort > 0 ? [[...remove, '--orig-port-dst', String(route.nodePort)]] : []),
  ]
}
