import type { Deployment, ReplicaSet } from '@skiff/api'

const maxInt32 = 2 ** 31 - 1

export const wantedReplicas = (deployment: Deployment): number => deployment.spec.replicas ?? 1
export const sizeOf = (set: ReplicaSet): number => set.spec.replicas ?? 1
export const isRolling = (deployment: Deployment): boolean => (deployment.spec.strategy?.type ?? 'RollingUpdate') === 'RollingUpdate'

/** A number as it is, a percentage of `total` rounded up or down. */
export const scaledValue = (value: number | string | undefined, total: number, roundUp: boolean): number => {
  if (value === undefined) return 0
  if (typeof value === 'number') return value
  const exact = (Number.parseInt(value, 10) * total) / 100
  return roundUp ? Math.ceil(exact) : Math.floor(exact)
}

/** maxSurge rounds up and maxUnavailable down; when both come to nothing, one pod may be unavailable, or no rollout would ever move. */
const fenceposts = (deployment: Deployment): { surge: number; unavailable: number } => {
  const rolling = deployment.spec.strategy?.rollingUpdate
  const total = wantedReplicas(deployment)
  const surge = scaledValue(rolling?.maxSurge ?? '25%', total, true)
  const unavailable = scaledValue(rolling?.maxUnavailable ?? '25%', total, false)
  return { surge, unavailable: surge === 0 && unavailable === 0 ? 1 : unavailable }
}
export const maxSurge = (deployment: Deployment): number => (isRolling(deployment) ? fenceposts(deployment).surge : 0)
export const maxUnavailable = (deployment: Deployment): number =>
  isRolling(deployment) && wantedReplicas(deployment) > 0 ? Math.min(fenceposts(deployment).unavailable, wantedReplicas(deployment)) : 0

/** The largest number means no limit, as clients of old API versions wrote it. */
export const progressDeadlineMs = (deployment: Deployment): number | undefined => {
  const seconds = deployment.spec.progressDeadlineSeconds
  return seconds === undefined || seconds === maxInt32 ? undefined : seconds * 1_000
}
export const historyLimit = (deployment: Deployment): number | undefined => {
  const limit = deployment.spec.revisionHistoryLimit
  return limit === undefined || limit === maxInt32 ? undefined : limit
}
