import { persistentVolume, persistentVolumeClaim } from '@skiff/api'
import { type Plugin, unresolvable } from '../cycle/framework.ts'
import { claimNames } from './volume-claims.ts'

const name = 'VolumeZone'
const otherZone = unresolvable(name, 'node(s) had no available volume zone')

// A volume's label may list several values: a__b.
const separator = '__'
const zoneLabels = [
  ...['topology.kubernetes.io/zone', 'topology.kubernetes.io/region'],
  ...['failure-domain.beta.kubernetes.io/zone', 'failure-domain.beta.kubernetes.io/region'],
]
/** The label of today for one of old, and the other way round: a node may carry either. */
const otherName = (key: string): string =>
  key.startsWith('failure-domain.beta.')
    ? key.replace('failure-domain.beta.', 'topology.')
    : key.replace('topology.', 'failure-domain.beta.')

/** Volumes that name their zone by label, as the cloud providers of old made them, keep pods in it. */
export const volumeZone: Plugin = {
  name,
  points: ['preFilter', 'filter'],
  filterReads: 'snapshot',
  reactsTo: ['storage', 'node-added', 'node-updated'],
  begin: (pod, { snapshot, views }) => {
    const wanted: (readonly [key: string, values: ReadonlySet<string>])[] = []
    for (const claimName of claimNames(pod)) {
      const volumeName = views.view(persistentVolumeClaim).get(`${pod.namespace}/${claimName}`)?.spec.volumeName
      const labels = volumeName ? views.view(persistentVolume).get(volumeName)?.metadata.labels : undefined
      for (const key of zoneLabels) {
        const text = labels?.[key]
        if (text !== undefined) wanted.push([key, new Set(text.split(separator))])
      }
    }
    if (wanted.length === 0) return 'skip'
    return {
      filter: (slot) => {
        const labels = snapshot.node(slot)?.node.metadata.labels ?? {}
        // A cluster whose nodes have no zones has one.
        if (!zoneLabels.some((key) => Object.hasOwn(labels, key))) return undefined
        return wanted.every(([key, values]) => values.has(labels[key] ?? labels[otherName(key)] ?? '')) ? undefined : otherZone
      },
    }
  },
  hint: (event, pod) => {
    if (event.on !== 'storage') return event.on !== 'node-updated' || event.changed.labels
    if (event.resource === 'persistentvolumeclaims') return pod.claims.includes(event.after?.metadata.name ?? '')
    return event.resource === 'persistentvolumes' || event.resource === 'storageclasses'
  },
}
