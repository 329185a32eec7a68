import type { ClusterEvent } from '../cycle/framework.ts'

const storageKinds = {
  persistentvolumes: 'PersistentVolume',
  persistentvolumeclaims: 'PersistentVolumeClaim',
  storageclasses: 'StorageClass',
  csinodes: 'CSINode',
  csidrivers: 'CSIDriver',
  csistoragecapacities: 'CSIStorageCapacity',
  volumeattachments: 'VolumeAttachment',
} as const

/** The name of an event in metrics, as upstream has it: what it was, and what happened to it. */
export const eventLabel = (event: ClusterEvent): string => {
  switch (event.on) {
    case 'node-added':
      return 'NodeAdd'
    case 'node-updated':
      if (event.changed.allocatable) return 'NodeUpdateNodeAllocatable'
      return event.changed.labels ? 'NodeUpdateNodeLabel' : 'NodeUpdateNodeTaint'
    case 'node-removed':
      return 'NodeDelete'
    case 'pod-assigned':
      return 'AssignedPodAdd'
    case 'pod-updated':
      return 'AssignedPodUpdate'
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
