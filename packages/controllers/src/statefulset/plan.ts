import type { ControllerRevision, Pod, StatefulSet, StatefulSetStatus } from '@skiff/api'
import { pod as pods, controllerRevision as revisions, statefulSet as statefulSets } from '@skiff/api'
import type { Views } from '@skiff/client'
import { scaledValue } from '../deployment/limits.ts'
import { revisionHash } from '../history/revision-data.ts'
import { historyOf, type RevisionNames, surplusRevisions, withCurrentRevision } from '../history/revisions.ts'
import { claim } from '../ownership.ts'
import { candidatePods, isAvailable, isReady, readySinceMs } from '../pods.ts'
import { fail, inOrder, remove, requeue, type Step, type Steps, together, updateStatus } from '../runner/step.ts'
import { same } from '../same.ts'
import { selects } from '../selector.ts'
import { ordinalOf, revisionOf } from './identity.ts'
import { claimOwners, createMember, removeMember, repairMember, restoreClaims, waitsForClaims } from './members.ts'

const isLeaving = (pod: Pod): boolean => pod.metadata.deletionTimestamp !== undefined
const isRunningAndReady = (pod: Pod): boolean => pod.status?.phase === 'Running' && isReady(pod)
const isEnded = (pod: Pod): boolean => pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded'
const isHealthy = (pod: Pod | undefined): boolean => pod !== undefined && isRunningAndReady(pod) && !isLeaving(pod)

/** Everything one plan needs to know of a set. */
interface Scene {
  readonly set: StatefulSet
  readonly views: Views
  readonly nowMs: number
  readonly current: ControllerRevision
  readonly target: ControllerRevision
  /** By ordinal, from the first wanted one; undefined where the member is missing. */
  readonly members: readonly (Pod | undefined)[]
  readonly start: number
  /** Beyond the set's size, the highest ordinal first. */
  readonly condemned: readonly Pod[]
}

const revisionNames: RevisionNames = {
  label: 'controller.kubernetes.io/hash',
  hash: (_template, data, collisionCount) => revisionHash(data, collisionCount),
}

export const planStatefulSet = (set: StatefulSet, views: Views, nowMs: number): Steps => {
  const history = historyOf(statefulSets, set, views)
  const candidates = candidatePods(views, set.metadata.namespace ?? '', set.metadata.uid)
  const isMember = (pod: Pod) => selects(set.spec.selector, pod.metadata.labels) && ordinalOf(set, pod.metadata.name) !== undefined
  const { mine, steps } = claim(statefulSets, set, pods, candidates, isMember)
  if (history.steps.length > 0 || steps.length > 0) return [...history.steps, ...steps]
  const collided = (collisionCount: number) =>
    updateStatus(statefulSets, { ...set, status: { ...(set.status ?? { replicas: 0 }), collisionCount } })
  return withCurrentRevision(statefulSets, set, history.all, revisionNames, collided, (target) => {
    const current = history.all.find((one) => one.metadata.name === set.status?.currentRevision) ?? target
    const scene = sceneOf(set, views, nowMs, current, target, mine)
    const live = new Set([current.metadata.name, target.metadata.name, ...mine.map(revisionOf)])
    const stale = surplusRevisions(history.all, set.spec.revisionHistoryLimit ?? 10, (one) => live.has(one.metadata.name))
    const acts = set.metadata.deletionTimestamp === undefined ? act(scene) : []
    const finish: Steps = [...statusIfChanged(scene, mine), ...stale.map((one) => remove(revisions, one)), ...wake(scene)]
    if (acts.length === 0) return finish
    // What is seen is told also when something could not be done.
    return [together([inOrder(acts)], { after: ([acted]) => (acted?.error === undefined ? finish : [...finish, fail(acted.error)]) })]
  })
}

