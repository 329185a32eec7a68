import type { Node, Taint } from '@skiff/api'
import { rfc3339 } from '@skiff/machinery'
import { readiness } from './health.ts'
import { isHealthTaint } from './zones.ts'

const prefix = 'node.kubernetes.io/'
const notReady = `${prefix}not-ready`
const unreachable = `${prefix}unreachable`
const pressure: Readonly<Record<string, string>> = {
  MemoryPressure: `${prefix}memory-pressure`,
  DiskPressure: `${prefix}disk-pressure`,
  PIDPressure: `${prefix}pid-pressure`,
  NetworkUnavailable: `${prefix}network-unavailable`,
}
const schedulingKeys = new Set([notReady, unreachable, `${prefix}unschedulable`, ...Object.values(pressure)])

const none: readonly Taint[] = []
/** The same list each time, so that what is unchanged is seen as such. */
export const taintsOf = (node: Node): readonly Taint[] => node.spec.taints ?? none

/** Keys that keep new pods away, as the node's conditions and spec have it. */
const schedulingTaints = (node: Node): Set<string> => {
  const keys = new Set<string>()
  for (const { type, status } of node.status?.conditions ?? []) {
    if (type === 'Ready' && status === 'False') keys.add(notReady)
    if (type === 'Ready' && status === 'Unknown') keys.add(unreachable)
    const key = pressure[type]
    if (key && status === 'True') keys.add(key)
  }
  if (node.spec.unschedulable) keys.add(`${prefix}unschedulable`)
  return keys
}

/** The key that drives pods away from a node that is not ready. */
export const evictingKey = (node: Node): string | undefined => {
  const ready = readiness(node)
  return ready === 'False' ? notReady : ready === 'Unknown' ? unreachable : undefined
}

/**
 * The taints that the node should have; the same list when it has them. `evict` says whether its pods may be driven away now; a
 * taint that is there already stays as long as it holds, whatever the pace.
 */
export const wantedTaints = (node: Node, evict: boolean, nowMs: number): readonly Taint[] => {
  const held = taintsOf(node)
  const scheduling = schedulingTaints(node)
  const evicting = evictingKey(node)
  const hasEvicting = (taint: Taint) => taint.effect === 'NoExecute' && isHealthTaint(taint.key)
  const kept = held.filter((taint) => {
    if (taint.effect === 'NoSchedule' && schedulingKeys.has(taint.key)) return scheduling.has(taint.key)
    return !hasEvicting(taint) || taint.key === evicting
  })
  const has = (key: string, effect: string) => kept.some((taint) => taint.key === key && taint.effect === effect)
  // A node that goes from not ready to unreachable was given up already: it changes its taint without waiting for its turn.
  const isSwap = held.some(hasEvicting)
  const added: Taint[] = [...scheduling].filter((key) => !has(key, 'NoSchedule')).map((key) => taintOf(key, 'NoSchedule', nowMs))
  if (evicting && (evict || isSwap) && !has(evicting, 'NoExecute')) added.push(taintOf(evicting, 'NoExecute', nowMs))
  return kept.length === held.length && added.length === 0 ? held : [...kept, ...added]
}

/** The same without those that drive pods away. */
export const withoutEvicting = (taints: readonly Taint[]): readonly Taint[] => {
  const kept = taints.filter((taint) => !(taint.effect === 'NoExecute' && isHealthTaint(taint.key)))
  return kept.length === taints.length ? taints : kept
}

const taintOf = (key: string, effect: 'NoSchedule' | 'NoExecute', nowMs: number): Taint => ({ key, effect, timeAdded: rfc3339(nowMs) })
