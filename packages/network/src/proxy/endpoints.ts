import { isIP } from 'node:net'
import type { Endpoint, EndpointSliceObject, ServicePort } from '../objects.ts'
import type { Family, Target } from './route.ts'

/** Who asks: a service's endpoints depend on the node that sends to them. */
export interface NodeView {
  readonly nodeName: string
  /** The node's topology.kubernetes.io/zone. */
  readonly zone?: string
}

interface Candidate extends Target {
  readonly ready: boolean
  readonly fallback: boolean
  readonly here: boolean
  readonly zones: readonly string[]
}

/**
 * The endpoints that serve one service port: `cluster` anywhere, `local` on this node. Ready ones; without any, those that are
 * terminating but still serving. Zone hints narrow `cluster` when every ready endpoint carries one and this node's zone is among them.
 */
export const chooseEndpoints = (
  port: ServicePort,
  family: Family,
  slices: readonly EndpointSliceObject[],
  node: NodeView,
): { cluster: Target[]; local: Target[] } => {
  const all = candidates(port, family, slices, node)
  const ready = all.filter((one) => one.ready)
  const here = all.filter((one) => one.here)
  return {
    cluster: targets(orTerminating(byZone(ready, node.zone), all)),
    local: targets(
      orTerminating(
        here.filter((one) => one.ready),
        here,
      ),
    ),
  }
}

const orTerminating = (ready: readonly Candidate[], all: readonly Candidate[]): readonly Candidate[] =>
  ready.length > 0 ? ready : all.filter((one) => one.fallback)

const byZone = (ready: readonly Candidate[], zone: string | undefined): readonly Candidate[] => {
  if (zone === undefined || zone === '' || ready.some((one) => one.zones.length === 0)) return ready
  const near = ready.filter((one) => one.zones.includes(zone))
  return near.length > 0 ? near : ready
}

const targets = (chosen: readonly Candidate[]): Target[] =>
  chosen.map(({ ip, port, near }) => ({ ip, port, near })).sort((a, b) => (a.ip === b.ip ? a.port - b.port : a.ip < b.ip ? -1 : 1))

const candidates = (port: ServicePort, family: Family, slices: readonly EndpointSliceObject[], node: NodeView): Candidate[] => {
  const found = new Map<string, Candidate>()
  for (const slice of slices) {
    if (slice.addressType !== (family === 'ip' ? 'IPv4' : 'IPv6')) continue
    for (const { port: number } of (slice.ports ?? []).filter((one) => samePort(one, port))) {
      if (number === undefined || number < 1 || number > 65_535) continue
      for (const endpoint of slice.endpoints ?? []) {
        const one = candidate(endpoint, number, family, node)
        if (one === undefined) continue
        const id = `${one.ip} ${one.port}`
        // An address may stand in two slices while it moves from one to the other: the ready one counts.
        const other = found.get(id)
        if (other === undefined || (one.ready && !other.ready)) found.set(id, one)
      }
    }
  }
  return [...found.values()]
}

const samePort = (one: { name?: string; protocol?: string }, port: ServicePort): boolean =>
  (one.name ?? '') === (port.name ?? '') && (one.protocol ?? 'TCP') === (port.protocol ?? 'TCP')

/** Only the first address counts: the others are reserved, and upstream ignores them too. */
const candidate = (endpoint: Endpoint, port: number, family: Family, node: NodeView): Candidate | undefined => {
  const ip = endpoint.addresses[0]
  if (ip === undefined || isIP(ip) !== (family === 'ip' ? 4 : 6)) return undefined
  const ready = endpoint.conditions?.ready ?? true
  return {
    ip,
    port,
    near: endpoint.nodeName === undefined || endpoint.nodeName === node.nodeName,
    ready,
    fallback: (endpoint.conditions?.serving ?? ready) && endpoint.conditions?.terminating === true,
    here: endpoint.nodeName === node.nodeName,
    zones: endpoint.hints?.forZones?.map((zone) => zone.name) ?? [],
  }
}
