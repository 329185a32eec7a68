import type { Deployment, DeploymentStatus, ReplicaSet } from '@skiff/api'
import { deployment as deployments, pod as pods, replicaSet as replicaSets } from '@skiff/api'
import type { Views } from '@skiff/client'
import { controllerOf } from '@skiff/machinery'
import { conditionOf } from '../conditions.ts'
import { claim } from '../ownership.ts'
import { isFinished } from '../pods.ts'
import { event, patch, remove, requeue, type Steps, targetOf, updateStatus } from '../runner/step.ts'
import { same } from '../same.ts'
import { selects, selectsEverything } from '../selector.ts'
import { revisionAnnotation, revisionOf } from './annotations.ts'
import { historyLimit, isRolling, progressDeadlineMs, sizeOf, wantedReplicas } from './limits.ts'
import { createNewSet, sortSets, syncRevision } from './newset.ts'
import { rollBack, wantedRollback } from './rollback.ts'
import { roll } from './rolling.ts'
import { activeSets, byAge, type Rollout, resized, setChanges, totalReplicas } from './rollout.ts'
import { isScaling, scale } from './scale.ts'
import { countedStatus, isComplete, progressCheckMs, rolloutStatus, withProgress } from './status.ts'

/** What one Deployment needs now. One plan is one move; what comes of it is seen and planned on. */
export const planDeployment = (deployment: Deployment, views: Views, nowMs: number): Steps => {
  if (selectsEverything(deployment.spec.selector)) return refuseSelectingAll(deployment)
  const { mine, steps } = claim(deployments, deployment, replicaSets, candidateSets(deployment, views), (set) =>
    selects(deployment.spec.selector, set.metadata.labels),
  )
  if (steps.length > 0) return steps
  const end = (held: readonly ReplicaSet[], rollout: Rollout, status: DeploymentStatus): Steps => [
    ...setChanges(held, rollout),
    ...writeStatus(deployment, rollout.deployment, status),
    ...wakeForDeadline(deployment, status, nowMs),
  ]
  if (deployment.metadata.deletionTimestamp !== undefined) {
    const rollout = sortSets(deployment, mine)
    return end(mine, rollout, countedStatus(rollout, nowMs))
  }
  const noted = notePause(deployment, nowMs)
  const rollout = syncRevision(sortSets(noted, mine), nowMs)
  const rollback = wantedRollback(deployment)
  if (rollback !== undefined && !deployment.spec.paused) return rollBack(deployment, mine, rollback)
  if (deployment.spec.paused || isScaling(rollout)) {
    const scaled = scale(rollout)
    const cleanup = deployment.spec.paused && rollback === undefined ? removeHistory(rollout) : []
    return [...cleanup, ...end(mine, scaled, countedStatus(scaled, nowMs))]
  }

  const seen = deployment.status ?? {}
  const finish =
    (held: readonly ReplicaSet[]) =>
    (from: Rollout, to: Rollout): Steps => [
      ...(isComplete(deployment, seen) && from === to ? removeHistory(to) : []),
      ...end(held, to, rolloutStatus(to, seen, nowMs)),
    ]
  return isRolling(deployment) ? rollForward(rollout, mine, finish, nowMs) : recreate(rollout, mine, finish, views, nowMs)
}

type Finish = (held: readonly ReplicaSet[]) => (from: Rollout, to: Rollout) => Steps

const rollForward = (rollout: Rollout, mine: readonly ReplicaSet[], finish: Finish, nowMs: number): Steps => {
  if (rollout.newSet) return finish(mine)(rollout, roll(rollout))
  return createNewSet(rollout, nowMs, (next) => finish([...mine, ...(next.newSet ? [next.newSet] : [])])(next, roll(next)))
}

/** All old pods are gone before the first new one is made. */
const recreate = (rollout: Rollout, mine: readonly ReplicaSet[], finish: Finish, views: Views, nowMs: number): Steps => {
  const emptied = activeSets(rollout.oldSets).reduce((next, set) => resized(next, set, 0), rollout)
  if (emptied !== rollout || oldPodsRun(rollout, views)) return finish(mine)(rollout, emptied)
  const fill = (next: Rollout): Rollout => (next.newSet ? resized(next, next.newSet, wantedReplicas(next.deployment)) : next)
  if (rollout.newSet) return finish(mine)(rollout, fill(rollout))
  return createNewSet(rollout, nowMs, (next) => finish([...mine, ...(next.newSet ? [next.newSet] : [])])(next, fill(next)))
}

