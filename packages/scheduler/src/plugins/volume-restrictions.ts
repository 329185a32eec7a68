import { persistentVolumeClaim } from '@skiff/api'
import { type Plugin, unresolvable, unschedulable, type Verdict } from '../cycle/framework.ts'
import type { PodInfo } from '../snapshot/pod-info.ts'
import { disksConflict, disksOf } from './disk-conflicts.ts'
import { claimNames, claimNotFound, isClaimOf } from './volume-claims.ts'

const name = 'VolumeRestrictions'
const inUse = unschedulable(name, 'node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode')

const diskTaken = unschedulable(name, 'node(s) had no available disk')

const conflicts = (a: PodInfo, b: PodInfo): boolean => {
  const others = disksOf(b.pod)
  return others.length > 0 && disksOf(a.pod).some((disk) => others.some((other) => disksConflict(disk, other)))
}
const shares = (a: PodInfo, b: PodInfo): boolean => {
  if (a.namespace !== b.namespace) return false
  const names = claimNames(b)
  return claimNames(a).some((claim) => names.includes(claim))
}

/** A claim of mode ReadWriteOncePod is for one pod: the others wait, wherever in the cluster it is used. Disks are used by one writer a node. */
export const volumeRestrictions: Plugin = {
  name,
  points: ['preFilter', 'filter'],
  filterReads: 'snapshot',
  ownChanges: [],
  reactsTo: ['pod-removed', 'storage', 'node-added'],
  begin: (pod, { snapshot, views }) => {
    for (const { persistentVolumeClaim: used } of pod.pod.spec.volumes ?? [])
      if (used && !views.view(persistentVolumeClaim).get(`${pod.namespace}/${used.claimName}`))
        return unresolvable(name, claimNotFound(used.claimName))
    const single = claimNames(pod).filter((claim) =>
      views.view(persistentVolumeClaim).get(`${pod.namespace}/${claim}`)?.spec.accessModes?.includes('ReadWriteOncePod'),
    )
    const hasDisks = disksOf(pod.pod).length > 0
    if (single.length === 0 && !hasDisks) return 'skip'
    const conflictAt = (slot: number): Verdict | undefined => {
      for (const other of snapshot.node(slot)?.pods.values() ?? []) if (conflicts(pod, other)) return diskTaken
      return undefined
    }
    if (single.length === 0) return { filter: conflictAt }
    const users = snapshot.counter(
      `claims ${pod.namespace} ${single.join()}`,
      (other) => other.namespace === pod.namespace && claimNames(other).some((claim) => single.includes(claim)),
    )
    return {
      // As upstream: the node where the claim is used says so; while it is used anywhere, no node will do.
      filter: (slot) => (hasDisks ? conflictAt(slot) : undefined) ?? (users.total > 0 ? inUse : undefined),
    }
  },
  hint: (event, pod) => {
    if (event.on === 'pod-removed') return shares(pod, event.pod) || conflicts(pod, event.pod)
    if (event.on !== 'storage') return true
    // A claim's mode cannot be told before it is there.
    return isClaimOf(event, pod) && !event.before
  },
}
