import type { PersistentVolume, PersistentVolumeClaim } from '@skiff/api'
import { persistentVolumeClaim as claims } from '@skiff/api'
import type { Views } from '@skiff/client'
import { event, read, type Steps } from '../runner/step.ts'
import { failVolume, hasAnnotation, setVolumePhase, unbind } from './bind.ts'
import { claimKeyOf, sameMode } from './match.ts'

/** Who made the volume: a provisioner outside, which also deletes it. */
const provisionedBy = 'pv.kubernetes.io/provisioned-by'
const migratedTo = 'pv.kubernetes.io/migrated-to'

/** The volume's phase follows its claim; the bond itself is the claim's affair. */
export const planVolume = (volume: PersistentVolume, views: Views): Steps => {
  const { claimRef } = volume.spec
  // Without a uid it is reserved, and free for nobody else.
  if (!claimRef?.uid) return setVolumePhase(volume, 'Available')
  const claim = views.view(claims).get(claimKeyOf(volume) as string)
  if (claim?.metadata.uid !== claimRef.uid) return planUnclaimed(volume)
  if (!claim.spec.volumeName) return sameMode(volume, claim) ? [] : tellModes(volume, claim)
  if (claim.spec.volumeName === volume.metadata.name) return setVolumePhase(volume, 'Bound')
  const madeForIt = hasAnnotation(volume, provisionedBy) && volume.spec.persistentVolumeReclaimPolicy === 'Delete'
  return madeForIt ? release(volume) : unbind(volume)
}

const isReleased = ({ status }: PersistentVolume): boolean => status?.phase === 'Released' || status?.phase === 'Failed'

/** The claim is gone, or another one has its name. It may also be too new for the view: the API is asked before anything is given up. */
const planUnclaimed = (volume: PersistentVolume): Steps => {
  if (isReleased(volume)) return reclaim(volume)
  const { namespace = '', name = '', uid } = volume.spec.claimRef ?? {}
  const done = (claim: PersistentVolumeClaim | undefined): Steps => (claim?.metadata.uid === uid ? [] : release(volume))
  return [read(claims, { namespace, name }, { done })]
}

const release = (volume: PersistentVolume): Steps =>
  isReleased(volume) ? reclaim(volume) : setVolumePhase(volume, 'Released', (released) => reclaim(released))

const reclaim = (volume: PersistentVolume): Steps => {
  if (hasAnnotation(volume, migratedTo)) return []
  switch (volume.spec.persistentVolumeReclaimPolicy) {
    case 'Delete': {
      const why = volume.metadata.deletionTimestamp === undefined ? whyKept(volume) : undefined
      return why === undefined ? [] : failVolume(volume, 'VolumeFailedDelete', why)
    }
    case 'Recycle':
      return failVolume(volume, 'VolumeFailedRecycle', 'No recycler plugin found for the volume!')
    default:
      return []
  }
}

/** Data is deleted by provisioners alone. Undefined: one of them does it. */
const whyKept = (volume: PersistentVolume): string | undefined => {
  const maker = volume.metadata.annotations?.[provisionedBy]
  if (maker) return maker.startsWith('kubernetes.io/') ? `no volume plugin matched name: ${maker}` : undefined
  const path = volume.spec.hostPath?.path
  if (path !== undefined && !/\/tmp\/.+/.test(path)) return `host_path deleter only supports /tmp/.+ but received provided ${path}`
  return `error getting deleter volume plugin for volume "${volume.metadata.name}": no deletable volume plugin matched`
}

const tellModes = (volume: PersistentVolume, claim: PersistentVolumeClaim): Steps => {
  const tail = 'due to incompatible volumeMode.'
  const [name, claimName] = [volume.metadata.name, claim.metadata.name]
  return [
    event(volume, 'Warning', 'VolumeMismatch', `Cannot bind PersistentVolume to requested PersistentVolumeClaim "${claimName}" ${tail}`),
    event(claim, 'Warning', 'VolumeMismatch', `Cannot bind PersistentVolume "${name}" to requested PersistentVolumeClaim ${tail}`),
  ]
}
