import {
  csiNode,
  type Node,
  namespace,
  node as nodeKind,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  persistentVolume,
  persistentVolumeClaim,
  podDisruptionBudget,
  type Resource,
  storageClass,
} from '@skiff/api'
import { type Call, type Client, connect, fixedViews, type Views } from '@skiff/client'
import { type KubeObject, keyOf } from '@skiff/machinery'
import type { ClusterFacts } from '../oracle/cluster-facts.ts'
import { hostKey } from './dice.ts'
import type { SeededCluster } from './seeded-cluster.ts'
import { driver, onNodesWith, volumeOf } from './seeded-storage.ts'

/** The cluster as it is at a moment: what the oracle judges by, and what the plugins see of all but nodes and pods. */
export interface Ledger {
  readonly views: Views
  /** Writes of the plugins arrive here; claims are bound at once. */
  readonly client: Client
  readonly facts: () => ClusterFacts
  readonly nodes: Map<string, Node>
  setNode(node: Node): void
  /** By uid; with spec.nodeName. */
  readonly placed: Map<string, Pod>
  setNamespace(name: string, labels: Readonly<Record<string, string>>): void
}

export const createLedger = (cluster: SeededCluster): Ledger => {
  const views = fixedViews()
  const keep = <T extends KubeObject>(resource: Resource<T>, object: T) =>
    (views.view(resource) as unknown as { set(key: string, object: T): void }).set(keyOf(object), object)
  const nodes = new Map<string, Node>()
  const setNode = (each: Node) => {
    nodes.set(each.metadata.name, each)
    keep(nodeKind, each)
  }
  cluster.nodes.forEach(setNode)
  const placed = new Map<string, Pod>()
  const namespaces = new Map<string, Readonly<Record<string, string>>>()
  const claims = new Map<string, PersistentVolumeClaim>()
  const volumes = new Map<string, PersistentVolume>()
  const setClaim = (claim: PersistentVolumeClaim) => {
    claims.set(keyOf(claim), claim)
    keep(persistentVolumeClaim, claim)
  }
  const setVolume = (volume: PersistentVolume) => {
    volumes.set(volume.metadata.name, volume)
    keep(persistentVolume, volume)
  }
  const setNamespace: Ledger['setNamespace'] = (name, labels) => {
    namespaces.set(name, labels)
    const metadata = { name, labels, uid: name, resourceVersion: '1', creationTimestamp: '' }
    keep(namespace, { apiVersion: 'v1', kind: 'Namespace', metadata, spec: {} })
  }
  for (const [name, labels] of cluster.namespaces) setNamespace(name, labels)
  cluster.claims.forEach(setClaim)
  cluster.volumes.forEach(setVolume)
  for (const each of cluster.classes) keep(storageClass, each)
  for (const each of cluster.csiNodes) keep(csiNode, each)
  for (const each of cluster.budgets) keep(podDisruptionBudget, each)

  const bind = (claim: PersistentVolumeClaim, volume: PersistentVolume) => {
    setVolume({ ...volume, status: { phase: 'Bound' } })
    setClaim({ ...claim, spec: { ...claim.spec, volumeName: volume.metadata.name }, status: { phase: 'Bound' } })
    return volumes.get(volume.metadata.name)
  }
  /** What the volume controller and a provisioner do with the plugins' writes. */
  const handler = async (call: Call) => {
    const patch = (call.body as { object: { metadata: KubeObject['metadata']; spec?: PersistentVolume['spec'] } }).object
    if (call.resource === 'persistentvolumes') {
      const volume = volumes.get(call.name ?? '') as PersistentVolume
      const { claimRef } = patch.spec ?? {}
      const claim = claims.get(`${claimRef?.namespace}/${claimRef?.name}`) as PersistentVolumeClaim
      if (volume.spec.claimRef || claim.spec.volumeName) throw new Error(`${call.name} is given to ${claimRef?.name} though one is taken`)
      return { status: 200, object: bind(claim, { ...volume, spec: { ...volume.spec, ...patch.spec } }) }
    }
    const claim = claims.get(`${call.namespace}/${call.name}`) as PersistentVolumeClaim
    const node = patch.metadata.annotations?.['volume.kubernetes.io/selected-node'] ?? ''
    const name = `made-${call.namespace}-${call.name}`
    const claimRef = { name: call.name ?? '', namespace: call.namespace ?? '' }
    const { annotations = {} } = patch.metadata
    bind(
      { ...claim, metadata: { ...claim.metadata, annotations } },
      volumeOf(name, { claimRef, csi: { driver, volumeHandle: name }, ...onNodesWith(hostKey, node) }),
    )
    return { status: 200, object: claims.get(keyOf(claim)) as PersistentVolumeClaim }
  }
  const csiNodes = new Map(cluster.csiNodes.map((each) => [each.metadata.name, each]))
  const classes = new Map(cluster.classes.map((each) => [each.metadata.name, each]))
  return {
    views,
    client: connect(handler, { name: 'test', groups: [] }),
    facts: () => ({ nodes: [...nodes.values()], placed: [...placed.values()], namespaces, claims, volumes, classes, csiNodes }),
    nodes,
    setNode,
    placed,
    setNamespace,
  }
}
