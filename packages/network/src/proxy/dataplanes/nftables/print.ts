import type { Route, Target } from '../../route.ts'
import { VERSION_CHAIN as MARK } from './base.ts'
import { chain, type Entry, element } from './table.ts'

/** Up to here a service's endpoints are a list of rules; above, one rule with a map. Every such map slows the kernel's making of the next. */
const MOST_LISTED = 16

/** Everything in the table that one service's routes need. `podRange` is whose traffic to external addresses stays inside. */
export const printRoutes = (routes: readonly Route[], podRange: string): Entry[] => routes.flatMap((route) => printRoute(route, podRange))

const printRoute = (route: Route, podRange: string): Entry[] => {
  const slug = `${route.service}/${route.protocol}-${route.port}`
  const internal = route.internalLocal ? route.local : route.cluster
  const outside = [...route.externalIPs, ...route.loadBalancerIPs]
  const open = outside.length > 0 || route.nodePort > 0
  return [
    element('cluster-ips', route.clusterIP),
    ...endpoints(route, slug),
    ...(route.cluster.length > 0 && (open || !route.internalLocal) ? policy(`svc-${slug}`, route, slug, route.cluster) : []),
    ...(route.local.length > 0 && (route.internalLocal || (open && route.externalLocal))
      ? policy(`loc-${slug}`, route, slug, route.local)
      : []),
    internal.length > 0
      ? element('service-ips', address(route.clusterIP, route), `goto ${route.internalLocal ? 'loc' : 'svc'}-${slug}`)
      : element('no-endpoint-services', address(route.clusterIP, route), refusalOf(route)),
    ...(open ? external(route, slug, outside, podRange) : []),
  ]
}

/** No endpoint anywhere: the client is told at once. None on this node under a Local policy: silence, as upstream keeps it. */
const refusalOf = (route: Route): string => (route.cluster.length === 0 ? 'goto reject-all' : 'drop')

const address = (ip: string, route: Route): string => `${ip} . ${route.protocol} . ${route.port}`

const external = (route: Route, slug: string, outside: readonly string[], podRange: string): Entry[] => {
  const entries: Entry[] = []
  const nodePort = `${route.protocol} . ${route.nodePort}`
  if (route.cluster.length > 0) {
    entries.push(chain(`ext-${slug}`, externalRules(route, slug, podRange)))
    entries.push(...outside.map((ip) => element('service-ips', address(ip, route), `goto ext-${slug}`)))
    if (route.nodePort > 0) entries.push(element('service-nodeports', nodePort, `goto ext-${slug}`))
  }
  if ((route.externalLocal ? route.local : route.cluster).length === 0) {
    entries.push(...outside.map((ip) => element('no-endpoint-services', address(ip, route), refusalOf(route))))
    if (route.nodePort > 0) entries.push(element('no-endpoint-nodeports', nodePort, refusalOf(route)))
  }
  if (route.sourceRanges.length > 0 && route.loadBalancerIPs.length > 0) {
    entries.push(chain(`fw-${slug}`, [...route.sourceRanges.map((range) => `${route.family} saddr ${range} return`), 'drop']))
    entries.push(...route.loadBalancerIPs.map((ip) => element('firewall-ips', address(ip, route), `goto fw-${slug}`)))
  }
  return entries
}

/** Under the Local policy clients keep their address, and only pods and this node itself may still reach endpoints elsewhere. */
const externalRules = (route: Route, slug: string, podRange: string): string[] => {
  if (!route.externalLocal) return [`jump ${MARK}`, `goto svc-${slug}`]
  return [
    `${route.family} saddr ${podRange} goto svc-${slug}`,
    `fib saddr type local jump ${MARK}`,
    `fib saddr type local goto svc-${slug}`,
    ...(route.local.length > 0 ? [`goto loc-${slug}`] : []),
  ]
}

const policy = (name: string, route: Route, slug: string, to: readonly Target[]): Entry[] => {
  if (route.affinitySeconds === 0)
    return [
      chain(
        name,
        spread(to, (target) => translate(route, target), asMap(route, to)),
      ),
    ]
  const remembered = to.map((target) => `${route.family} saddr @aff-${ending(slug, target)} goto ep-${ending(slug, target)}`)
  const go = (target: Target) => `goto ep-${ending(slug, target)}`
  const all = `numgen random mod ${to.length} vmap { ${to.map((target, at) => `${at} : ${go(target)}`).join(', ')} }`
  return [chain(name, [...remembered, ...spread(to, go, all)])]
}

/** Each of n endpoints with the same chance: the first takes one of n, the second one of the n - 1 left, and so on. */
const spread = (to: readonly Target[], act: (target: Target) => string, map: string): string[] =>
  to.length > MOST_LISTED
    ? [map]
    : to.map((target, at) => (at === to.length - 1 ? act(target) : `numgen random mod ${to.length - at} 0 ${act(target)}`))

const asMap = (route: Route, to: readonly Target[]): string =>
  `meta l4proto ${route.protocol} dnat ${route.family} to numgen random mod ${to.length} map ` +
  `{ ${to.map((target, at) => `${at} : ${target.ip} . ${target.port}`).join(', ')} }`

const translate = (route: Route, { ip, port }: Target): string =>
  `meta l4proto ${route.protocol} dnat ${route.family} to ${route.family === 'ip' ? ip : `[${ip}]`}:${port}`

/** Per endpoint: its hairpin pair, and with affinity the set of clients that it serves and the chain that remembers them. */
const endpoints = (route: Route, slug: string): Entry[] => {
  const targets = new Map([...route.cluster, ...route.local].map((target) => [ending(slug, target), target]))
  const entries: Entry[] = []
  for (const [end, target] of targets) {
    if (target.near) entries.push(element('hairpin', `${target.ip} . ${target.ip}`))
    if (route.affinitySeconds === 0) continue
    const remember = `update @aff-${end} { ${route.family} saddr timeout ${route.affinitySeconds}s }`
    entries.push({ kind: 'set', name: `aff-${end}`, value: route.family === 'ip' ? 'ipv4_addr' : 'ipv6_addr' })
    entries.push(chain(`ep-${end}`, [remember, translate(route, target)]))
  }
  return entries
}

const ending = (slug: string, target: Target): string => `${slug}/${target.ip.replaceAll(':', '_')}-${target.port}`
