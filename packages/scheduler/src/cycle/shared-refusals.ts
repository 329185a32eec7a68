import { disksOf } from '../plugins/disk-conflicts.ts'
import type { PodInfo } from '../snapshot/pod-info.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'

/** What a pod is told that found no node, preemption included. */
export interface Refusal {
  readonly by: ReadonlySet<string>
  readonly text: string
  /** For status.nominatedNodeName; undefined leaves it. */
  readonly nominate: string | undefined
}

/**
 * A thousand equal pods without room cost one search: within one stretch of the loop, in which no view changes, a pod is refused as
 * its equal was, as long as the snapshot has not changed either.
 */
export interface SharedRefusals {
  get(pod: PodInfo): Refusal | undefined
  keep(pod: PodInfo, refusal: Refusal): void
  forget(): void
}

/** All that a refusal depends on; undefined for pods with claims, which are never equal. */
const classOf = ({ pod, namespace, labels, priority, requests, claims }: PodInfo): string | undefined => {
  const { affinity, nodeSelector, tolerations, topologySpreadConstraints, preemptionPolicy, containers, initContainers, schedulerName } =
    pod.spec
  // Also the disks of old, which conflict.
  if (claims.length > 0 || disksOf(pod).length > 0) return undefined
  const ports = [...containers, ...(initContainers ?? [])].map((each) => each.ports)
  const owner = pod.metadata.ownerReferences?.find((each) => each.controller)?.uid
  const asked = { affinity, nodeSelector, tolerations, topologySpreadConstraints, preemptionPolicy, schedulerName }
  return JSON.stringify([namespace, labels, priority, requests, ports, asked, owner, pod.status?.nominatedNodeName])
}

export const createSharedRefusals = (snapshot: Snapshot): SharedRefusals => {
  const held = new Map<string, Refusal>()
  let generation = -1
  return {
    get: (pod) => {
      if (generation !== snapshot.generation || held.size === 0) return undefined
      const key = classOf(pod)
      return key === undefined ? undefined : held.get(key)
    },
    keep: (pod, refusal) => {
      if (generation !== snapshot.generation) held.clear()
      generation = snapshot.generation
      const key = classOf(pod)
      if (key !== undefined) held.set(key, refusal)
    },
    forget: () => held.clear(),
  }
}
