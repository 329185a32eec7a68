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
import type { Cluster, ClusterEvent } from '../cycle/framework.ts'
import { matchesNodeSelector } from '../match/node-selector.ts'
import type { PodInfo } from '../snapshot/pod-info.ts'
import { roomFor } from './storage-capacity.ts'
import { className, fitsClaim, isReservedFor, provisionsOn, requestedBytes } from './volume-match.ts'

/** The claims of a pod's volumes, generated ones of ephemeral volumes included. */
export const claimNames = (pod: PodInfo): readonly string[] => pod.claims

/** Whether an event is about a claim of the pod that is there. */
export const isClaimOf = ({ resource, after }: ClusterEvent & { on: 'storage' }, pod: PodInfo): boolean =>
  resource === 'persistentvolumeclaims' && after?.metadata.namespace === pod.namespace && pod.claims.includes(after.metadata.name)

/** A claim that is bound when a node is chosen: its class waits for the first consumer. */
export interface WaitingClaim {
  readonly claim: PersistentVolumeClaim
  readonly storage: StorageClass
  /** Volumes that would do, the smallest first; where one was reserved for the claim, that one alone. */
  readonly free: readonly PersistentVolume[]
}
export interface Claims {
  /** Undefined: there is no such volume. */
  readonly bound: readonly (PersistentVolume | undefined)[]
  /** What asks for least comes first, so that it does not take a volume that more is asked of. */
  readonly waiting: readonly WaitingClaim[]
}

const boundAnnotation = 'pv.kubernetes.io/bind-completed'
export const isBound = ({ metadata, status, spec }: PersistentVolumeClaim): boolean =>
  spec.volumeName !== undefined && (status?.phase === 'Bound' || metadata.annotations?.[boundAnnotation] !== undefined)

const capacityBytes = ({ spec }: PersistentVolume): number => quantityValue(spec.capacity?.storage ?? '0')

/** The pod's claims as objects, or the text of why one of them cannot be used. */
const usable = (pod: PodInfo, { views }: Cluster): readonly PersistentVolumeClaim[] | string => {
  const found: PersistentVolumeClaim[] = []
  for (const name of claimNames(pod)) {
    const claim = views.view(persistentVolumeClaim).get(`${pod.namespace}/${name}`)
    const isOwn = pod.pod.spec.volumes?.some((each) => each.ephemeral && `${pod.pod.metadata.name}-${each.name}` === name)
    if (!claim && isOwn) return `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"`
    if (!claim) return claimNotFound(name)
    const { volumeName } = claim.spec
    if (claim.status?.phase === 'Lost') return `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${volumeName}"`
    if (claim.metadata.deletionTimestamp) return `persistentvolumeclaim "${name}" is being deleted`
    if (isOwn && controllerOf(claim)?.uid !== pod.uid) return `PVC ${keyOf(claim)} was not created for pod ${pod.key} (pod is not owner)`
    found.push(claim)
  }
  return found
}
export const claimNotFound = (name: string): string => `persistentvolumeclaim "${name}" not found`

/** The pod's claims, or the text of what keeps it from every node. `isTaken` tells volumes promised to another claim a moment ago. */
export const claimsOf = (pod: PodInfo, cluster: Cluster, isTaken: (volume: string, claim: string) => boolean): Claims | string => {
  const { views } = cluster
  const found = usable(pod, cluster)
  if (typeof found === 'string') return found
  const volumes = views.view(persistentVolume)
  const waiting: WaitingClaim[] = []
  for (const claim of found) {
    if (isBound(claim)) continue
    const storage = views.view(storageClass).get(className(claim))
    if (storage?.volumeBindingMode !== 'WaitForFirstConsumer' || claim.spec.volumeName)
      return 'pod has unbound immediate PersistentVolumeClaims'
    const key = keyOf(claim)
    const fitting = [...volumes.list()].filter((volume) => fitsClaim(volume, claim) && !isTaken(volume.metadata.name, key))
    const reserved = fitting.find((volume) => isReservedFor(volume, claim))
    waiting.push({ claim, storage, free: reserved ? [reserved] : fitting.sort((a, b) => capacityBytes(a) - capacityBytes(b)) })
  }
  return {
    bound: found.filter(isBound).map(({ spec }) => volumes.get(spec.volumeName ?? '')),
    waiting: waiting.sort((a, b) => requestedBytes(a.claim) - requestedBytes(b.claim)),
  }
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

export const selectedNode = 'volume.kubernetes.io/selected-node'

/** Where a provisioner is at work already. */
const selectedOf = ({ claim }: WaitingClaim): string | undefined => claim.metadata.annotations?.[selectedNode]

/**
 * For each waiting claim a volume of its own that `node` reaches, or a provisioner. Otherwise 'none': a claim gets neither; or
 * 'space': a provisioner says that it has too little there. In upstream's order: all that is there is given first.
 */
export const chooseVolumes = (waiting: readonly WaitingClaim[], node: Node, cluster: Cluster): readonly Choice[] | 'none' | 'space' => {
  const { name } = node.metadata
  if (waiting.some((each) => (selectedOf(each) ?? name) !== name)) return 'none'
  const given = new Set<PersistentVolume>()
  const choices: Choice[] = []
  const toMake = waiting.filter((each) => selectedOf(each) !== undefined)
  for (const each of waiting) {
    if (selectedOf(each) !== undefined) continue
    const volume = each.free.find((one) => !given.has(one) && isReachable(one, node))
    if (volume) {
      given.add(volume)
      choices.push({ claim: each.claim, volume })
    } else toMake.push(each)
  }
  for (const { claim, storage } of toMake) {
    if (!provisionsOn(storage, node)) return 'none'
    const room = roomFor(claim, storage, node, cluster)
    if (room === undefined) return 'space'
    choices.push({ claim, volume: undefined, ...(typeof room === 'number' ? { roomBytes: room } : {}) })
  }
  return choices
}
