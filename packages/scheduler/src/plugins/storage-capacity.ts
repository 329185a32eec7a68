import { csiDriver, csiStorageCapacity, type Node, type PersistentVolumeClaim, type StorageClass } from '@skiff/api'
import { compileLabelSelector, quantityValue } from '@skiff/machinery'
import type { Cluster } from '../cycle/framework.ts'

/** Whether the class' CSI driver has room for the claim where `node` reaches it. Drivers that do not tell are taken at their word. */
export const hasSpaceFor = (claim: PersistentVolumeClaim, storage: StorageClass, node: Node, { views }: Cluster): boolean => {
  const asked = claim.spec.resources?.requests?.storage
  if (asked === undefined || !views.view(csiDriver).get(storage.provisioner)?.spec.storageCapacity) return true
  const wantedBytes = quantityValue(asked)
  const labels = node.metadata.labels ?? {}
  for (const { storageClassName, capacity, maximumVolumeSize, nodeTopology } of views.view(csiStorageCapacity).list()) {
    const limit = maximumVolumeSize ?? capacity
    if (storageClassName !== storage.metadata.name || limit === undefined || quantityValue(limit) < wantedBytes) continue
    if (nodeTopology && compileLabelSelector(nodeTopology).matches(labels)) return true
  }
  return false
}
