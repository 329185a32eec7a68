import {
  type PersistentVolume,
  type PersistentVolumeClaim,
  persistentVolume,
  persistentVolumeClaim,
  type StorageClass,
  storageClass,
} from '@skiff/api'
import { type Cluster, type Plugin, unresolvable, type Verdict } from '../cycle/framework.ts'
import { matchesNodeSelector } from '../match/node-selector.ts'
import type { PodInfo } from '../snapshot/pod-info.ts'
import { fitsClaim, provisionsOn } from './volume-match.ts'

const name = 'VolumeBinding'
const nodeConflict = unresolvable(name, 'node(s) had volume node affinity conflict')
const noVolume = unresolvable(name, "node(s) didn't find available persistent volumes to bind")

/** The claims of a pod's volumes, generated ones of ephemeral volumes included. */
export const claimNames = ({ pod }: PodInfo): string[] =>
  (pod.spec.volumes ?? []).flatMap((volume) => {
    if (volume.persistentVolumeClaim) return [volume.persistentVolumeClaim.claimName]
    return volume.ephemeral ? [`${pod.metadata.name}-${volume.name}`] : []
  })

interface Claims {
  readonly bound: readonly PersistentVolume[]
  /** To be bound when a node is chosen: their class waits for the first consumer. */
  readonly waiting: readonly { readonly claim: PersistentVolumeClaim; readonly storage: StorageClass }[]
}

const claimsOf = (pod: PodInfo, { views }: Cluster): Claims | Verdict => {
  const bound: PersistentVolume[] = []
  const waiting: { claim: PersistentVolumeClaim; storage: StorageClass }[] = []
  for (const claimName of claimNames(pod)) {
    const claim = views.view(persistentVolumeClaim).get(`${pod.namespace}/${claimName}`)
    if (!claim) return unresolvable(name, `persistentvolumeclaim "${claimName}" not found`)
    if (claim.status?.phase === 'Lost')
      return unresolvable(name, `persistentvolumeclaim "${claimName}" bound to non-existent persistentvolume "${claim.spec.volumeName}"`)
    if (claim.metadata.deletionTimestamp) return unresolvable(name, `persistentvolumeclaim "${claimName}" is being deleted`)
    const volume = claim.spec.volumeName ? views.view(persistentVolume).get(claim.spec.volumeName) : undefined
    if (claim.spec.volumeName && isBound(claim)) {
      if (!volume) return unresolvable(name, `persistentvolume "${claim.spec.volumeName}" not found`)
      bound.push(volume)
      continue
    }
    const storage = claim.spec.storageClassName ? views.view(storageClass).get(claim.spec.storageClassName) : undefined
    if (storage?.volumeBindingMode !== 'WaitForFirstConsumer' || claim.spec.volumeName)
      return unresolvable(name, 'pod has unbound immediate PersistentVolumeClaims')
    waiting.push({ claim, storage })
  }
  return { bound, waiting }
}

const boundAnnotation = 'pv.kubernetes.io/bind-completed'
const isBound = ({ metadata, status }: PersistentVolumeClaim): boolean =>
  status?.phase === 'Bound' || metadata.annotations?.[boundAnnotation] !== undefined

/** Bound volumes must be reachable from the node; claims that wait need a volume there, or a provisioner that makes one. */
export const volumeBinding: Plugin = {
  name,
  begin: (pod, cluster) => {
    if (!pod.pod.spec.volumes?.some((each) => each.persistentVolumeClaim || each.ephemeral)) return 'skip'
    const claims = claimsOf(pod, cluster)
    if ('reasons' in claims) return claims
    const { snapshot, views } = cluster
    const free = claims.waiting.map(({ claim }) => [...views.view(persistentVolume).list()].filter((volume) => fitsClaim(volume, claim)))
    return {
      filter: (slot) => {
        const node = snapshot.node(slot)?.node
        if (!node) return nodeConflict
        for (const { spec } of claims.bound)
          if (spec.nodeAffinity?.required && !matchesNodeSelector(spec.nodeAffinity.required, node)) return nodeConflict
        for (const [i, { storage }] of claims.waiting.entries()) {
          const isReachable = ({ spec }: PersistentVolume) =>
            !spec.nodeAffinity?.required || matchesNodeSelector(spec.nodeAffinity.required, node)
          if (!free[i]?.some(isReachable) && !provisionsOn(storage, node)) return noVolume
        }
        return undefined
      },
    }
  },
  hint: (event) => event.on === 'storage' || event.on === 'node-added' || (event.on === 'node-updated' && event.changed.labels),
}
