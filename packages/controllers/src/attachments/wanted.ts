import { createHash } from 'node:crypto'
import type { PersistentVolume, Pod } from '@skiff/api'
import { persistentVolumeClaim as claims, csiDriver as drivers, pod as pods, persistentVolume as volumes } from '@skiff/api'
import type { Views } from '@skiff/client'
import { isFinished } from '../pods.ts'
import { claimKeys } from '../protection/claims.ts'

/** A volume that its node must have attached before pods start. */
export interface Wanted {
  readonly volume: PersistentVolume
  readonly driver: string
  /** As the node's status names it. */
  readonly uniqueName: string
  /** The attachment's name, as every attacher and kubelet works it out. */
  readonly attachment: string
  readonly pods: readonly Pod[]
}

/** Undefined for a volume that needs no attaching. */
export const attachable = (volume: PersistentVolume, nodeName: string, views: Views): Omit<Wanted, 'pods'> | undefined => {
  const { csi } = volume.spec
  if (!csi || views.view(drivers).get(csi.driver)?.spec.attachRequired === false) return undefined
  const hash = createHash('sha256').update(`${csi.volumeHandle}${csi.driver}${nodeName}`).digest('hex')
  const uniqueName = `kubernetes.io/csi/${csi.driver}^${csi.volumeHandle}`
  return { volume, driver: csi.driver, uniqueName, attachment: `csi-${hash}` }
}

/** Of many nodes at once, unless it says otherwise. */
export const isShared = ({ spec }: PersistentVolume): boolean => {
  const modes = spec.accessModes ?? []
  return modes.length === 0 || modes.some((mode) => mode === 'ReadWriteMany' || mode === 'ReadOnlyMany')
}

const volumeOf = (claimKey: string, views: Views): PersistentVolume | undefined => {
  const claim = views.view(claims).get(claimKey)
  const volume = claim?.spec.volumeName ? views.view(volumes).get(claim.spec.volumeName) : undefined
  return volume && volume.spec.claimRef?.uid === claim?.metadata.uid ? volume : undefined
}

/** What the pods of a node need; those that have ended need nothing. By the attachment's name. */
export const wantedOn = (nodeName: string, views: Views): ReadonlyMap<string, Wanted> => {
  const found = new Map<string, Wanted>()
  for (const pod of views.view(pods).indexed('nodeName', nodeName)) {
    if (isFinished(pod)) continue
    for (const key of claimKeys(pod)) {
      const volume = volumeOf(key, views)
      const need = volume && attachable(volume, nodeName, views)
      if (need) found.set(need.attachment, { ...need, pods: [...(found.get(need.attachment)?.pods ?? []), pod] })
    }
  }
  return found
}
