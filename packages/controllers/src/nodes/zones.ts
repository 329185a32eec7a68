import type { Node } from '@skiff/api'
import { readiness } from './health.ts'

export type ZoneState = 'normal' | 'partial' | 'full'

/** Upstream's numbers: a node every 10 s; in a large zone that is mostly down, one every 100 s; in a small one, none. */
const evictionPauseMs = 10_000
const slowPauseMs = 100_000
const largeZone = 50
const unhealthyShare = 0.55

interface Zone {
  ready: number
  notReady: number
  /** When a node of this zone was last given up, in ms. */
  lastTaintMs: number
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

export const assess = (nodes: Iterable<Node>): Disruption => {
  const zones = new Map<string, Zone>()
  for (const node of nodes) {
    const zone = zones.get(zoneOf(node)) ?? { ready: 0, notReady: 0, lastTaintMs: 0 }
    zones.set(zoneOf(node), zone)
    if (readiness(node) === 'True') zone.ready += 1
    else zone.notReady += 1
    zone.lastTaintMs = Math.max(zone.lastTaintMs, taintedMs(node))
  }
  const isTotal = zones.size > 0 && [...zones.values()].every((zone) => stateOf(zone) === 'full')
  return {
    isTotal,
    mayTaintAtMs: (node) => {
      const zone = zones.get(zoneOf(node))
      if (!zone || isTotal) return undefined
      if (stateOf(zone) !== 'partial') return zone.lastTaintMs + evictionPauseMs
      return zone.ready + zone.notReady > largeZone ? zone.lastTaintMs + slowPauseMs : undefined
    },
  }
}

const stateOf = ({ ready, notReady }: Zone): ZoneState => {
  if (ready === 0 && notReady > 0) return 'full'
  return notReady > 2 && notReady / (notReady + ready) >= unhealthyShare ? 'partial' : 'normal'
}
