import type { PersistentVolumeClaim, Pod, StatefulSet } from '@skiff/api'
import { persistentVolumeClaim as claims, pod as pods, statefulSet as statefulSets } from '@skiff/api'
import type { OwnerReference } from '@skiff/machinery'
import { controlledBy } from '../ownership.ts'
import { event, type Step, type Steps, update } from '../runner/step.ts'

/** A member that may not be there yet. */
export interface Member {
  readonly name: string
  readonly pod: Pod | undefined
  /** Its ordinal is beyond the set's size. */
  readonly isCondemned: boolean
}

const policyOf = ({ spec }: StatefulSet) => {
  const { whenDeleted = 'Retain', whenScaled = 'Retain' } = spec.persistentVolumeClaimRetentionPolicy ?? {}
  return { whenDeleted, whenScaled, retains: whenDeleted === 'Retain' && whenScaled === 'Retain' }
}

/** Who controls a member's claim, so that garbage collection removes it when the policy says so: nobody, the set, or the pod that is scaled away. */
const wantedOwner = (set: StatefulSet, { pod, isCondemned }: Member): OwnerReference | undefined => {
  const { whenDeleted, whenScaled } = policyOf(set)
  if (isCondemned && whenScaled === 'Delete') return pod && controlledBy(pods, pod)
  return whenDeleted === 'Delete' ? controlledBy(statefulSets, set) : undefined
}

const namesSet = (set: StatefulSet, { apiVersion, kind, name }: OwnerReference): boolean =>
  apiVersion === 'apps/v1' && kind === statefulSets.kind && name === set.metadata.name
const namesMember = (member: string, { apiVersion, kind, name }: OwnerReference): boolean =>
  apiVersion === 'v1' && kind === pods.kind && name === member

/** A claim that an earlier pod of that name took along when it was scaled away: it goes, and no new pod may have it before. */
export const isStale = (set: StatefulSet, claim: PersistentVolumeClaim, member: string): boolean =>
  policyOf(set).whenScaled !== 'Retain' && (claim.metadata.ownerReferences ?? []).some((one) => namesMember(member, one))

const conflict = (set: StatefulSet, claim: string): Step =>
  event(
    set,
    'Warning',
    'ConflictingController',
    `PersistentVolumeClaim ${claim} has a conflicting OwnerReference that acts as a manging controller, the retention policy is ignored for this claim`,
  )

/**
 * Brings the owners of a claim to the policy. Only references to the set and to pods of the member's name are upstream's own; what
 * others put there stays, and a controller among them ends the policy. `tells`: the conflict is told though nothing changes.
 */
export const ownClaim = (set: StatefulSet, claim: PersistentVolumeClaim, member: Member, tells: boolean): Steps => {
  const held = claim.metadata.ownerReferences ?? []
  const own = new Set([set.metadata.uid, member.pod?.metadata.uid])
  const isNamed = (one: OwnerReference) => namesSet(set, one) || namesMember(member.name, one)
  // Of an earlier set or pod of that name, which is gone: garbage collection may be about to take it.
  const isOld = held.some((one) => isNamed(one) && !own.has(one.uid))
  const isRivalled = !policyOf(set).retains && (isOld || held.some((one) => one.controller && !own.has(one.uid)))
  const told = isRivalled ? [conflict(set, claim.metadata.name)] : []
  const mine = held.filter(({ uid }) => own.has(uid))
  const wanted = isRivalled ? undefined : wantedOwner(set, member)
  const isRight = mine.length === (wanted ? 1 : 0) && mine.every(({ uid, controller }) => uid === wanted?.uid && controller)
  if (isOld || isRight) return tells ? told : []
  const next = [...held.filter((one) => !isNamed(one)), ...(wanted ? [wanted] : [])]
  return [...told, update(claims, { ...claim, metadata: { ...claim.metadata, ownerReferences: next } })]
}
