import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from '@skiff/api'
import { rfc3339 } from '@skiff/machinery'
import { conditionOf, withCondition, withoutCondition } from '../conditions.ts'
import { maxUnavailable, progressDeadlineMs, wantedReplicas } from './limits.ts'
import { allSets, type Rollout, totalAvailable, totalReady, totalReplicas, totalSize, totalTerminating } from './rollout.ts'

export const deploymentCondition = (type: string, status: string, reason: string, message: string, nowMs: number): DeploymentCondition =>
  ({ type, status, lastUpdateTime: rfc3339(nowMs), lastTransitionTime: rfc3339(nowMs), reason, message }) as DeploymentCondition

/** Sets the Progressing condition by the common rule: same status and reason change nothing. */
export const withProgress = (deployment: Deployment, status: string, reason: string, message: string, nowMs: number): Deployment => ({
  ...deployment,
  status: {
    ...deployment.status,
    conditions: withCondition(deployment.status?.conditions, deploymentCondition('Progressing', status, reason, message, nowMs)),
  },
})

export const isComplete = (deployment: Deployment, status: DeploymentStatus): boolean => {
  const wanted = wantedReplicas(deployment)
  return (
    (status.updatedReplicas ?? 0) === wanted &&
    (status.replicas ?? 0) === wanted &&
    (status.availableReplicas ?? 0) === wanted &&
    (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  )
}

/** Counts and availability, without any judgement of progress. */
export const countedStatus = (rollout: Rollout, nowMs: number): DeploymentStatus => {
  const { deployment, newSet } = rollout
  const sets = allSets(rollout)
  const available = totalAvailable(sets)
  const terminatingReplicas = totalTerminating(sets)
  const counts = {
    observedGeneration: deployment.metadata.generation ?? 0,
    replicas: totalReplicas(sets),
    updatedReplicas: newSet ? totalReplicas([newSet]) : 0,
    readyReplicas: totalReady(sets),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, totalSize(sets) - available),
    collisionCount: deployment.status?.collisionCount ?? 0,
  }
  const enough = available >= wantedReplicas(deployment) - maxUnavailable(deployment)
  const condition = enough
    ? deploymentCondition('Available', 'True', 'MinimumReplicasAvailable', 'Deployment has minimum availability.', nowMs)
    : deploymentCondition('Available', 'False', 'MinimumReplicasUnavailable', 'Deployment does not have minimum availability.', nowMs)
  return {
    // Zeros are left out, as Go's encoder leaves them out.
    ...Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0)),
    ...(terminatingReplicas === undefined ? {} : { terminatingReplicas }),
    conditions: withCondition(deployment.status?.conditions, condition),
  }
}

/** `seen` is the status that the API has, against which progress is measured. */
export const rolloutStatus = (rollout: Rollout, seen: DeploymentStatus, nowMs: number): DeploymentStatus => {
  const counted = countedStatus(rollout, nowMs)
  const judged = { ...counted, conditions: progress(rollout, counted, seen, nowMs) }
  const failure = replicaFailure(rollout)
  const conditions = failure ? withCondition(judged.conditions, failure) : withoutCondition(judged.conditions, 'ReplicaFailure')
  return { ...judged, conditions }
}

const progress = (rollout: Rollout, next: DeploymentStatus, seen: DeploymentStatus, nowMs: number): readonly DeploymentCondition[] => {
  const { deployment, newSet } = rollout
  const held = next.conditions ?? []
  const deadlineMs = progressDeadlineMs(deployment)
  if (deadlineMs === undefined) return withoutCondition(held, 'Progressing')
  const current = conditionOf(deployment.status?.conditions, 'Progressing')
  // Rolled out before: what changes now is scaling or healing, and no rollout that could fail.
  if ((next.replicas ?? 0) === (next.updatedReplicas ?? 0) && current?.reason === 'NewReplicaSetAvailable') return held
  const what = newSet ? `ReplicaSet "${newSet.metadata.name}"` : `Deployment "${deployment.metadata.name}"`
  const say = (status: string, reason: string, message: string) => deploymentCondition('Progressing', status, reason, message, nowMs)
  if (isComplete(deployment, next))
    return withCondition(held, say('True', 'NewReplicaSetAvailable', `${what} has successfully progressed.`))
  if (hasProgressed(seen, next)) {
    const condition = say('True', 'ReplicaSetUpdated', `${what} is progressing.`)
    const since = current?.status === 'True' && current.lastTransitionTime ? { lastTransitionTime: current.lastTransitionTime } : {}
    // Replaced even with the same reason: its lastUpdateTime is what the deadline counts from.
    return [...withoutCondition(held, 'Progressing'), { ...condition, ...since }]
  }
  if (hasTimedOut(current, deadlineMs, nowMs))
    return withCondition(held, say('False', 'ProgressDeadlineExceeded', `${what} has timed out progressing.`))
  return held
}

const hasProgressed = (before: DeploymentStatus, after: DeploymentStatus): boolean => {
  const old = (status: DeploymentStatus) => (status.replicas ?? 0) - (status.updatedReplicas ?? 0)
  return (
    (after.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(after) < old(before) ||
    (after.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (after.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  )
}

const hasTimedOut = (condition: DeploymentCondition | undefined, deadlineMs: number, nowMs: number): boolean => {
  if (!condition || condition.reason === 'NewReplicaSetAvailable') return false
  if (condition.reason === 'ProgressDeadlineExceeded') return true
  return Date.parse(condition.lastUpdateTime ?? '') + deadlineMs < nowMs
}

/** The new set's failure before those of old ones. */
const replicaFailure = (rollout: Rollout): DeploymentCondition | undefined => {
  const sets: readonly ReplicaSet[] = rollout.newSet ? [rollout.newSet, ...rollout.oldSets] : rollout.oldSets
  for (const set of sets) {
    const found = conditionOf(set.status?.conditions, 'ReplicaFailure')
    if (found) {
      const { type, status, reason = '', message = '', lastTransitionTime = '' } = found
      return { type, status, lastUpdateTime: lastTransitionTime, lastTransitionTime, reason, message } as DeploymentCondition
    }
  }
  return undefined
}

/** When to look again for the deadline, which passes without any change; undefined when there is nothing to wait for. */
export const progressCheckMs = (deployment: Deployment, status: DeploymentStatus, nowMs: number): number | undefined => {
  const deadlineMs = progressDeadlineMs(deployment)
  const condition = conditionOf(status.conditions, 'Progressing')
  if (deadlineMs === undefined || !condition) return undefined
  if (isComplete(deployment, status) || condition.reason === 'ProgressDeadlineExceeded') return undefined
  // A second more, since the times in conditions are cut to seconds.
  return Math.max(1_000, Date.parse(condition.lastUpdateTime ?? '') + deadlineMs - nowMs + 1_000)
}
