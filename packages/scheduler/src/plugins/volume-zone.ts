import { type PersistentVolume, type PersistentVolumeClaim, persistentVolume, persistentVolumeClaim, storageClass } from '@skiff/api'
import { type Cluster, type Plugin, unresolvable } from '../cycle/framework.ts'
import { claimNames, claimNotFound, isClaimOf } from './volume-claims.ts'
import { className } from './volume-match.ts'

const name = 'VolumeZone'
const otherZone = unresolvable(name, 'node(s) had no available volume zone')

// A volume's label may list several values: a__b.
const separator = '__'
const zoneLabels = [
  ...['topology.kubernetes.io/zone', 'topology.kubernetes.io/region'],
  ...['failure-domain.beta.kubernetes.io/zone', 'failure-domain.beta.kubernetes.io/region'],
]
/** The label of today for one of old: nodes may carry it alone. */
const nameOfToday = (key: string): string => key.replace('failure-domain.beta.', 'topology.')

/** The volume of a claim, 'later' where it is made or chosen with the node, or the text of what is wrong. */
const volumeOf = (claim: PersistentVolumeClaim, { views }: Cluster): PersistentVolume | 'later' | { readonly refusal: string } => {
  const { volumeName } = claim.spec
  if (volumeName) return views.view(persistentVolume).get(volumeName) ?? { refusal: `persistentvolume "${volumeName}" not found` }
  const name = className(claim)
  if (name === '') return { refusal: 'PersistentVolumeClaim had no pv name and storageClass name' }
  const storage = views.view(storageClass).get(name)
  if (!storage) return { refusal: `storageclass.storage.k8s.io "${name}" not found` }
  return storage.volumeBindingMode === 'WaitForFirstConsumer' ? 'later' : { refusal: 'PersistentVolume had no name' }
}

/** Volumes that name their zone by label, as the cloud providers of old made them, keep pods in it. */
export const volumeZone: Plugin = {
  name,
  points: ['preFilter', 'filter'],
  filterReads: 'snapshot',
  ownChanges: [],
  reactsTo: ['storage', 'node-added', 'node-updated'],
  begin: (pod, cluster) => {
    const { snapshot, views } = cluster
    const wanted: (readonly [key: string, values: ReadonlySet<string>])[] = []
    for (const claimName of claimNames(pod)) {
      const claim = views.view(persistentVolumeClaim).get(`${pod.namespace}/${claimName}`)
      if (!claim) return unresolvable(name, claimNotFound(claimName))
      const volume = volumeOf(claim, cluster)
      if (volume === 'later') continue
      if ('refusal' in volume) return unresolvable(name, volume.refusal)
      for (const key of zoneLabels) {
        const values = volume.metadata.labels?.[key]?.split(separator).map((each) => each.trim())
        // As upstream: a list with a gap says nothing.
        if (values?.every((each) => each !== '')) wanted.push([key, new Set(values)])
      }
    }
    if (wanted.length === 0) return 'skip'
    return {
      filter: (slot) => {
        const labels = snapshot.node(slot)?.node.metadata.labels ?? {}
        // A cluster whose nodes have no zones has one.
        if (!zoneLabels.some((key) => Object.hasOwn(labels, key))) return undefined
        return wanted.every(([key, values]) => values.has(labels[key] ?? labels[nameOfToday(key)] ?? '')) ? undefined : otherZone
      },
    }
  },
  hint: (event, pod) => {
    if (event.on !== 'storage') return event.on !== 'node-updated' || event.changed.labels
    const isOther = event.resource === 'persistentvolumes' || event.resource === 'storageclasses'
    return isClaimOf(event, pod) || (isOther && event.after !== undefined)
  },
}
