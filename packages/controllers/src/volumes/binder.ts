import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from '@skiff/api'
import { persistentVolumeClaim as claims, storageClass as classes, pod as pods, persistentVolume as volumes } from '@skiff/api'
import type { ViewChange, Views } from '@skiff/client'
import { keyOf } from '@skiff/machinery'
import { claimKeys } from '../protection/claims.ts'
import { type Controller, reading, watching } from '../runner/controller.ts'
import { isDefaultClass, isPending, planClaim, waitsForConsumer } from './claim.ts'
import { claimKeyOf, classOf } from './match.ts'
import { planVolume } from './volume.ts'

// Claims and volumes are planned by one controller, since each bond is a matter of both.
const ofClaim = (key: string): string => `claim ${key}`
const ofVolume = (name: string): string => `volume ${name}`

const pending = (views: Views, className: string): string[] =>
  views
    .view(claims)
    .indexed('pending', className)
    .map((claim) => ofClaim(keyOf(claim)))

const isFree = (volume: PersistentVolume | undefined): boolean => volume?.status?.phase === 'Available' && !volume.spec.claimRef

/** A volume concerns the claims that it is for, that ask for it, and once it becomes free all that look for one of its class. */
const ofVolumeChange = ({ key, before, after }: ViewChange<PersistentVolume>, views: Views): readonly string[] => {
  const keys = new Set([ofVolume(key)])
  for (const claim of views.view(claims).indexed('volume', key)) keys.add(ofClaim(keyOf(claim)))
  for (const volume of [before, after]) {
    const claimKey = volume && claimKeyOf(volume)
    if (claimKey !== undefined) keys.add(ofClaim(claimKey))
  }
  if (after && isFree(after) && !isFree(before))
    for (const claim of views.view(claims).indexed('pending', classOf(after)))
      if (!waitsForConsumer(claim, views)) keys.add(ofClaim(keyOf(claim)))
  return [...keys]
}

const ofClaimChange = ({ key, before, after }: ViewChange<PersistentVolumeClaim>, views: Views): readonly string[] => {
  const keys = new Set([ofClaim(key)])
  for (const claim of [before, after]) if (claim?.spec.volumeName) keys.add(ofVolume(claim.spec.volumeName))
  for (const volume of views.view(volumes).indexed('claim', key)) keys.add(ofVolume(volume.metadata.name))
  return [...keys]
}

/** Binds claims to volumes; makes none itself. One key at a time: each plan sees what the one before gave away. */
export const volumeBinderController = (): Controller => {
  const watches = [
    // The indexes first: a change of either kind looks into those of the other.
    reading<PersistentVolumeClaim>(claims, {
      pending: (claim) => (isPending(claim) ? [classOf(claim)] : []),
      volume: ({ spec }) => (spec.volumeName ? [spec.volumeName] : []),
    }),
    reading<PersistentVolume>(volumes, {
      claim: (volume) => [claimKeyOf(volume) ?? []].flat(),
      free: (volume) => (volume.spec.claimRef ? [] : [classOf(volume)]),
    }),
    reading(pods, { claim: claimKeys }),
    watching({ resource: claims, keys: ofClaimChange }),
    watching({ resource: volumes, keys: ofVolumeChange }),
    watching<StorageClass>({
      resource: classes,
      keys: ({ key, after }, views) => [...pending(views, key), ...(after && isDefaultClass(after) ? pending(views, '') : [])],
    }),
  ]
  return {
    name: 'persistentvolume-binder-controller',
    account: 'persistent-volume-binder',
    component: 'persistentvolume-controller',
    concurrency: 1,
    watches: () => watches,
    plan: (key, views) => {
      const name = key.slice(key.indexOf(' ') + 1)
      if (key === ofVolume(name)) {
        const volume = views.view(volumes).get(name)
        return volume ? planVolume(volume, views) : []
      }
      const claim = views.view(claims).get(name)
      return claim ? planClaim(claim, views) : []
    },
  }
}
