import type { Node, PersistentVolume, PersistentVolumeClaim, Pod } from '@skiff/api'
import { amountMilli } from './amount-rules.ts'
import { besides, type ClusterFacts, type Rule } from './cluster-facts.ts'
import { selects, wantsNode } from './label-rules.ts'

const claimNamesOf = ({ spec, metadata }: Pod): string[] =>
  (spec.volumes ?? []).flatMap((volume) => {
    const name = volume.persistentVolumeClaim?.claimName ?? (volume.ephemeral ? `${metadata.name}-${volume.name}` : undefined)
    return name === undefined ? [] : [`${metadata.namespace}/${name}`]
  })
const claimsOf = (pod: Pod, { claims }: ClusterFacts): PersistentVolumeClaim[] => claimNamesOf(pod).flatMap((key) => claims.get(key) ?? [])
const volumeOf = ({ spec }: PersistentVolumeClaim, { volumes }: ClusterFacts): PersistentVolume | undefined =>
  spec.volumeName ? volumes.get(spec.volumeName) : undefined

/** A volume's node affinity, asked as if a pod had it. */
const isReachable = ({ spec }: PersistentVolume, node: Node): boolean => {
  const required = spec.nodeAffinity?.required
  const asIf = { spec: required ? { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required } } } : {} }
  return wantsNode(asIf as Pod, node)
}

const serves = (volume: PersistentVolume, claim: PersistentVolumeClaim): boolean => {
  const { spec, metadata, status } = volume
  const { name, namespace } = claim.metadata
  if (spec.claimRef ? spec.claimRef.name !== name || spec.claimRef.namespace !== namespace : status?.phase !== 'Available') return false
  return (
    spec.storageClassName === claim.spec.storageClassName &&
    (!claim.spec.selector || selects(claim.spec.selector, metadata.labels)) &&
    (claim.spec.accessModes ?? []).every((mode) => spec.accessModes?.includes(mode)) &&
    amountMilli(spec.capacity?.storage) >= amountMilli(claim.spec.resources?.requests?.storage)
  )
}

/** Whether each claim can have a volume of its own, or one that is made for it. */
const canServe = (waiting: readonly PersistentVolumeClaim[], node: Node, facts: ClusterFacts, given: readonly string[] = []): boolean => {
  const [claim, ...rest] = waiting
  if (!claim) return true
  const free = [...facts.volumes.values()].filter(
    (volume) => !given.includes(volume.metadata.name) && serves(volume, claim) && isReachable(volume, node),
  )
  if (free.some((volume) => canServe(rest, node, facts, [...given, volume.metadata.name]))) return true
  const storage = facts.classes.get(claim.spec.storageClassName ?? '')
  if (storage?.provisioner === 'kubernetes.io/no-provisioner') return false
  const terms = storage?.allowedTopologies ?? []
  const isAllowed = terms.some(({ matchLabelExpressions = [] }) =>
    matchLabelExpressions.every(({ key, values }) => values.includes(node.metadata.labels?.[key] ?? '')),
  )
  return (terms.length === 0 || isAllowed) && canServe(rest, node, facts, given)
}

const binding: Rule = (pod, node, facts) => {
  const claims = claimsOf(pod, facts)
  if (claims.length < claimNamesOf(pod).length) return 'claim: absent'
  const waiting = claims.filter((claim) => !claim.spec.volumeName)
  const isImmediate = waiting.some(
    (claim) => facts.classes.get(claim.spec.storageClassName ?? '')?.volumeBindingMode !== 'WaitForFirstConsumer',
  )
  if (isImmediate) return 'claim: not bound'
  if (claims.some((claim) => claim.metadata.deletionTimestamp)) return 'claim: on its way out'
  for (const claim of claims) {
    const volume = volumeOf(claim, facts)
    if (claim.spec.volumeName && !volume) return 'volume: absent'
    if (volume && !isReachable(volume, node)) return 'volume: out of reach'
  }
  return canServe(waiting, node, facts) ? '' : 'volume: none free'
}

const zoneKeys = ['topology.kubernetes.io/zone', 'topology.kubernetes.io/region']
const zone: Rule = (pod, node, facts) => {
  const labels = node.metadata.labels ?? {}
  if (!zoneKeys.some((key) => labels[key] !== undefined)) return ''
  for (const claim of claimsOf(pod, facts))
    for (const key of zoneKeys) {
      const zones = volumeOf(claim, facts)?.metadata.labels?.[key]
      if (zones !== undefined && !zones.split('__').includes(labels[key] ?? '')) return 'volume: zone'
    }
  return ''
}

const onePod: Rule = (pod, _, facts) => {
  const single = claimsOf(pod, facts).filter((claim) => claim.spec.accessModes?.includes('ReadWriteOncePod'))
  const keys = single.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)
  return facts.placed.some((other) => claimNamesOf(other).some((key) => keys.includes(key))) ? 'ReadWriteOncePod' : ''
}

/** Volumes of CSI drivers that pods use, each once, as driver and name. */
const attachable = (pods: readonly Pod[], facts: ClusterFacts): Set<string> => {
  const names = pods.flatMap((pod) =>
    claimsOf(pod, facts).flatMap((claim) => {
      const volume = volumeOf(claim, facts)
      const provisioner = facts.classes.get(claim.spec.storageClassName ?? '')?.provisioner
      if (volume) return volume.spec.csi ? [`${volume.spec.csi.driver} ${volume.spec.csi.volumeHandle}`] : []
      return provisioner ? [`${provisioner} of ${claim.metadata.namespace}/${claim.metadata.name}`] : []
    }),
  )
  return new Set(names)
}

const attachLimit: Rule = (pod, node, facts) => {
  const there = attachable(besides(facts, node), facts)
  const fresh = [...attachable([pod], facts)].filter((name) => !there.has(name))
  for (const { name, allocatable } of facts.csiNodes.get(node.metadata.name)?.spec.drivers ?? []) {
    const count = (names: Iterable<string>) => [...names].filter((each) => each.startsWith(`${name} `)).length
    if (count(fresh) > 0 && count(there) + count(fresh) > (allocatable?.count ?? Number.POSITIVE_INFINITY)) return 'volume: too many'
  }
  return ''
}

/** Disks of old: of two pods on a node, both may use one only to read it. */
const disk: Rule = (pod, node, facts) => {
  const disksOf = ({ spec }: Pod) => (spec.volumes ?? []).flatMap((each) => each.gcePersistentDisk ?? [])
  const there = besides(facts, node).flatMap(disksOf)
  const isTaken = disksOf(pod).some((one) => there.some((other) => one.pdName === other.pdName && !(one.readOnly && other.readOnly)))
  return isTaken ? 'disk' : ''
}

export const volumeRules: readonly Rule[] = [binding, zone, onePod, attachLimit, disk]
