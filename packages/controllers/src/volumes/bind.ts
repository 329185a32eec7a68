import type { PersistentVolume, PersistentVolumeClaim } from '@skiff/api'
import { persistentVolumeClaim as claims, persistentVolume as volumes } from '@skiff/api'
import { compareQuantities } from '@skiff/machinery'
import { event, type Steps, update, updateStatus } from '../runner/step.ts'
import { same } from '../same.ts'
import { isFor } from './match.ts'

/** On a claim: it was bound once. From then on a missing volume means lost data, and never another volume. */
export const bindCompleted = 'pv.kubernetes.io/bind-completed'
/** On either: the controller or the scheduler made the bond, and not a user. */
export const boundByController = 'pv.kubernetes.io/bound-by-controller'

export const hasAnnotation = ({ metadata }: PersistentVolume | PersistentVolumeClaim, name: string): boolean =>
  metadata.annotations?.[name] !== undefined

const annotated = <T extends PersistentVolume | PersistentVolumeClaim>(object: T, annotations: Readonly<Record<string, string>>): T => ({
  ...object,
  metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, ...annotations } },
})

type Phase<T extends { readonly status?: { readonly phase?: string } }> = NonNullable<NonNullable<T['status']>['phase']>

const nothing = (): Steps => []

/** Saves the phase where it is another one; `then` goes on with the volume as saved. */
export const setVolumePhase = (
  volume: PersistentVolume,
  phase: Phase<PersistentVolume>,
  then: (volume: PersistentVolume) => Steps = nothing,
  text?: string,
): Steps => {
  if (volume.status?.phase === phase) return then(volume)
  const { message: _, ...status } = volume.status ?? {}
  const next = { ...volume, status: { ...status, phase, ...(text ? { message: text } : {}) } }
  return [updateStatus(volumes, next, { done: then })]
}

export const failVolume = (volume: PersistentVolume, reason: string, message: string): Steps =>
  volume.status?.phase === 'Failed' ? [] : setVolumePhase(volume, 'Failed', (saved) => [event(saved, 'Warning', reason, message)], message)

/** Without a volume the claim has neither access modes nor capacity. */
export const setClaimStatus = (
  claim: PersistentVolumeClaim,
  phase: Phase<PersistentVolumeClaim>,
  volume?: PersistentVolume,
  then: (claim: PersistentVolumeClaim) => Steps = nothing,
): Steps => {
  const { accessModes: _, capacity: held, ...rest } = claim.status ?? {}
  const modes = volume?.spec.accessModes
  // The size of a bound claim is not touched: it may rightly differ from the volume's while it grows.
  const grown = claim.status?.phase === phase ? held : volume?.spec.capacity
  const unchanged = held?.storage !== undefined && grown?.storage !== undefined && compareQuantities(held.storage, grown.storage) === 0
  const capacity = volume && (unchanged ? held : grown)
  const status = { ...rest, phase, ...(modes ? { accessModes: modes } : {}), ...(capacity ? { capacity } : {}) }
  return same(status, claim.status) ? then(claim) : [updateStatus(claims, { ...claim, status }, { done: then })]
}

export const loseClaim = (claim: PersistentVolumeClaim, reason: string, message: string): Steps =>
  claim.status?.phase === 'Lost' ? [] : setClaimStatus(claim, 'Lost', undefined, (saved) => [event(saved, 'Warning', reason, message)])

/** The volume first, so that of two claims one loses before it says that it is bound. Each part that is done already is left out. */
export const bind = (volume: PersistentVolume, claim: PersistentVolumeClaim): Steps =>
  saveVolume(volume, claim, (saved) =>
    setVolumePhase(saved, 'Bound', (bound) => saveClaim(claim, bound, (done) => setClaimStatus(done, 'Bound', bound))),
  )

const saveVolume = (volume: PersistentVolume, claim: PersistentVolumeClaim, then: (volume: PersistentVolume) => Steps): Steps => {
  if (isFor(volume, claim) && volume.spec.claimRef?.uid === claim.metadata.uid) return then(volume)
  const { namespace, name, uid, resourceVersion } = claim.metadata
  const claimRef = { kind: 'PersistentVolumeClaim', ...(namespace ? { namespace } : {}), name, uid, apiVersion: 'v1', resourceVersion }
  const next = { ...volume, spec: { ...volume.spec, claimRef } }
  // A volume that a user reserved stays the user's bond: set free, it is reserved again.
  const ours = !isFor(volume, claim) && !hasAnnotation(volume, boundByController)
  return [update(volumes, ours ? annotated(next, { [boundByController]: 'yes' }) : next, { done: then })]
}

const saveClaim = (claim: PersistentVolumeClaim, { metadata }: PersistentVolume, then: (claim: PersistentVolumeClaim) => Steps): Steps => {
  const chosen = claim.spec.volumeName === metadata.name
  if (chosen && hasAnnotation(claim, bindCompleted)) return then(claim)
  const marks = { [bindCompleted]: 'yes', ...(chosen ? {} : { [boundByController]: 'yes' }) }
  const next = annotated({ ...claim, spec: { ...claim.spec, volumeName: metadata.name } }, marks)
  return [update(claims, next, { done: then })]
}

/** Takes back a bond that did not come about. What a user reserved stays reserved, for a claim of that name. */
export const unbind = (volume: PersistentVolume): Steps => {
  const { claimRef, ...spec } = volume.spec
  const free = (saved: PersistentVolume): Steps => setVolumePhase(saved, 'Available')
  if (!hasAnnotation(volume, boundByController)) {
    const { uid: _, ...reserved } = claimRef ?? {}
    return [update(volumes, { ...volume, spec: { ...spec, claimRef: reserved } }, { done: free })]
  }
  const { [boundByController]: _, ...annotations } = volume.metadata.annotations ?? {}
  return [update(volumes, { ...volume, metadata: { ...volume.metadata, annotations }, spec }, { done: free })]
}
