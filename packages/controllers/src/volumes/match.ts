import type { PersistentVolume, PersistentVolumeClaim } from '@skiff/api'
import { compareQuantities } from '@skiff/machinery'
import { selectorOf } from '../selector.ts'

/** Where the class stood before it had a field; still read first. */
const classAnnotation = 'volume.beta.kubernetes.io/storage-class'

/** The name of the storage class, '' for none. */
export const classOf = ({ metadata, spec }: PersistentVolume | PersistentVolumeClaim): string =>
  metadata.annotations?.[classAnnotation] ?? spec.storageClassName ?? ''

export const namesClass = ({ metadata, spec }: PersistentVolumeClaim): boolean =>
  metadata.annotations?.[classAnnotation] !== undefined || spec.storageClassName !== undefined

/** `namespace/name` of the claim that a volume is for. */
export const claimKeyOf = ({ spec }: PersistentVolume): string | undefined =>
  spec.claimRef ? `${spec.claimRef.namespace ?? ''}/${spec.claimRef.name ?? ''}` : undefined

/** The volume is for this claim; by name alone where whoever made it could not know the uid. */
export const isFor = ({ spec: { claimRef } }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean =>
  claimRef !== undefined &&
  claimRef.name === metadata.name &&
  claimRef.namespace === metadata.namespace &&
  (!claimRef.uid || claimRef.uid === metadata.uid)

const isTooSmall = (volume: PersistentVolume, claim: PersistentVolumeClaim): boolean =>
  compareQuantities(volume.spec.capacity?.storage ?? '0', claim.spec.resources?.requests?.storage ?? '0') < 0

export const sameMode = (volume: PersistentVolume, claim: PersistentVolumeClaim): boolean =>
  (volume.spec.volumeMode ?? 'Filesystem') === (claim.spec.volumeMode ?? 'Filesystem')

const allowsAccess = (volume: PersistentVolume, claim: PersistentVolumeClaim): boolean =>
  (claim.spec.accessModes ?? []).every((mode) => volume.spec.accessModes?.includes(mode))

/** Why a volume that the claim names will not do. */
export const whyUnfit = (volume: PersistentVolume, claim: PersistentVolumeClaim): string | undefined => {
  if (volume.metadata.deletionTimestamp !== undefined) return `the volume is marked for deletion "${volume.metadata.name}"`
  if (isTooSmall(volume, claim)) return 'requested PV is too small'
  if (classOf(volume) !== classOf(claim)) return 'storageClassName does not match'
  if (!sameMode(volume, claim)) return 'incompatible volumeMode'
  return allowsAccess(volume, claim) ? undefined : 'incompatible accessMode'
}

const countModes = ({ spec }: PersistentVolume): number => new Set(spec.accessModes).size

/**
 * The volume for a claim that names none, as upstream chooses: of those with the fewest access modes beyond the wanted ones the one that
 * is reserved for the claim, else the smallest. Of a claim that waits for its consumer only a reserved volume is taken: the scheduler
 * chooses among the others, since it knows the node.
 */
export const bestVolume = (
  claim: PersistentVolumeClaim,
  volumes: Iterable<PersistentVolume>,
  waits: boolean,
): PersistentVolume | undefined => {
  const selects = selectorOf(claim.spec.selector ?? {})
  const fits = (volume: PersistentVolume): boolean => {
    if (isTooSmall(volume, claim) || !sameMode(volume, claim) || !allowsAccess(volume, claim)) return false
    if (volume.metadata.deletionTimestamp !== undefined) return false
    if (volume.spec.claimRef) return isFor(volume, claim)
    // A volume of another phase is about to become available; bound now, the two writes would meet.
    return !waits && volume.status?.phase === 'Available' && classOf(volume) === classOf(claim) && selects(volume.metadata.labels)
  }
  const before = (a: PersistentVolume, b: PersistentVolume): number =>
    countModes(a) - countModes(b) ||
    Number(b.spec.claimRef !== undefined) - Number(a.spec.claimRef !== undefined) ||
    compareQuantities(a.spec.capacity?.storage ?? '0', b.spec.capacity?.storage ?? '0')
  let best: PersistentVolume | undefined
  for (const volume of volumes) if (fits(volume) && (!best || before(volume, best) < 0)) best = volume
  return best
}
