import { type CSINode, csiNode as csiNodes, persistentVolume, persistentVolumeClaim, storageClass, volumeAttachment } from '@skiff/api'
import { type Cluster, type Plugin, unschedulable } from '../cycle/framework.ts'
import type { PodInfo } from '../snapshot/pod-info.ts'
import { csiSource, driverFor, isOfOld, isPluginOfOld, legacyCsiSource } from './csi-drivers.ts'
import { claimNames, isClaimOf } from './volume-claims.ts'
import { className } from './volume-match.ts'

const name = 'NodeVolumeLimits'
const full = unschedulable(name, 'node(s) exceed max volume count')

/** Volumes of CSI drivers by a name that is theirs alone, with the driver. */
type Attachable = Map<string, string>

/** What a claim becomes on a node: its volume, or what its class' provisioner will make. */
const claimSource = (key: string, { views }: Cluster, node: CSINode | undefined): { driver: string; handle: string } | undefined => {
  const claim = views.view(persistentVolumeClaim).get(key)
  if (!claim) return undefined
  const { volumeName } = claim.spec
  const volume = volumeName ? views.view(persistentVolume).get(volumeName) : undefined
  if (volume) return csiSource(volume, node)
  const provisioner = views.view(storageClass).get(className(claim))?.provisioner
  if (!provisioner) return undefined
  const driver = isPluginOfOld(provisioner) ? driverFor(provisioner, node) : provisioner
  return driver === undefined ? undefined : { driver, handle: `claim of ${key}` }
}

const addVolumes = (to: Attachable, pod: PodInfo, cluster: Cluster, node: CSINode | undefined): void => {
  for (const claim of claimNames(pod)) {
    const source = claimSource(`${pod.namespace}/${claim}`, cluster, node)
    if (source) to.set(`${source.driver}/${source.handle}`, source.driver)
  }
  for (const each of pod.pod.spec.volumes ?? []) {
    const source = legacyCsiSource(each, node)
    if (source) to.set(`${source.driver}/${source.handle}`, source.driver)
  }
}

const isAttaching = (pod: PodInfo): boolean => claimNames(pod).length > 0 || (pod.pod.spec.volumes?.some((each) => isOfOld(each)) ?? false)

const limitsOf = (node: CSINode | undefined): Map<string, number> =>
  new Map(
    node?.spec.drivers.flatMap(({ name: driver, allocatable }) => (allocatable?.count === undefined ? [] : [[driver, allocatable.count]])),
  )

/** A node that comes may have room; one that is there has more of it only where a limit is higher. */
const limitsGrew = (before: CSINode | undefined, after: CSINode | undefined): boolean => {
  if (!after) return false
  const had = limitsOf(before)
  return !before || [...limitsOf(after)].some(([driver, count]) => count > (had.get(driver) ?? Number.POSITIVE_INFINITY))
}

/** Volumes attached to a node for no pod that is there any more, or not yet. */
const addAttached = (to: Attachable, nodeName: string, { views }: Cluster): void => {
  for (const { spec } of views.view(volumeAttachment).list()) {
    const volume = spec.source.persistentVolumeName
    if (spec.nodeName !== nodeName || volume === undefined) continue
    const handle = views.view(persistentVolume).get(volume)?.spec.csi?.volumeHandle
    if (handle !== undefined) to.set(`${spec.attacher}/${handle}`, spec.attacher)
  }
}

/** A node takes no more volumes of a CSI driver than the driver says in the node's CSINode. */
export const nodeVolumeLimits: Plugin = {
  name,
  points: ['preFilter', 'filter'],
  filterReads: 'snapshot',
  ownChanges: [],
  reactsTo: ['storage', 'pod-removed', 'node-added'],
  begin: (pod, cluster) => {
    if (!isAttaching(pod)) return 'skip'
    return {
      filter: (slot) => {
        const info = cluster.snapshot.node(slot)
        const node = cluster.views.view(csiNodes).get(info?.name ?? '')
        const limits = limitsOf(node)
        if (!info || limits.size === 0) return undefined
        const wanted: Attachable = new Map()
        addVolumes(wanted, pod, cluster, node)
        if (wanted.size === 0) return undefined
        const there: Attachable = new Map()
        for (const other of info.pods.values()) addVolumes(there, other, cluster, node)
        addAttached(there, info.name, cluster)
        const counts = new Map<string, number>()
        // A volume that is there for another pod already costs nothing more.
        for (const [, driver] of new Map([...there, ...wanted])) counts.set(driver, (counts.get(driver) ?? 0) + 1)
        const isNew = new Set([...wanted].filter(([volume]) => !there.has(volume)).map(([, driver]) => driver))
        for (const driver of isNew) if ((counts.get(driver) ?? 0) > (limits.get(driver) ?? Number.POSITIVE_INFINITY)) return full
        return undefined
      },
    }
  },
  hint: (event, pod) => {
    switch (event.on) {
      case 'pod-removed':
        return isAttaching(event.pod)
      case 'storage':
        if (event.resource === 'csinodes') return limitsGrew(event.before as CSINode | undefined, event.after as CSINode | undefined)
        if (event.resource === 'volumeattachments') return event.after === undefined
        return isClaimOf(event, pod)
      default:
        return event.on === 'node-added'
    }
  },
}
