import { keyOf } from '@skiff/machinery'
import type { ShapePoint } from '../config/configuration.ts'
import { type Plugin, unresolvable } from '../cycle/framework.ts'
import { type Choice, chooseVolumes, claimsOf, isReachable } from './volume-claims.ts'
import { volumeScore } from './volume-score.ts'
import type { BindVolumes } from './volume-writes.ts'

const name = 'VolumeBinding'
const nodeConflict = unresolvable(name, 'node(s) had volume node affinity conflict')
const noVolume = unresolvable(name, "node(s) didn't find available persistent volumes to bind")

const noSpace = unresolvable(name, 'node(s) did not have enough free storage')

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
          if (!node || !claims.bound.every((volume) => isReachable(volume, node))) return nodeConflict
          const chosen = chooseVolumes(claims.waiting, node, cluster)
          return chosen === 'none' ? noVolume : chosen === 'space' ? noSpace : undefined
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
          if (typeof chosen === 'string') return chosen === 'none' ? noVolume : noSpace
          choices = chosen
          for (const { volume, claim } of choices) if (volume) promised.set(volume.metadata.name, keyOf(claim))
          return undefined
        },
        unreserve: () => release(choices),
        preBind: (nodeName) => (choices.length === 0 ? undefined : bind(choices, nodeName).finally(() => release(choices))),
      }
    },
    hint: (event, pod) => {
      if (event.on !== 'storage') return event.on !== 'node-updated' || event.changed.labels
      if (event.resource !== 'persistentvolumeclaims') return event.resource !== 'volumeattachments'
      const { name: claim = '', namespace } = event.after?.metadata ?? {}
      return namespace === pod.namespace && pod.claims.includes(claim)
    },
  }
}
