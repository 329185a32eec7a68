import { isDeepStrictEqual } from 'node:util'
import type { CSIDriver, CSIStorageCapacity, Node, PersistentVolume, StorageClass } from '@skiff/api'
import { type KubeObject, keyOf, quantityValue } from '@skiff/machinery'
import type { ShapePoint } from '../config/configuration.ts'
import { type Cluster, type ClusterEvent, type Plugin, unresolvable, type Verdict } from '../cycle/framework.ts'
import { type Choice, type Claims, chooseVolumes, claimsOf, isClaimOf, isReachable } from './volume-claims.ts'
import { volumeScore } from './volume-score.ts'
import type { BindVolumes } from './volume-writes.ts'

const name = 'VolumeBinding'
// In the order in which upstream tells them.
const nodeConflict = 'node(s) had volume node affinity conflict'
const noVolume = "node(s) didn't find available persistent volumes to bind"
const noSpace = 'node(s) did not have enough free storage'
const volumeGone = 'node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)'

const verdicts = new Map<string, Verdict>()
/** All that is wrong with a node, as one verdict that nodes share. */
const verdictOf = (reasons: readonly string[]): Verdict | undefined => {
  if (reasons.length === 0) return undefined
  const key = reasons.join()
  const made = verdicts.get(key) ?? unresolvable(name, ...reasons)
  verdicts.set(key, made)
  return made
}

/** What keeps the volumes that are bound already from a node: the first that fails tells. */
const boundProblem = (bound: readonly (PersistentVolume | undefined)[], node: Node): string | undefined => {
  for (const volume of bound) {
    if (!volume) return volumeGone
    if (!isReachable(volume, node)) return nodeConflict
  }
  return undefined
}
const reasonsAt = ({ bound, waiting }: Claims, node: Node, cluster: Cluster): string[] => {
  const problem = boundProblem(bound, node)
  const chosen = chooseVolumes(waiting, node, cluster)
  return [
    ...(problem === nodeConflict ? [problem] : []),
    ...(chosen === 'none' ? [noVolume] : chosen === 'space' ? [noSpace] : []),
    ...(problem === volumeGone ? [problem] : []),
  ]
}

/**
 * Bound volumes must be reachable from the node; claims that wait need a volume there, or a provisioner that makes one. Nodes score by the share
 * of their storage that is asked for, where a shape says how (upstream's StorageCapacityScoring).
 */
export const createVolumeBinding = (bind: BindVolumes, shape?: readonly ShapePoint[]): Plugin => {
  const scoreOf = shape && volumeScore(shape)
  /** Volumes chosen by pods whose binding is under way, and the claim each is for. */
  const promised = new Map<string, string>()
  const release = (choices: readonly Choice[]) => {
    for (const { volume } of choices) if (volume) promised.delete(volume.metadata.name)
  }
  return {
    name,
    points: ['preFilter', 'filter', 'reserve', 'preBind', 'preScore', 'score'],
    filterReads: 'snapshot',
    ownChanges: [],
    reactsTo: ['storage', 'node-added', 'node-updated'],
    begin: (pod, cluster) => {
      if (pod.claims.length === 0) return 'skip'
      const claims = claimsOf(pod, cluster, (volume, claim) => (promised.get(volume) ?? claim) !== claim)
      if (typeof claims === 'string') return unresolvable(name, claims)
      const { snapshot } = cluster
      let choices: readonly Choice[] = []
      return {
        filter: (slot) => {
          const node = snapshot.node(slot)?.node
          return node ? verdictOf(reasonsAt(claims, node, cluster)) : undefined
        },
        ...(scoreOf
          ? {
              prepareScore: () => claims.waiting.length > 0,
              score: (slot: number) => {
                const node = snapshot.node(slot)?.node
                const chosen = node ? chooseVolumes(claims.waiting, node, cluster) : 'none'
                return typeof chosen === 'string' ? 0 : scoreOf(chosen)
              },
            }
          : {}),
        reserve: (slot) => {
          const node = snapshot.node(slot)?.node
          const chosen = node ? chooseVolumes(claims.waiting, node, cluster) : 'none'
          if (typeof chosen === 'string') return verdictOf([chosen === 'none' ? noVolume : noSpace])
          choices = chosen
          for (const { volume, claim } of choices) if (volume) promised.set(volume.metadata.name, keyOf(claim))
          return undefined
        },
        unreserve: () => release(choices),
        preBind: (nodeName) => (choices.length === 0 ? undefined : bind(choices, nodeName, pod).finally(() => release(choices))),
      }
    },
    hint: (event, pod) => {
      if (event.on !== 'storage') return event.on !== 'node-updated' || event.changed.labels
      return isClaimOf(event, pod) || mayServe(event)
    },
  }
}

const sizeOf = ({ maximumVolumeSize, capacity }: CSIStorageCapacity): number => quantityValue(maximumVolumeSize ?? capacity ?? '0')

/** Whether an event of storage may let the pod in, as upstream tells them apart. */
const mayServe = ({ resource, before, after }: ClusterEvent & { on: 'storage' }): boolean => {
  if (resource === 'csidrivers') {
    const tellsCapacity = (driver: KubeObject | undefined) => (driver as CSIDriver | undefined)?.spec.storageCapacity === true
    return tellsCapacity(before) && !tellsCapacity(after)
  }
  if (!after) return false
  switch (resource) {
    case 'persistentvolumes':
      return true
    case 'storageclasses':
      return !before || !isDeepStrictEqual((before as StorageClass).allowedTopologies, (after as StorageClass).allowedTopologies)
    case 'csistoragecapacities':
      return !before || sizeOf(after as CSIStorageCapacity) > sizeOf(before as CSIStorageCapacity)
    default:
      return false
  }
}
