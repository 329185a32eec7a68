import type { DaemonSet, Pod } from '@skiff/api'
import { scaledValue } from '../deployment/limits.ts'
import { isAvailable } from '../pods.ts'
import { isCurrent } from './pods.ts'

/** What one move of a rolling update does. */
export interface Move {
  readonly remove: readonly Pod[]
  /** Nodes that get a new pod beside the old one. */
  readonly surge: readonly string[]
}

export const surgeLimit = (set: DaemonSet, desired: number): number =>
  set.spec.updateStrategy?.type === 'OnDelete' ? 0 : scaledValue(set.spec.updateStrategy?.rollingUpdate?.maxSurge ?? 0, desired, true)
const unavailableLimit = (set: DaemonSet, desired: number): number =>
  scaledValue(set.spec.updateStrategy?.rollingUpdate?.maxUnavailable ?? 1, desired, true)

/** The one current and the one old pod of a node; undefined when there are several of a sort, which is put right elsewhere. */
const pair = (set: DaemonSet, pods: readonly Pod[], hash: string): { current: Pod | undefined; old: Pod | undefined } | undefined => {
  const alive = pods.filter((pod) => pod.metadata.deletionTimestamp === undefined)
  const current = alive.filter((pod) => isCurrent(set, pod, hash))
  const old = alive.filter((pod) => !isCurrent(set, pod, hash))
  return current.length > 1 || old.length > 1 ? undefined : { current: current[0], old: old[0] }
}

/** The nodes of a set and their pods. */
export interface Placing {
  /** Those that should run a daemon and those that have one. */
  readonly byNode: ReadonlyMap<string, readonly Pod[]>
  readonly shouldRun: (node: string) => boolean
  /** How many should run one. */
  readonly desired: number
}

export const nextMove = (set: DaemonSet, placing: Placing, hash: string, nowMs: number): Move => {
  const available = (pod: Pod) => isAvailable(pod, set.spec.minReadySeconds ?? 0, nowMs)
  const surge = surgeLimit(set, placing.desired)
  return surge > 0
    ? surgeMove(set, placing, hash, surge, available)
    : replaceMove(set, placing, hash, unavailableLimit(set, placing.desired), available)
}

/** Old pods go first; those that serve nobody at once, others as far as the limit allows. */
const replaceMove = (set: DaemonSet, { byNode }: Placing, hash: string, limit: number, available: (pod: Pod) => boolean): Move => {
  let unavailable = 0
  const useless: Pod[] = []
  const candidates: Pod[] = []
  for (const [, pods] of byNode) {
    const { current, old } = pair(set, pods, hash) ?? {}
    if (current && !old) unavailable += available(current) ? 0 : 1
    else if (old && !current) {
      if (available(old)) candidates.push(old)
      else {
        useless.push(old)
        unavailable += 1
      }
    } else unavailable += 1
  }
  return { remove: [...useless, ...candidates.slice(0, Math.max(0, limit - unavailable))], surge: [] }
}

/**
 * New pods come first, and each old one goes when the new one on its node is available; one on a node that should run none any more,
 * when as many are available elsewhere.
 */
const surgeMove = (
  set: DaemonSet,
  { byNode, shouldRun, desired }: Placing,
  hash: string,
  limit: number,
  available: (pod: Pod) => boolean,
): Move => {
  let surging = 0
  let serving = 0
  const remove: Pod[] = []
  const leaving: Pod[] = []
  const useless: string[] = []
  const candidates: string[] = []
  for (const [node, pods] of byNode) {
    const both = pair(set, pods, hash)
    const { current, old } = both ?? {}
    const shown = old ?? current
    if (shown && available(shown)) serving += 1
    if (!both) surging += 1
    else if (!old) continue
    else if (!current && !shouldRun(node)) (available(old) ? leaving : remove).push(old)
    else if (!current) (available(old) ? candidates : useless).push(node)
    else if (available(current)) remove.push(old)
    else surging += 1
  }
  remove.push(...leaving.slice(0, Math.max(0, serving - desired)))
  return { remove, surge: [...useless, ...candidates.slice(0, Math.max(0, limit - surging))] }
}
