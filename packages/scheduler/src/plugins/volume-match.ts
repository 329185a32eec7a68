import type { Node, PersistentVolume, PersistentVolumeClaim, StorageClass } from '@skiff/api'
import { compileLabelSelector, quantityValue } from '@skiff/machinery'

/** Whether a volume may be given to a claim, wherever the pod will run. */
export const fitsClaim = ({ spec, metadata, status }: PersistentVolume, claim: PersistentVolumeClaim): boolean => {
  const { claimRef } = spec
  const isReserved = claimRef?.name === claim.metadata.name && claimRef.namespace === claim.metadata.namespace
  if (claimRef ? !isReserved : status?.phase !== undefined && status.phase !== 'Available') return false
  if (metadata.deletionTimestamp) return false
  if ((spec.storageClassName ?? '') !== (claim.spec.storageClassName ?? '')) return false
  if ((spec.volumeMode ?? 'Filesystem') !== (claim.spec.volumeMode ?? 'Filesystem')) return false
  if (claim.spec.selector && !compileLabelSelector(claim.spec.selector).matches(metadata.labels)) return false
  if (!claim.spec.accessModes?.every((mode) => spec.accessModes?.includes(mode))) return false
  const asked = claim.spec.resources?.requests?.storage
  return asked === undefined || quantityValue(spec.capacity?.storage ?? '0') >= quantityValue(asked)
}

const nothingMakes = 'kubernetes.io/no-provisioner'

/** Whether the class' provisioner would make a volume for a pod on `node`. */
export const provisionsOn = ({ provisioner, allowedTopologies }: StorageClass, node: Node): boolean => {
  if (provisioner === nothingMakes) return false
  if (!allowedTopologies?.length) return true
  const labels = node.metadata.labels ?? {}
  return allowedTopologies.some((term) =>
    (term.matchLabelExpressions ?? []).every(({ key, values }) => Object.hasOwn(labels, key) && values.includes(labels[key] as string)),
  )
}
