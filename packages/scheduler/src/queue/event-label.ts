import { isDeepStrictEqual } from 'node:util'
import type { ClusterEvent, NodeChange, OwnChange } from '../cycle/framework.ts'
import type { PodInfo } from '../snapshot/pod-info.ts'

const storageKinds = {
  persistentvolumes: 'PersistentVolume',
  persistentvolumeclaims: 'PersistentVolumeClaim',
  storageclasses: 'StorageClass',
  csinodes: 'CSINode',
  csidrivers: 'CSIDriver',
  csistoragecapacities: 'CSIStorageCapacity',
  volumeattachments: 'VolumeAttachment',
} as const

const nodeChange = ({ allocatable, labels, taints, conditions }: NodeChange): string => {
  if (allocatable) return 'Allocatable'
  if (labels) return 'Label'
  return taints ? 'Taint' : conditions ? 'Condition' : 'Annotation'
}
const podChange = ({ before, pod }: ClusterEvent & { on: 'pod-updated' }): string => {
  if (!isDeepStrictEqual(before.labels, pod.labels)) return 'PodLabel'
  return isScaledDown(before, pod) ? 'PodScaleDown' : ''
}

/** Whether a pod asks for less of anything than it did. */
export const isScaledDown = (before: PodInfo, after: PodInfo): boolean => {
  const now = new Map(after.requests)
  return before.requests.some(([resource, amount]) => (now.get(resource) ?? 0) < amount)
}

const ownChanges: Readonly<Record<OwnChange, string>> = {
  labels: 'PodLabel',
  'scaled-down': 'PodScaleDown',
  'gates-gone': 'PodSchedulingGatesEliminated',
  tolerations: 'PodToleration',
  other: '',
}
/** The same for what changed of a pod that waits. */
export const ownLabel = ([first = 'other']: readonly OwnChange[]): string => `UnschedulablePodUpdate${ownChanges[first]}`

/** The name of an event in metrics, as upstream has it: what it was, and what happened to it. */
export const eventLabel = (event: ClusterEvent): string => {
  switch (event.on) {
    case 'node-added':
      return 'NodeAdd'
    case 'node-updated':
      return `NodeUpdateNode${nodeChange(event.changed)}`
    case 'node-removed':
      return 'NodeDelete'
    case 'pod-assigned':
      return 'AssignedPodAdd'
    case 'pod-updated':
      return `AssignedPodUpdate${podChange(event)}`
    case 'pod-removed':
      return 'AssignedPodDelete'
    case 'namespace':
      return 'NamespaceUpdate'
    case 'storage':
      return `${storageKinds[event.resource]}${!event.before ? 'Add' : event.after ? 'Update' : 'Delete'}`
    case 'other':
      return event.resource
  }
}