const sceneOf = (
  set: StatefulSet,
  views: Views,
  nowMs: number,
  current: ControllerRevision,
  target: ControllerRevision,
  mine: readonly Pod[],
): Scene => {
  const start = set.spec.ordinals?.start ?? 0
  const members: (Pod | undefined)[] = Array.from({ length: set.spec.replicas ?? 1 })
  const condemned: { readonly pod: Pod; readonly ordinal: number }[] = []
  for (const pod of mine) {
    const ordinal = ordinalOf(set, pod.metadata.name) ?? -1
    if (ordinal >= start && ordinal < start + members.length) members[ordinal - start] = pod
    else condemned.push({ pod, ordinal })
  }
  condemned.sort((a, b) => b.ordinal - a.ordinal)
  return { set, views, nowMs, current, target, members, start, condemned: condemned.map(({ pod }) => pod) }
}

/** Fills up from the lowest ordinal, then scales down from the highest, then updates from the highest. */
const act = (scene: Scene): Steps => {
  const filled = fill(scene)
  if (filled.waits) return filled.steps
  const shrunk = shrink(scene)
  if (shrunk.waits) return [...filled.steps, ...shrunk.steps]
  return [...filled.steps, ...shrunk.steps, ...updateMembers(scene)]
}

interface Progress {
  readonly steps: Steps
  /** One at a time: nothing more may be done before what is here has settled. */
  readonly waits: boolean
}

// How often is looked whether a claim that goes is gone.
const claimWaitMs = 1_000

const isOrdered = ({ set }: Scene): boolean => set.spec.podManagementPolicy !== 'Parallel'

const fill = (scene: Scene): Progress => {
  const { set, views, members, start } = scene
  const ordered = isOrdered(scene)
  const each: Steps[] = []
  for (const [at, pod] of members.entries()) {
    const one = fillOne(scene, pod, start + at)
    const repair = pod && !isEnded(pod) && !(one.waits && ordered) ? repairMember(set, pod, start + at, views) : []
    each.push([...one.steps, ...repair])
    if (one.waits && ordered) return { steps: each.flat(), waits: true }
  }
  // Members of a parallel set do not wait for each other; the claims of each still come before its pod.
  const busy = each.filter((steps) => steps.length > 0)
  return { steps: ordered || busy.length === 0 ? each.flat() : [together(busy.map(inOrder), { slowStart: true })], waits: false }
}

const fillOne = (scene: Scene, pod: Pod | undefined, ordinal: number): Progress => {
  const { set, views, nowMs } = scene
  if (!pod) {
    if (waitsForClaims(set, ordinal, views)) return { steps: [requeue(claimWaitMs)], waits: true }
    return { steps: createMember(set, revisionFor(scene, ordinal), ordinal, views), waits: true }
  }
  // The next one is made when it is gone.
  if (isEnded(pod)) return { steps: isLeaving(pod) ? [] : [removeMember(set, pod)], waits: true }
  if (pod.status?.phase === 'Pending') return { steps: restoreClaims(set, ordinal, pod, views), waits: true }
  if (isLeaving(pod)) return { steps: [], waits: true }
  return { steps: [], waits: !isRunningAndReady(pod) || !isAvailable(pod, set.spec.minReadySeconds ?? 0, nowMs) }
}

/** A missing member below the partition, or one that the update has not reached yet, comes back as it was. */
const revisionFor = ({ set, current, target }: Scene, ordinal: number): ControllerRevision => {
  if (set.spec.updateStrategy?.type === 'OnDelete') return target
  const rolling = set.spec.updateStrategy?.rollingUpdate
  const start = set.spec.ordinals?.start ?? 0
  const keepsBelow = start + (rolling ? (rolling.partition ?? 0) : (set.status?.currentReplicas ?? 0))
  return ordinal < keepsBelow ? current : target
}

const shrink = (scene: Scene): Progress => {
  const { set, views, members, condemned } = scene
  const { nowMs } = scene
  const firstUnhealthy = [...members, ...[...condemned].reverse()].find((pod) => !isHealthy(pod))
  const steps: Step[] = condemned.flatMap((pod) => {
    const { name } = pod.metadata
    return claimOwners(set, { name, pod, isCondemned: true }, ordinalOf(set, name) ?? 0, views)
  })
  const isSettled = (pod: Pod) => isRunningAndReady(pod) && isAvailable(pod, set.spec.minReadySeconds ?? 0, nowMs)
  for (const pod of condemned) {
    if (isLeaving(pod)) {
      if (isOrdered(scene)) return { steps, waits: true }
      continue
    }
    // While another one is unhealthy, nothing more is taken away: only that one itself may go.
    if (isOrdered(scene) && !isSettled(pod) && pod !== firstUnhealthy) return { steps, waits: true }
    steps.push(removeMember(set, pod))
    if (isOrdered(scene)) return { steps, waits: true }
  }
  return { steps, waits: false }
}

