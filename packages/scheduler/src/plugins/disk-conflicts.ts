import type { Pod } from '@skiff/api'

type Volume = NonNullable<Pod['spec']['volumes']>[number]

const bothRead = (a: { readonly readOnly?: boolean } | undefined, b: { readonly readOnly?: boolean } | undefined): boolean =>
  a?.readOnly === true && b?.readOnly === true

/** Whether two pods of one node may not use both volumes: the same disk, which only readers may share (and of EBS nobody). */
export const disksConflict = (a: Volume, b: Volume): boolean => {
  const [pdA, pdB] = [a.gcePersistentDisk, b.gcePersistentDisk]
  if (pdA && pdB && pdA.pdName === pdB.pdName && !bothRead(pdA, pdB)) return true
  if (a.awsElasticBlockStore && a.awsElasticBlockStore.volumeID === b.awsElasticBlockStore?.volumeID) return true
  const [iscsiA, iscsiB] = [a.iscsi, b.iscsi]
  if (iscsiA && iscsiB && iscsiA.iqn === iscsiB.iqn && !bothRead(iscsiA, iscsiB)) return true
  const [rbdA, rbdB] = [a.rbd, b.rbd]
  if (!rbdA || !rbdB || bothRead(rbdA, rbdB)) return false
  const isShared = rbdA.monitors.some((monitor) => rbdB.monitors.includes(monitor))
  return isShared && (rbdA.pool ?? 'rbd') === (rbdB.pool ?? 'rbd') && rbdA.image === rbdB.image
}

/** The volumes of a pod that could conflict with others. */
export const disksOf = ({ spec }: Pod): readonly Volume[] =>
  spec.volumes?.filter((each) => each.gcePersistentDisk || each.awsElasticBlockStore || each.iscsi || each.rbd) ?? []
