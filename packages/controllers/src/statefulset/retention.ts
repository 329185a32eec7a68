import type { PersistentVolumeClaim, Pod, StatefulSet } from '@skiff/api'
import { persistentVolumeClaim as claims, pod as pods, statefulSet as statefulSets } from '@skiff/api'
import type { OwnerReference } from '@skiff/machinery'
import { type Steps, update } from '../runner/step.ts'
import { same } from '../same.ts'

/**
 * Who owns a member's claim, so that garbage collection removes it when the policy says so: nobody, the set (deleted with it), or
 * the pod that is scaled away. `condemned` is the pod when its ordinal is beyond the set's size.
 */
const wantedOwner = (set: StatefulSet, condemned: Pod | undefined): OwnerReference | undefined => {
  const { whenDeleted = 'Retain', whenScaled = 'Retain' } = set.spec.persistentVolumeClaimRetentionPolicy ?? {}
  if (condemned && whenScaled === 'Delete') {
    const { name, uid } = condemned.metadata
    return { apiVersion: 'v1', kind: pods.kind, name, uid }
  }
  if (whenDeleted !== 'Delete') return undefined
  const { name, uid } = set.metadata
  return { apiVersion: 'apps/v1', kind: statefulSets.kind, name, uid }
}

/** Upstream's own references only: those of the set and of the pods of its name; what others put there stays. */
export const ownClaim = (set: StatefulSet, claim: PersistentVolumeClaim, member: string, condemned: Pod | undefined): Steps => {
  const held = claim.metadata.ownerReferences ?? []
  const isOurs = ({ kind, name }: OwnerReference) =>
    (kind === statefulSets.kind && name === set.metadata.name) || (kind === pods.kind && name === member)
  const wanted = wantedOwner(set, condemned)
  const next = [...held.filter((one) => !isOurs(one)), ...(wanted ? [wanted] : [])]
  return same(held, next) ? [] : [update(claims, { ...claim, metadata: { ...claim.metadata, ownerReferences: next } })]
}
