import { csiDriver, csiStorageCapacity, type Node, type PersistentVolumeClaim, type StorageClass } from '@skiff/api'
import { compileLabelSelector, quantityValue } from '@skiff/machinery'
import type { Cluster } from '../cycle/framework.ts'

/**
 * The room that the class' CSI driver has where `node` reaches it, if it is enough for the claim; 'unknown' for drivers that do not tell,
 * which are taken at their word.
 */
export const roomFor = (
  claim: PersistentVolumeClaim,
  storage: StorageClass,
  node: Node,
  { views }: Cluster,
): number | 'unknown' | undefined => {
  const asked = claim.spec.resources?.requests?.storage
  if (asked === undefined || !views.view(csiDriver).get(storage.provisioner)?.spec.storageCapacity) return 'unknown'
  const wantedBytes = quantityValue(asked)
  const labels = node.metadata.labels ?? {}
  for (const { storageClassName, capacity, maximumVolumeSize, nodeTopology } of views.view(csiStorageCapacity).list()) {
    const limit = maximumVolumeSize ?? capacity
    if (storageClassName !== storage.metadata.name || limit === undefined || quantityValue(limit) < wantedBytes) continue
    if (nodeTopology && compileLabelSelector(nodeTopology).matches(labels)) return quantityValue(capacity ?? '0')
  }
  return undefined
}
