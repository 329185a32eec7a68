import type { Deployment, ReplicaSet } from '@skiff/api'
import { replicaSet as replicaSets } from '@skiff/api'
import { event, type Step, type Steps, update } from '../runner/step.ts'
import { same } from '../same.ts'
import { sizeAnnotations, withAnnotations } from './annotations.ts'
import { sizeOf } from './limits.ts'

/**
 * A rollout while it is planned: the sets as they will be once the steps so far are done. Sets are values; a change replaces one, and
 * becomes one write however often it was changed.
 */
export interface Rollout {
  /** With the conditions and annotations that this plan wants; written at its end. */
  readonly deployment: Deployment
  readonly newSet: ReplicaSet | undefined
  /** Oldest first. */
  readonly oldSets: readonly ReplicaSet[]
}

export const allSets = ({ newSet, oldSets }: Rollout): readonly ReplicaSet[] => (newSet ? [...oldSets, newSet] : oldSets)
export const activeSets = (sets: readonly ReplicaSet[]): readonly ReplicaSet[] => sets.filter((set) => sizeOf(set) > 0)

const sum = (sets: readonly ReplicaSet[], count: (set: ReplicaSet) => number): number => sets.reduce((total, set) => total + count(set), 0)
export const totalSize = (sets: readonly ReplicaSet[]): number => sum(sets, sizeOf)
export const totalReplicas = (sets: readonly ReplicaSet[]): number => sum(sets, (set) => set.status?.replicas ?? 0)
export const totalReady = (sets: readonly ReplicaSet[]): number => sum(sets, (set) => set.status?.readyReplicas ?? 0)
export const totalAvailable = (sets: readonly ReplicaSet[]): number => sum(sets, (set) => set.status?.availableReplicas ?? 0)

/** Undefined where a set does not tell. */
export const totalTerminating = (sets: readonly ReplicaSet[]): number | undefined =>
  sets.length > 0 && sets.every((set) => set.status?.terminatingReplicas !== undefined)
    ? sum(sets, (set) => set.status?.terminatingReplicas ?? 0)
    : undefined

export const byAge = (a: ReplicaSet, b: ReplicaSet): number =>
  Date.parse(a.metadata.creationTimestamp) - Date.parse(b.metadata.creationTimestamp) || (a.metadata.name < b.metadata.name ? -1 : 1)

/** `set` at `size`, marked with the Deployment's size of now. */
export const scaled = (rollout: Rollout, set: ReplicaSet, size: number): Rollout => {
  const sized = size === sizeOf(set) ? set : { ...set, spec: { ...set.spec, replicas: size } }
  return replaced(rollout, withAnnotations(sized, sizeAnnotations(rollout.deployment)))
}
/** As `scaled`, but a set that has this size already is left as it is. */
export const resized = (rollout: Rollout, set: ReplicaSet, size: number): Rollout =>
  size === sizeOf(set) ? rollout : scaled(rollout, set, size)

const replaced = (rollout: Rollout, set: ReplicaSet): Rollout => ({
  ...rollout,
  newSet: rollout.newSet?.metadata.uid === set.metadata.uid ? set : rollout.newSet,
  oldSets: rollout.oldSets.map((one) => (one.metadata.uid === set.metadata.uid ? set : one)),
})

/** The writes that lead from the sets as they are to the sets of `rollout`. */
export const setChanges = (held: readonly ReplicaSet[], rollout: Rollout): Steps => {
  const before = new Map(held.map((set) => [set.metadata.uid, set]))
  return allSets(rollout).flatMap((after): Step[] => {
    const old = before.get(after.metadata.uid)
    if (!old || old === after || same(old, after)) return []
    return [update(replicaSets, after, { done: () => scalingEvent(rollout.deployment, after.metadata.name, sizeOf(old), sizeOf(after)) })]
  })
}

const scalingEvent = (deployment: Deployment, name: string, from: number, to: number): Steps =>
  from === to
    ? []
    : [event(deployment, 'Normal', 'ScalingReplicaSet', `Scaled ${to > from ? 'up' : 'down'} replica set ${name} from ${from} to ${to}`)]
