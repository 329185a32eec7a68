import type { Node } from '@skiff/api'
import { type Pace, readiness, upstreamHealth } from './health.ts'

export type ZoneState = 'normal' | 'partial' | 'full'

interface Zone {
  ready: number
  notReady: number
  /** When nodes of this zone were given up, in ms, by name. */
  readonly taintedMs: Map<string, number>
  /** The newest of them; undefined when it is to be looked for again. */
  lastTaintMs: number | undefined
}

export const zoneOf = (node: Node): string => {
  const labels = node.metadata.labels ?? {}
  return `${labels['topology.kubernetes.io/region'] ?? ''}:${labels['topology.kubernetes.io/zone'] ?? ''}`
}

/** What the whole cluster looks like, for the pace at which nodes are given up. */
export interface Disruption {
  /** Every node everywhere is silent: it is rather us who are cut off, and nothing is evicted. */
  readonly isTotal: boolean
  /** When the next node of this zone may be given up; undefined: not while things are like this. */
  mayTaintAtMs(node: Node): number | undefined
}

const taintedMs = (node: Node): number =>
  Math.max(
    0,
    ...(node.spec.taints ?? [])
      .filter((taint) => taint.effect === 'NoExecute' && isHealthTaint(taint.key))
      .map((taint) => Date.parse(taint.timeAdded ?? '') || 0),
  )
export const isHealthTaint = (key: string): boolean => key === 'node.kubernetes.io/not-ready' || key === 'node.kubernetes.io/unreachable'

/** What the zones look like, kept by change: with thousands of nodes they are not counted anew for each of them. */
export interface Zones {
  /** The node as it is now; undefined when it is gone. */
  set(name: string, node: Node | undefined): void
  /** As it is now. Not to be kept beyond the next change. */
  disruption(): Disruption
  /** Names of the nodes that are not ready. */
  readonly silent: ReadonlySet<string>
  /** Forgets nodes that went while nobody told of it: when the controller stopped and started again. */
  keep(nodes: { readonly size: number; get(name: string): Node | undefined }): void
}

interface Counted {
  readonly zone: Zone
  readonly isReady: boolean
  /** Absent from what is said of its zone, by its label. */
  readonly isExcluded: boolean
  readonly taintedMs: number
}

/** By upstream's numbers a node every 10 s is given up; in a large zone that is mostly down, one every 100 s; in a small one, none. */
export const createZones = (pace: Pace = upstreamHealth): Zones => {
  const zones = new Map<string, Zone>()
  const counted = new Map<string, Counted>()
  const silent = new Set<string>()
  const zoneNamed = (name: string): Zone => {
    const zone = zones.get(name) ?? { ready: 0, notReady: 0, taintedMs: new Map(), lastTaintMs: 0 }
    zones.set(name, zone)
    return zone
  }
  const count = (name: string, { zone, isReady, isExcluded, taintedMs }: Counted, by: 1 | -1): void => {
    if (!isExcluded) zone[isReady ? 'ready' : 'notReady'] += by
    if (taintedMs === 0) return
    if (by === 1) zone.taintedMs.set(name, taintedMs)
    else zone.taintedMs.delete(name)
    const { lastTaintMs } = zone
    if (lastTaintMs === undefined) return
    if (by === 1) zone.lastTaintMs = Math.max(lastTaintMs, taintedMs)
    else if (taintedMs === lastTaintMs) zone.lastTaintMs = undefined
  }
  const set = (name: string, node: Node | undefined): void => {
    const held = counted.get(name)
    if (held) count(name, held, -1)
    counted.delete(name)
    silent.delete(name)
    if (!node) return
    const isExcluded = node.metadata.labels?.['node.kubernetes.io/exclude-disruption'] !== undefined
    const next = { zone: zoneNamed(zoneOf(node)), isReady: readiness(node) === 'True', isExcluded, taintedMs: taintedMs(node) }
    count(name, next, 1)
    counted.set(name, next)
    if (!next.isReady) silent.add(name)
  }
  return {
    set,
    disruption: () => {
      const isTotal = counted.size > 0 && [...zones.values()].every((zone) => isEmpty(zone) || stateOf(zone, pace) === 'full')
      return {
        isTotal,
        mayTaintAtMs: (node) => {
          const zone = zones.get(zoneOf(node))
          if (!zone || isTotal) return undefined
          if (stateOf(zone, pace) !== 'partial') return nextTaintMs(zone, pace.evictionsPerSecond)
          return zone.ready + zone.notReady > pace.largeZone ? nextTaintMs(zone, pace.secondaryEvictionsPerSecond) : undefined
        },
      }
    },
    silent,
    keep: (nodes) => {
      if (counted.size !== nodes.size) for (const name of [...counted.keys()]) if (!nodes.get(name)) set(name, undefined)
    },
  }
}

const isEmpty = ({ ready, notReady }: Zone): boolean => ready + notReady === 0

const lastTaintMs = (zone: Zone): number => {
  if (zone.lastTaintMs === undefined) {
    zone.lastTaintMs = 0
    for (const [, ms] of zone.taintedMs) zone.lastTaintMs = Math.max(zone.lastTaintMs, ms)
  }
  return zone.lastTaintMs
}

export const assess = (nodes: Iterable<Node>): Disruption => {
  const zones = createZones()
  for (const node of nodes) zones.set(node.metadata.name, node)
  return zones.disruption()
}

/** A rate of 0 gives up no node at all. */
const nextTaintMs = (zone: Zone, perSecond: number): number | undefined =>
  perSecond > 0 ? lastTaintMs(zone) + 1_000 / perSecond : undefined

const stateOf = ({ ready, notReady }: Zone, { unhealthyShare }: Pace): ZoneState => {
  if (ready === 0 && notReady > 0) return 'full'
  return notReady > 2 && notReady / (notReady + ready) >= unhealthyShare ? 'partial' : 'normal'
}
