import type { Endpoint, Node, Service } from '@skiff/api'
import { milliValue } from '@skiff/machinery'
import { conditionOf } from '../conditions.ts'

const modeAnnotations = ['service.kubernetes.io/topology-mode', 'service.kubernetes.io/topology-aware-hints']

/** Whether a Service asks for hints by upstream's own heuristics. */
export const wantsAutoHints = ({ metadata }: Service): boolean => {
  const mode = modeAnnotations.map((name) => metadata.annotations?.[name]).find((value) => value !== undefined)
  return mode === 'Auto' || mode === 'auto'
}

const zoneLabel = 'topology.kubernetes.io/zone'
const excludedLabels = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master']

const isCounted = ({ metadata, status }: Node): boolean =>
  !excludedLabels.some((label) => Object.hasOwn(metadata.labels ?? {}, label)) &&
  conditionOf(status?.conditions, 'Ready')?.status === 'True'

/** What of a node decides over hints. */
export const zoneFacts = (node: Node | undefined): unknown =>
  node && isCounted(node) ? [node.metadata.labels?.[zoneLabel], node.status?.allocatable?.cpu] : undefined

/** The share of all processors that each zone has; a text where it cannot be told. */
const zoneShares = (nodes: Iterable<Node>): ReadonlyMap<string, number> | string => {
  const milliByZone = new Map<string, number>()
  for (const node of nodes) {
    if (!isCounted(node)) continue
    const zone = node.metadata.labels?.[zoneLabel] ?? ''
    const milli = milliValue(node.status?.allocatable?.cpu ?? '0')
    if (zone === '' || milli === 0) return insufficientNodes
    milliByZone.set(zone, (milliByZone.get(zone) ?? 0) + milli)
  }
  const total = [...milliByZone.values()].reduce((sum, one) => sum + one, 0)
  if (milliByZone.size < 2) return insufficientNodes
  return new Map([...milliByZone].sort(([a], [b]) => (a < b ? -1 : 1)).map(([zone, milli]) => [zone, milli / total]))
}

const insufficientNodes = 'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes'
const tooUneven = 'Unable to allocate minimum required endpoints to each zone without exceeding overload threshold'
const noZone = 'One or more endpoints do not have a zone specified'
// A zone's endpoints may get a fifth more than their share.
const overload = 0.2

interface Allocation {
  readonly least: number
  readonly most: number
  readonly desired: number
}

/** How many endpoints each zone should be served by; a text where that cannot be made even enough. */
const allocate = (shares: ReadonlyMap<string, number>, count: number): ReadonlyMap<string, Allocation> | string => {
  if (shares.size > count) return `Insufficient number of endpoints (${count} endpoints, ${shares.size} zones)`
  const leasts = new Map([...shares].map(([zone, share]) => [zone, Math.ceil((share * count) / (1 + overload))]))
  const spare = count - [...leasts.values()].reduce((sum, one) => sum + one, 0)
  if (spare < 0) return tooUneven
  return new Map(
    [...shares].map(([zone, share]) => {
      const least = leasts.get(zone) as number
      return [zone, { least, most: least + spare, desired: Math.max(share * count, least) }]
    }),
  )
}

type Hints = Map<Endpoint, string>

const countsOf = (hints: Hints): Map<string, number> => {
  const counts = new Map<string, number>()
  for (const zone of hints.values()) counts.set(zone, (counts.get(zone) ?? 0) + 1)
  return counts
}

const most = (needs: ReadonlyMap<string, number>): readonly [zone: string, need: number] | undefined =>
  [...needs].reduce<readonly [string, number] | undefined>((best, one) => (!best || one[1] > best[1] ? one : best), undefined)

/** Moves hints of endpoints that are free to change from zones with too many to zones with too few. */
const balance = (hints: Hints, free: readonly Endpoint[], allocations: ReadonlyMap<string, Allocation>): void => {
  const counts = countsOf(hints)
  const surplus = new Map<string, number>()
  const lack = new Map<string, number>()
  for (const [zone, { desired }] of allocations) {
    const diff = (counts.get(zone) ?? 0) - desired
    if (diff > 0) surplus.set(zone, diff)
    else if (diff < 0) lack.set(zone, -diff)
  }
  // A zone without nodes that count serves others with all that it has.
  for (const [zone, count] of counts) if (!allocations.has(zone)) surplus.set(zone, count)
  for (;;) {
    const [giver, receiver] = [most(surplus), most(lack)]
    if (!giver || !receiver || giver[1] + receiver[1] < 1) return
    const moved = free.find((endpoint) => hints.get(endpoint) === giver[0])
    if (!moved) {
      surplus.delete(giver[0])
      continue
    }
    hints.set(moved, receiver[0])
    surplus.set(giver[0], giver[1] - 1)
    lack.set(receiver[0], receiver[1] - 1)
  }
}

const fits = (hints: Hints, allocations: ReadonlyMap<string, Allocation>): boolean => {
  const counts = countsOf(hints)
  if ([...counts.keys()].some((zone) => !allocations.has(zone))) return false
  return [...allocations].every(([zone, { least, most: limit }]) => {
    const count = counts.get(zone) ?? 0
    return count >= least && count <= limit
  })
}

/**
 * The zone that each ready endpoint should serve, so that every zone has its share; or why none is said. `held` is what an endpoint's
 * slice says now: kept where the whole stays even enough, so that few slices change.
 */
export const autoHints = (
  endpoints: readonly Endpoint[],
  held: (endpoint: Endpoint) => string | undefined,
  nodes: Iterable<Node>,
): ReadonlyMap<Endpoint, string> | string => {
  const shares = zoneShares(nodes)
  if (typeof shares === 'string') return shares
  const ready = endpoints.filter(({ conditions }) => conditions?.ready !== false)
  const allocations = allocate(shares, ready.length)
  if (typeof allocations === 'string') return allocations
  if (ready.some(({ zone }) => !zone)) return noZone
  const keep = (endpoint: Endpoint): string | undefined => {
    const zone = held(endpoint)
    return zone !== undefined && allocations.has(zone) ? zone : undefined
  }
  const hints: Hints = new Map(ready.map((endpoint) => [endpoint, keep(endpoint) ?? (endpoint.zone as string)]))
  balance(
    hints,
    ready.filter((endpoint) => keep(endpoint) === undefined),
    allocations,
  )
  if (fits(hints, allocations)) return hints
  const anew: Hints = new Map(ready.map((endpoint) => [endpoint, endpoint.zone as string]))
  balance(anew, ready, allocations)
  return anew
}