const oldPodsRun = (rollout: Rollout, views: Views): boolean =>
  totalReplicas(rollout.oldSets) > 0 ||
  rollout.oldSets.some((set) =>
    views
      .view(pods)
      .ownedBy(set.metadata.uid)
      .some((pod) => controllerOf(pod)?.uid === set.metadata.uid && !isFinished(pod)),
  )

const candidateSets = (deployment: Deployment, views: Views): readonly ReplicaSet[] => {
  const view = views.view(replicaSets)
  return [...view.ownedBy(deployment.metadata.uid), ...view.indexed('orphans', deployment.metadata.namespace ?? '')]
}

const refuseSelectingAll = (deployment: Deployment): Steps => {
  const { generation = 0 } = deployment.metadata
  return [
    event(deployment, 'Warning', 'SelectingAll', 'This deployment is selecting all pods. A non-empty selector is required.'),
    ...((deployment.status?.observedGeneration ?? 0) < generation
      ? [updateStatus(deployments, { ...deployment, status: { ...deployment.status, observedGeneration: generation } })]
      : []),
  ]
}

/** A pause stops the progress deadline, and resuming starts it anew. */
const notePause = (deployment: Deployment, nowMs: number): Deployment => {
  if (progressDeadlineMs(deployment) === undefined) return deployment
  const reason = conditionOf(deployment.status?.conditions, 'Progressing')?.reason
  if (reason === 'ProgressDeadlineExceeded') return deployment
  if (deployment.spec.paused && reason !== 'DeploymentPaused')
    return withProgress(deployment, 'Unknown', 'DeploymentPaused', 'Deployment is paused', nowMs)
  if (!deployment.spec.paused && reason === 'DeploymentPaused')
    return withProgress(deployment, 'Unknown', 'DeploymentResumed', 'Deployment is resumed', nowMs)
  return deployment
}

/** The one that was current longest ago first, whenever it was made. */
const byRevision = (a: ReplicaSet, b: ReplicaSet): number => {
  const [left, right] = [revisionOf(a), revisionOf(b)]
  return left === undefined || right === undefined || left === right ? byAge(a, b) : left - right
}

/** Old, empty sets beyond the history limit. */
const removeHistory = ({ deployment, oldSets }: Rollout): Steps => {
  const limit = historyLimit(deployment)
  if (limit === undefined) return []
  const alive = oldSets.filter((set) => set.metadata.deletionTimestamp === undefined).sort(byRevision)
  return alive
    .slice(0, Math.max(0, alive.length - limit))
    .filter((set) => {
      const seen = (set.status?.observedGeneration ?? 0) >= (set.metadata.generation ?? 0)
      return seen && sizeOf(set) === 0 && (set.status?.replicas ?? 0) === 0
    })
    .map((set) => remove(replicaSets, set))
}

const writeStatus = (held: Deployment, wanted: Deployment, status: DeploymentStatus): Steps => {
  const revision = wanted.metadata.annotations?.[revisionAnnotation]
  const isRevised = revision !== held.metadata.annotations?.[revisionAnnotation]
  if (!isRevised && same(held.status, status)) return []
  const next = isRevised ? { ...held, metadata: wanted.metadata, status } : { ...held, status }
  // Upstream's status strategy takes annotations along; where a server does not, the revision is a write of its own.
  const done = (written: Deployment): Steps =>
    !isRevised || written.metadata.annotations?.[revisionAnnotation] === revision
      ? []
      : [patch(deployments, targetOf(held), 'merge', { metadata: { annotations: { [revisionAnnotation]: revision } } })]
  return [updateStatus(deployments, next, { done })]
}

const wakeForDeadline = (deployment: Deployment, status: DeploymentStatus, nowMs: number): Steps => {
  const waitMs = progressCheckMs(deployment, status, nowMs)
  return waitMs === undefined ? [] : [requeue(waitMs)]
}
