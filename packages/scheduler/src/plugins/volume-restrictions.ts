import { persistentVolumeClaim } from '@skiff/api'
import { type Plugin, unschedulable } from '../cycle/framework.ts'
import type { PodInfo } from '../snapshot/pod-info.ts'
import { claimNames } from './volume-claims.ts'

const name = 'VolumeRestrictions'
const inUse = unschedulable(name, 'node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode')

const shares = (a: PodInfo, b: PodInfo): boolean => {
  if (a.namespace !== b.namespace) return false
  const names = claimNames(b)
  return claimNames(a).some((claim) => names.includes(claim))
}

/** A claim of mode ReadWriteOncePod is for one pod: the others wait, wherever in the cluster it is used. */
export const volumeRestrictions: Plugin = {
  name,
  reactsTo: ['pod-removed', 'storage', 'node-added'],
  begin: (pod, { snapshot, views }) => {
    const single = claimNames(pod).filter((claim) =>
      views.view(persistentVolumeClaim).get(`${pod.namespace}/${claim}`)?.spec.accessModes?.includes('ReadWriteOncePod'),
    )
    if (single.length === 0) return 'skip'
    const users = snapshot.counter(
      `claims ${pod.namespace} ${single.join()}`,
      (other) => other.namespace === pod.namespace && claimNames(other).some((claim) => single.includes(claim)),
    )
    return {
      // As upstream: the node where the claim is used says so; while it is used anywhere, no node will do.
      filter: () => (users.total > 0 ? inUse : undefined),
    }
  },
  hint: (event, pod) => event.on !== 'pod-removed' || shares(pod, event.pod),
}