/**
 * With a limit of their own (the server takes it out of the spec while the feature MaxUnavailableStatefulSet is off), as many members of
 * another revision as the limit leaves, the highest first.
 */
const updateWithin = ({ set, members, target }: Scene, partition: number, limit: number | string): Steps => {
  const most = Math.max(1, scaledValue(limit, members.length, false))
  const unhealthy = members.filter((pod) => !isHealthy(pod)).length
  return members
    .slice(partition)
    .reverse()
    .flatMap((pod) => (pod && revisionOf(pod) !== target.metadata.name && !isLeaving(pod) ? [removeMember(set, pod)] : []))
    .slice(0, Math.max(0, most - unhealthy))
}

/** Takes away the highest member of another revision, once all above it are healthy. */
const updateMembers = (scene: Scene): Steps => {
  const { set, members, target } = scene
  if (set.spec.updateStrategy?.type === 'OnDelete') return []
  const { partition = 0, maxUnavailable } = set.spec.updateStrategy?.rollingUpdate ?? {}
  if (maxUnavailable !== undefined) return updateWithin(scene, partition, maxUnavailable)
  for (let at = members.length - 1; at >= partition; at -= 1) {
    const pod = members[at]
    if (pod && revisionOf(pod) !== target.metadata.name && !isLeaving(pod)) return [removeMember(set, pod)]
    if (!isHealthy(pod)) return []
  }
  return []
}

const statusIfChanged = (scene: Scene, mine: readonly Pod[]): Steps => {
  const { set, current, target, nowMs } = scene
  const alive = mine.filter((pod) => !isLeaving(pod))
  const ready = mine.filter(isRunningAndReady)
  const counts = {
    replicas: mine.length,
    readyReplicas: ready.length,
    currentReplicas: alive.filter((pod) => revisionOf(pod) === current.metadata.name).length,
    updatedReplicas: alive.filter((pod) => revisionOf(pod) === target.metadata.name).length,
  }
  const availableReplicas = ready.filter((pod) => isAvailable(pod, set.spec.minReadySeconds ?? 0, nowMs)).length
  const isRolling = set.spec.updateStrategy?.type !== 'OnDelete'
  const { replicas = 1 } = set.spec
  const isComplete = isRolling && counts.updatedReplicas === replicas && counts.readyReplicas === replicas && counts.replicas === replicas
  const optional = {
    readyReplicas: counts.readyReplicas,
    currentReplicas: isComplete ? counts.updatedReplicas : counts.currentReplicas,
    updatedReplicas: counts.updatedReplicas,
    observedGeneration: set.metadata.generation ?? 0,
  }
  const status: StatefulSetStatus = {
    replicas: counts.replicas,
    ...Object.fromEntries(Object.entries(optional).filter(([, count]) => count !== 0)),
    currentRevision: isComplete ? target.metadata.name : current.metadata.name,
    updateRevision: target.metadata.name,
    collisionCount: set.status?.collisionCount ?? 0,
    availableReplicas,
    ...(set.status?.conditions ? { conditions: set.status.conditions } : {}),
  }
  return same(set.status, status) ? [] : [updateStatus(statefulSets, { ...set, status })]
}

const wake = ({ set, members, condemned, nowMs }: Scene): Steps => {
  const minReadyMs = (set.spec.minReadySeconds ?? 0) * 1_000
  const waits = [...members, ...condemned]
    .flatMap((pod) => (pod ? [(readySinceMs(pod) ?? 0) + minReadyMs - nowMs] : []))
    .filter((waitMs) => waitMs > 0)
  return waits.length > 0 ? [requeue(Math.min(...waits))] : []
}
