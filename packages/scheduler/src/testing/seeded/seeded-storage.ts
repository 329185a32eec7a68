import type { CSINode, Node, PersistentVolume, PersistentVolumeClaim, StorageClass } from '@skiff/api'
import { type Dice, hostKey, zoneKey, zones } from './dice.ts'

export interface SeededStorage {
  readonly classes: readonly StorageClass[]
  readonly volumes: readonly PersistentVolume[]
  readonly claims: readonly PersistentVolumeClaim[]
  readonly csiNodes: readonly CSINode[]
}

/** What pods ask for; of the last there is none. */
export const claimNames = ['d0', 'd1', 'd2', 'd3', 'd4', 'd5', 'absent']

export const driver = 'csi.example.com'
const meta = (name: string, namespace?: string) => ({
  ...{ name, uid: `${namespace ?? ''}/${name}`, resourceVersion: '1', creationTimestamp: '2025-01-01T00:00:00Z' },
  ...(namespace ? { namespace } : {}),
})

const storageClassOf = (
  name: string,
  provisioner: string,
  mode: 'Immediate' | 'WaitForFirstConsumer',
  more: object = {},
): StorageClass => ({
  ...{ apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: meta(name) },
  ...{ provisioner, volumeBindingMode: mode, ...more },
})

export const onNodesWith = (key: string, ...values: string[]): Pick<PersistentVolume['spec'], 'nodeAffinity'> => ({
  nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key, operator: 'In', values }] }] } },
})

export const volumeOf = (name: string, spec: PersistentVolume['spec'], labels: Record<string, string> = {}): PersistentVolume => ({
  ...{ apiVersion: 'v1', kind: 'PersistentVolume', metadata: { ...meta(name), labels } },
  spec: { accessModes: ['ReadWriteOnce', 'ReadWriteOncePod'], ...spec },
  status: { phase: spec.claimRef ? 'Bound' : 'Available' },
})

const claimOf = (name: string, namespace: string, spec: PersistentVolumeClaim['spec']): PersistentVolumeClaim => ({
  ...{ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: meta(name, namespace), spec },
  status: { phase: spec.volumeName ? 'Bound' : 'Pending' },
})

const allowed = [{ matchLabelExpressions: [{ key: zoneKey, values: ['a', 'b'] }] }]

export const seededStorage = (nodes: readonly Node[], dice: Dice): SeededStorage => {
  const { pick, maybe, sometimes } = dice
  const volumes: PersistentVolume[] = []
  const placeOf = () => ({
    ...maybe(0.3, () => onNodesWith(zoneKey, pick(zones))),
    ...maybe(0.2, () => onNodesWith(hostKey, pick(nodes).metadata.name)),
  })
  const csi = (volumeHandle: string) => ({ csi: { driver, volumeHandle } })
  for (let i = 0; i < 4; i += 1)
    volumes.push(
      volumeOf(`free${i}`, { storageClassName: 'late', capacity: { storage: pick(['1Gi', '5Gi']) }, ...csi(`free${i}`), ...placeOf() }),
    )
  const boundVolume = (name: string, namespace: string): string => {
    const volumeName = `v-${namespace}-${name}`
    const labels: Record<string, string> = sometimes(0.4) ? { [zoneKey]: pick(['a', 'b__c']) } : {}
    volumes.push(volumeOf(volumeName, { claimRef: { name, namespace }, ...csi(volumeName), ...placeOf() }, labels))
    return volumeName
  }
  const claims = ['a', 'b'].flatMap((namespace) =>
    claimNames.slice(0, -1).map((name) => {
      const storageClassName = pick(['late', 'late', 'made', 'now'])
      const spec = {
        accessModes: [sometimes(0.2) ? ('ReadWriteOncePod' as const) : ('ReadWriteOnce' as const)],
        resources: { requests: { storage: pick(['1Gi', '3Gi']) } },
        storageClassName,
      }
      const isBound = sometimes(storageClassName === 'now' ? 0.8 : 0.4)
      return claimOf(name, namespace, isBound ? { ...spec, volumeName: boundVolume(name, namespace) } : spec)
    }),
  )
  return {
    classes: [
      storageClassOf('late', 'kubernetes.io/no-provisioner', 'WaitForFirstConsumer'),
      storageClassOf('made', driver, 'WaitForFirstConsumer', sometimes(0.5) ? { allowedTopologies: allowed } : {}),
      storageClassOf('now', driver, 'Immediate'),
    ],
    volumes,
    claims,
    csiNodes: nodes
      .filter(() => sometimes(0.7))
      .map(({ metadata }) => ({
        ...{ apiVersion: 'storage.k8s.io/v1', kind: 'CSINode', metadata: meta(metadata.name) },
        spec: { drivers: [{ name: driver, nodeID: metadata.name, allocatable: { count: pick([1, 2, 8]) } }] },
      })),
  }
}
