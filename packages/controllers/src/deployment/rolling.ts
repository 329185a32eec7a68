import { maxSurge, maxUnavailable, sizeOf, wantedReplicas } from './limits.ts'
import { activeSets, allSets, byAge, type Rollout, resized, totalAvailable, totalSize } from './rollout.ts'

/** How large the new set may be now, given all the others. */
export const newSetSize = (rollout: Rollout, size: number): number => {
  const wanted = wantedReplicas(rollout.deployment)
  if (size >= wanted) return wanted
  const room = wanted + maxSurge(rollout.deployment) - totalSize(allSets(rollout))
  return room <= 0 ? size : size + Math.min(room, wanted - size)
}

/** One move of a rolling update: the new set up if there is room, else the old ones down as far as availability allows. */
export const roll = (rollout: Rollout): Rollout => {
  const { newSet } = rollout
  if (!newSet) return rollout
  const grown = resized(rollout, newSet, newSetSize(rollout, sizeOf(newSet)))
  return grown === rollout ? shrinkOld(rollout) : grown
}

const shrinkOld = (rollout: Rollout): Rollout => {
  const { deployment, newSet } = rollout
  if (!newSet || totalSize(rollout.oldSets) === 0) return rollout
  const minAvailable = wantedReplicas(deployment) - maxUnavailable(deployment)
  // Pods of the new set that are not available yet must not be paid for with old ones that are.
  const newUnavailable = sizeOf(newSet) - (newSet.status?.availableReplicas ?? 0)
  const mayGo = totalSize(allSets(rollout)) - minAvailable - newUnavailable
  if (mayGo <= 0) return rollout
  const cleaned = dropUnhealthy(rollout, mayGo)
  // Resized, and its status still counts the pods from before: nothing more is known to be spare.
  if (oldest(cleaned).some((set) => sizeOf(set) < (set.status?.availableReplicas ?? 0))) return cleaned
  const surplus = totalAvailable(allSets(cleaned)) - minAvailable
  return surplus > 0 ? dropOldest(cleaned, surplus) : cleaned
}

/** Old pods that serve nobody go first, or they would block the rollout for ever. */
const dropUnhealthy = (rollout: Rollout, most: number): Rollout => {
  let left = most
  return oldest(rollout).reduce((next, set) => {
    const unhealthy = sizeOf(set) - (set.status?.availableReplicas ?? 0)
    const drop = Math.max(0, Math.min(left, unhealthy))
    left -= drop
    return resized(next, set, sizeOf(set) - drop)
  }, rollout)
}
const dropOldest = (rollout: Rollout, most: number): Rollout => {
  let left = most
  return oldest(rollout).reduce((next, set) => {
    const drop = Math.min(left, sizeOf(set))
    left -= drop
    return resized(next, set, sizeOf(set) - drop)
  }, rollout)
}
const oldest = (rollout: Rollout) => [...activeSets(rollout.oldSets)].sort(byAge)
