import {
  type Node,
  type PersistentVolume,
  type PersistentVolumeClaim,
  persistentVolume,
  persistentVolumeClaim,
  type StorageClass,
  storageClass,
} from '@skiff/api'
import { controllerOf, keyOf, quantityValue } from '@skiff/machinery'
import type { Cluster } from '../cycle/framework.ts'
import { matchesNodeSelector } from '../match/node-selector.ts'
import type { PodInfo } from '../snapshot/pod-info.ts'
import { roomFor } from './storage-capacity.ts'
import { fitsClaim, provisionsOn } from './volume-match.ts'

/** The claims of a pod's volumes, generated ones of ephemeral volumes included. */
export const claimNames = (pod: PodInfo): readonly string[] => pod.claims

/** A claim that is bound when a node is chosen: its class waits for the first consumer. */
export interface WaitingClaim {
  readonly claim: PersistentVolumeClaim
  readonly storage: StorageClass
  /** Volumes that would do, the smallest first. */
  readonly free: readonly PersistentVolume[]
}
export interface Claims {
  readonly bound: readonly PersistentVolume[]
  readonly waiting: readonly WaitingClaim[]
}

const boundAnnotation = 'pv.kubernetes.io/bind-completed'
export const isBound = ({ metadata, status, spec }: PersistentVolumeClaim): boolean =>
  spec.volumeName !== undefined && (status?.phase === 'Bound' || metadata.annotations?.[boundAnnotation] !== undefined)

const capacityBytes = ({ spec }: PersistentVolume): number => quantityValue(spec.capacity?.storage ?? '0')

/** The pod's claims, or the text of what keeps it from every node. `isTaken` tells volumes promised to another claim a moment ago. */
export const claimsOf = (pod: PodInfo, { views }: Cluster, isTaken: (volume: string, claim: string) => boolean): Claims | string => {
  const bound: PersistentVolume[] = []
  const waiting: WaitingClaim[] = []
  for (const name of claimNames(pod)) {
    const claim = views.view(persistentVolumeClaim).get(`${pod.namespace}/${name}`)
    const isOwn = pod.pod.spec.volumes?.some((each) => each.ephemeral && `${pod.pod.metadata.name}-${each.name}` === name)
    if (!claim && isOwn) return `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"`
    if (!claim) return `persistentvolumeclaim "${name}" not found`
    if (isOwn && controllerOf(claim)?.uid !== pod.uid) return `PVC ${keyOf(claim)} was not created for pod ${pod.key} (pod is not owner)`
    const { volumeName, storageClassName } = claim.spec
    if (claim.status?.phase === 'Lost') return `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${volumeName}"`
    if (claim.metadata.deletionTimestamp) return `persistentvolumeclaim "${name}" is being deleted`
    if (volumeName && isBound(claim)) {
      const volume = views.view(persistentVolume).get(volumeName)
      if (!volume) return `persistentvolume "${volumeName}" not found`
      bound.push(volume)
      continue
    }
    const storage = storageClassName ? views.view(storageClass).get(storageClassName) : undefined
    if (storage?.volumeBindingMode !== 'WaitForFirstConsumer' || volumeName) return 'pod has unbound immediate PersistentVolumeClaims'
    const key = keyOf(claim)
    const free = [...views.view(persistentVolume).list()]
      .filter((volume) => fitsClaim(volume, claim) && !isTaken(volume.metadata.name, key))
      .sort((a, b) => capacityBytes(a) - capacityBytes(b))
    waiting.push({ claim, storage, free })
  }
  return { bound, waiting }
}

export const isReachable = ({ spec }: PersistentVolume, node: Node): boolean =>
  !spec.nodeAffinity?.required || matchesNodeSelector(spec.nodeAffinity.required, node)

export interface Choice {
  readonly claim: PersistentVolumeClaim
  /** Undefined: the class' provisioner makes one. */
  readonly volume: PersistentVolume | undefined
  /** What that provisioner has free on the node; absent where it does not tell. */
  readonly roomBytes?: number
}

const selectedNode = 'volume.kubernetes.io/selected-node'

/**
 * For each waiting claim a volume of its own that `node` reaches, or a provisioner. Otherwise 'none': a claim gets neither; or
 * 'space': a provisioner says that it has too little there.
 */
export const chooseVolumes = (waiting: readonly WaitingClaim[], node: Node, cluster: Cluster): readonly Choice[] | 'none' | 'space' => {
  const given = new Set<PersistentVolume>()
  const choices: Choice[] = []
  let lacksSpace = false
  for (const { claim, storage, free } of waiting) {
    // A provisioner is at work on another node already.
    const selected = claim.metadata.annotations?.[selectedNode]
    if (selected !== undefined && selected !== node.metadata.name) return 'none'
    const volume = selected === undefined ? free.find((each) => !given.has(each) && isReachable(each, node)) : undefined
    if (!volume && !provisionsOn(storage, node)) return 'none'
    const room = volume ? undefined : roomFor(claim, storage, node, cluster)
    if (volume) given.add(volume)
    else if (room === undefined) lacksSpace = true
    choices.push({ claim, volume, ...(typeof room === 'number' ? { roomBytes: room } : {}) })
  }
  return lacksSpace ? 'space' : choices
}
