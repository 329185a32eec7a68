import type { Node, PersistentVolume, PersistentVolumeClaim, StorageClass } from '@skiff/api'
import { compileLabelSelector, quantityValue } from '@skiff/machinery'

const classOfOld = 'volume.beta.kubernetes.io/storage-class'
/** The class of a volume or claim; as upstream, the annotation of old counts before the field. */
export const className = ({ metadata, spec }: PersistentVolume | PersistentVolumeClaim): string =>
  metadata.annotations?.[classOfOld] ?? spec.storageClassName ?? ''

export const requestedBytes = ({ spec }: PersistentVolumeClaim): number => quantityValue(spec.resources?.requests?.storage ?? '0')

/** Whether the volume was reserved for this very claim. */
export const isReservedFor = ({ spec: { claimRef } }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean =>
  claimRef?.name === metadata.name &&
  claimRef.namespace === metadata.namespace &&
  (claimRef.uid === undefined || claimRef.uid === '' || claimRef.uid === metadata.uid)

/** Whether a volume may be given to a claim, wherever the pod will run. */
export const fitsClaim = (volume: PersistentVolume, claim: PersistentVolumeClaim): boolean => {
  const { spec, metadata, status } = volume
  const isReserved = isReservedFor(volume, claim)
  if (metadata.deletionTimestamp || (spec.claimRef && !isReserved)) return false
  if (className(volume) !== className(claim)) return false
  if ((spec.volumeMode ?? 'Filesystem') !== (claim.spec.volumeMode ?? 'Filesystem')) return false
  if (quantityValue(spec.capacity?.storage ?? '0') < requestedBytes(claim)) return false
  // As upstream: who reserved the volume knows best.
  if (isReserved) return true
  if (status?.phase !== 'Available') return false
  if (claim.spec.selector && !compileLabelSelector(claim.spec.selector).matches(metadata.labels)) return false
  return claim.spec.accessModes?.every((mode) => spec.accessModes?.includes(mode)) ?? true
}

const nothingMakes = 'kubernetes.io/no-provisioner'

/** Whether the class' provisioner would make a volume for a pod on `node`. */
export const provisionsOn = ({ provisioner, allowedTopologies }: StorageClass, node: Node): boolean => {
  if (provisioner === '' || provisioner === nothingMakes) return false
  if (!allowedTopologies?.length) return true
  const labels = node.metadata.labels ?? {}
  // A term that asks for nothing matches no node.
  return allowedTopologies.some(
    ({ matchLabelExpressions: wanted = [] }) =>
      wanted.length > 0 && wanted.every(({ key, values }) => Object.hasOwn(labels, key) && values.includes(labels[key] as string)),
  )
}
