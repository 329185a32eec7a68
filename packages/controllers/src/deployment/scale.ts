import type { ReplicaSet } from '@skiff/api'
import { annotatedMax, desiredReplicas } from './annotations.ts'
import { isRolling, maxSurge, sizeOf, wantedReplicas } from './limits.ts'
import { activeSets, allSets, byAge, type Rollout, resized, scaled, totalSize } from './rollout.ts'

/** The Deployment was resized since its sets were. */
export const isScaling = (rollout: Rollout): boolean =>
  activeSets(allSets(rollout)).some((set) => {
    const desired = desiredReplicas(set)
    return desired !== undefined && desired !== wantedReplicas(rollout.deployment)
  })

/** Brings the sets to the Deployment's new size without hastening a rollout: each set in proportion to its own size. */
export const scale = (rollout: Rollout): Rollout => {
  const { deployment, newSet } = rollout
  const wanted = wantedReplicas(deployment)
  const active = activeSets(allSets(rollout))
  const only = active.length === 0 ? (newSet ?? [...rollout.oldSets].sort(byAge).at(-1)) : active.length === 1 ? active[0] : undefined
  if (only) return resized(rollout, only, wanted)
  if (active.length === 0) return rollout
  if (newSet && isSaturated(newSet, wanted)) {
    return activeSets(rollout.oldSets).reduce((next, old) => resized(next, old, 0), rollout)
  }
  return isRolling(deployment) ? scaleInProportion(rollout, active) : rollout
}

const isSaturated = (set: ReplicaSet, wanted: number): boolean =>
  sizeOf(set) === wanted && desiredReplicas(set) === wanted && (set.status?.availableReplicas ?? 0) === wanted

const scaleInProportion = (rollout: Rollout, active: readonly ReplicaSet[]): Rollout => {
  const { deployment } = rollout
  const wanted = wantedReplicas(deployment)
  const allowed = wanted > 0 ? wanted + maxSurge(deployment) : 0
  const toAdd = allowed - totalSize(active)
  // The largest first; of equal ones the newest grows first, and the oldest shrinks first.
  const sorted = [...active].sort((a, b) => sizeOf(b) - sizeOf(a) || (toAdd > 0 ? byAge(b, a) : byAge(a, b)))
  let added = 0
  const sizes = sorted.map((set) => {
    const share = toAdd === 0 || toAdd === added ? 0 : proportionOf(rollout, set, toAdd, toAdd - added)
    added += share
    return sizeOf(set) + share
  })
  // What rounding left over goes to the largest.
  if (toAdd !== 0) sizes[0] = Math.max(0, (sizes[0] ?? 0) + toAdd - added)
  return sorted.reduce((next, set, index) => scaled(next, set, sizes[index] ?? 0), rollout)
}

const proportionOf = ({ deployment }: Rollout, set: ReplicaSet, toAdd: number, left: number): number => {
  const wanted = wantedReplicas(deployment)
  const size = sizeOf(set)
  if (wanted === 0) return Math.max(-size, left)
  const before = annotatedMax(set) || deployment.status?.replicas || 0
  const share = before === 0 ? left : Math.round((size * (wanted + maxSurge(deployment))) / before) - size
  return toAdd > 0 ? Math.min(share, left) : Math.max(share, left)
}
