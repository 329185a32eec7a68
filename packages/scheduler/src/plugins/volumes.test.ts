import {
  csiDriver,
  csiNode,
  csiStorageCapacity,
  type PodSpec,
  persistentVolume,
  persistentVolumeClaim,
  storageClass,
  volumeAttachment,
} from '@skiff/api'
import { type Given, given } from '@skiff/client'
import { describe, expect, test } from 'vitest'
import { podInfoOf } from '../snapshot/pod-info.ts'
import { decided, filtered, scored, still } from '../testing/decisions.ts'
import { nodeOf, podOf } from '../testing/objects.ts'
import { nodeVolumeLimits } from './node-volume-limits.ts'
import { createVolumeBinding } from './volume-binding.ts'
import { chooseVolumes, claimsOf } from './volume-claims.ts'
import { volumeRestrictions } from './volume-restrictions.ts'

const meta = (name: string, namespace?: string, annotations?: Record<string, string>) => ({
  ...{ name, uid: name, resourceVersion: '1', creationTimestamp: '' },
  ...(namespace ? { namespace } : {}),
  ...(annotations ? { annotations } : {}),
})
const base = (kind: string, apiVersion = 'storage.k8s.io/v1') => ({ kind, apiVersion })
const limited = (node: string, count: number, driver = 'csi.example.com', migrated?: string) =>
  given(csiNode, {
    ...base('CSINode'),
    metadata: meta(node, undefined, migrated ? { 'storage.alpha.kubernetes.io/migrated-plugins': migrated } : undefined),
    spec: { drivers: [{ name: driver, nodeID: node, allocatable: { count } }] },
  })
const volume = (name: string, source: object) =>
  given(persistentVolume, { ...base('PersistentVolume', 'v1'), metadata: meta(name), spec: { ...source } })
const csi = (name: string) => volume(name, { csi: { driver: 'csi.example.com', volumeHandle: name } })
const claim = (name: string, spec: object, annotations?: Record<string, string>) =>
  given(persistentVolumeClaim, {
    ...base('PersistentVolumeClaim', 'v1'),
    metadata: meta(name, 'a', annotations),
    spec: spec as never,
    status: { phase: 'Bound' },
  })
const using = (...claims: string[]): Partial<PodSpec> => ({
  volumes: claims.map((each) => ({ name: each, persistentVolumeClaim: { claimName: each } })),
})

describe('NodeVolumeLimits', () => {
  const full = 'node(s) exceed max volume count'
  const bound = (...names: string[]): Given[] => names.flatMap((each) => [csi(`v-${each}`), claim(each, { volumeName: `v-${each}` })])
  test('counts the volumes of a driver on a node; nodes that tell no limit have none', () => {
    const others = [limited('n', 2), ...bound('x', 'y', 'z')]
    const placed = [podOf('there', { on: 'n', spec: using('x') })]
    const cluster = still([nodeOf('n'), nodeOf('free')], placed, others)
    expect(filtered(cluster, nodeVolumeLimits, podOf('p', { spec: using('y') }))).toEqual({ n: 'fits', free: 'fits' })
    expect(filtered(cluster, nodeVolumeLimits, podOf('p', { spec: using('y', 'z') }))).toEqual({ n: full, free: 'fits' })
    expect(filtered(cluster, nodeVolumeLimits, podOf('p'))).toBe('skip')
  })
  test('a volume that is there already costs nothing more', () => {
    const cluster = still([nodeOf('n')], [podOf('there', { on: 'n', spec: using('x') })], [limited('n', 1), ...bound('x', 'y')])
    expect(filtered(cluster, nodeVolumeLimits, podOf('p', { spec: using('x') }))).toEqual({ n: 'fits' })
    expect(filtered(cluster, nodeVolumeLimits, podOf('p', { spec: using('y') }))).toEqual({ n: full })
  })
  test('what is attached for no pod counts too', () => {
    const attached = given(volumeAttachment, {
      ...base('VolumeAttachment'),
      metadata: meta('at'),
      spec: { attacher: 'csi.example.com', nodeName: 'n', source: { persistentVolumeName: 'v-x' } },
    })
    const cluster = still([nodeOf('n')], [], [limited('n', 1), attached, ...bound('x', 'y')])
    expect(filtered(cluster, nodeVolumeLimits, podOf('p', { spec: using('y') }))).toEqual({ n: full })
  })
  test('claims without a volume count by the provisioner of their class', () => {
    const classes = [
      given(storageClass, { ...base('StorageClass'), metadata: meta('fast'), provisioner: 'csi.example.com' }),
      given(storageClass, { ...base('StorageClass'), metadata: meta('old'), provisioner: 'kubernetes.io/aws-ebs' }),
    ]
    const others = [limited('n', 0), ...classes, claim('x', { storageClassName: 'fast' }), claim('y', { storageClassName: 'old' })]
    expect(filtered(still([nodeOf('n')], [], others), nodeVolumeLimits, podOf('p', { spec: using('x') }))).toEqual({ n: full })
    expect(filtered(still([nodeOf('n')], [], others), nodeVolumeLimits, podOf('p', { spec: using('y') }))).toEqual({ n: 'fits' })
  })
  test('volumes of a plugin of old count for its driver, once the node has migrated it', () => {
    const ebs = volume('v', { awsElasticBlockStore: { volumeID: 'vol-1' } })
    const pod = podOf('p', { spec: using('x') })
    const others = (migrated?: string) => [limited('n', 0, 'ebs.csi.aws.com', migrated), ebs, claim('x', { volumeName: 'v' })]
    expect(filtered(still([nodeOf('n')], [], others('kubernetes.io/gce-pd,kubernetes.io/aws-ebs')), nodeVolumeLimits, pod)).toEqual({
      n: full,
    })
    expect(filtered(still([nodeOf('n')], [], others()), nodeVolumeLimits, pod)).toEqual({ n: 'fits' })
  })
})

describe('VolumeRestrictions', () => {
  const taken = 'node(s) had no available disk'
  const said = (there: object, wanted: object) => {
    const placed = [podOf('there', { on: 'n', spec: { volumes: [{ name: 'v', ...there }] } })]
    return filtered(
      still([nodeOf('n'), nodeOf('free')], placed),
      volumeRestrictions,
      podOf('p', { spec: { volumes: [{ name: 'v', ...wanted }] } }),
    )
  }
  const disk = (pdName: string, readOnly = false) => ({ gcePersistentDisk: { pdName, readOnly } })
  const ebs = { awsElasticBlockStore: { volumeID: 'a', readOnly: true } }
  const rbd = (monitors: string[], readOnly = false) => ({ rbd: { monitors, image: 'i', pool: 'p', readOnly } })
  const iscsi = (iqn: string) => ({ iscsi: { targetPortal: 't', iqn, lun: 0 } })
  test.each([
    [disk('a'), disk('a'), taken],
    [disk('a', true), disk('a', true), 'fits'],
    [disk('a'), disk('b'), 'fits'],
    [ebs, ebs, taken],
    [rbd(['m1', 'm2']), rbd(['m2']), taken],
    [rbd(['m1']), rbd(['m2']), 'fits'],
    [rbd(['m1'], true), rbd(['m1'], true), 'fits'],
    [iscsi('a'), iscsi('a'), taken],
    [iscsi('a'), iscsi('b'), 'fits'],
  ])('%#: a disk has one writer a node', (there, wanted, n) => {
    expect(said(there, wanted)).toEqual({ n, free: 'fits' })
  })
})

describe('VolumeBinding', () => {
  const plugin = createVolumeBinding(async () => {})
  const driver = given(csiDriver, { ...base('CSIDriver'), metadata: meta('csi.example.com'), spec: { storageCapacity: true } })
  const fast = given(storageClass, {
    ...base('StorageClass'),
    ...{ metadata: meta('fast'), provisioner: 'csi.example.com', volumeBindingMode: 'WaitForFirstConsumer' as const },
  })
  const waiting = (size: string, annotations?: Record<string, string>) =>
    given(persistentVolumeClaim, {
      ...base('PersistentVolumeClaim', 'v1'),
      metadata: meta('x', 'a', annotations),
      spec: { storageClassName: 'fast', resources: { requests: { storage: size } } },
      status: { phase: 'Pending' },
    })
  const capacity = (name: string, host: string, amounts: object) =>
    given(csiStorageCapacity, {
      ...base('CSIStorageCapacity'),
      ...{ metadata: meta(name, 'kube-system'), storageClassName: 'fast' },
      nodeTopology: { matchLabels: { 'kubernetes.io/hostname': host } },
      ...amounts,
    })
  const pod = podOf('p', { spec: using('x') })
  test('a driver that tells its capacity must have enough where the node reaches it', () => {
    const others = [driver, fast, waiting('5Gi'), capacity('1', 'n1', { capacity: '10Gi' }), capacity('2', 'n2', { capacity: '1Gi' })]
    const cluster = still([nodeOf('n1'), nodeOf('n2'), nodeOf('n3')], [], others)
    const lacks = 'node(s) did not have enough free storage'
    expect(filtered(cluster, plugin, pod)).toEqual({ n1: 'fits', n2: lacks, n3: lacks })
    const largest = [driver, fast, waiting('5Gi'), capacity('1', 'n1', { capacity: '10Gi', maximumVolumeSize: '4Gi' })]
    expect(filtered(still([nodeOf('n1')], [], largest), plugin, pod)).toEqual({ n1: lacks })
  })
  test('with a shape, nodes score by the share that is asked for', () => {
    const shape = [
      { utilization: 0, score: 10 },
      { utilization: 100, score: 0 },
    ]
    const others = [driver, fast, waiting('5Gi'), capacity('1', 'n1', { capacity: '10Gi' }), capacity('2', 'n2', { capacity: '50Gi' })]
    const cluster = still([nodeOf('n1'), nodeOf('n2')], [], others)
    expect(
      scored(
        cluster,
        createVolumeBinding(async () => {}, shape),
        pod,
      ),
    ).toEqual({ n1: 50, n2: 90 })
    expect(scored(cluster, plugin, pod)).toBe('skip')
  })
  test('one that does not is taken at its word', () => {
    expect(filtered(still([nodeOf('n1')], [], [fast, waiting('5Gi')]), plugin, pod)).toEqual({ n1: 'fits' })
  })
  test('a claim whose volume is being made for a node goes to that node', () => {
    const others = [fast, waiting('5Gi', { 'volume.kubernetes.io/selected-node': 'n2' })]
    expect(filtered(still([nodeOf('n1'), nodeOf('n2')], [], others), plugin, pod)).toEqual({
      n1: "node(s) didn't find available persistent volumes to bind",
      n2: 'fits',
    })
  })
  const free = (name: string, size: string, more: object = {}, phase: 'Available' | 'Released' = 'Available') =>
    given(persistentVolume, {
      ...base('PersistentVolume', 'v1'),
      metadata: meta(name),
      spec: { storageClassName: 'local', capacity: { storage: size }, ...more },
      status: { phase },
    })
  const local = given(storageClass, {
    ...base('StorageClass'),
    ...{ metadata: meta('local'), provisioner: 'kubernetes.io/no-provisioner', volumeBindingMode: 'WaitForFirstConsumer' as const },
  })
  const localClaim = (name: string, size: string, annotations?: Record<string, string>) =>
    given(persistentVolumeClaim, {
      ...base('PersistentVolumeClaim', 'v1'),
      metadata: meta(name, 'a', annotations),
      spec: { ...(annotations ? {} : { storageClassName: 'local' }), resources: { requests: { storage: size } } },
      status: { phase: 'Pending' },
    })
  /** Which volumes the claims of a pod are given. */
  const choose = (others: readonly Given[], ...claims: string[]) => {
    const cluster = still([nodeOf('n')], [], [local, ...others]).cluster
    const found = claimsOf(podInfoOf(podOf('p', { spec: using(...claims) })), cluster, () => false)
    if (typeof found === 'string') return found
    const chosen = chooseVolumes(found.waiting, nodeOf('n'), cluster)
    return typeof chosen === 'string'
      ? chosen
      : Object.fromEntries(chosen.map((each) => [each.claim.metadata.name, each.volume?.metadata.name]))
  }
  test('the smallest claim is given the smallest volume, whatever their order', () => {
    const volumes = [free('v20', '20Gi'), free('v10', '10Gi'), free('v5', '5Gi', {}, 'Released')]
    expect(choose([...volumes, localClaim('big', '8Gi'), localClaim('small', '1Gi')], 'big', 'small')).toEqual({ small: 'v10', big: 'v20' })
  })
  test('a volume that is reserved for the claim comes first, and is not for another claim of that name', () => {
    const reserved = (uid?: string) => free('mine', '50Gi', { claimRef: { namespace: 'a', name: 'x', ...(uid ? { uid } : {}) } })
    expect(choose([free('v10', '10Gi'), reserved(), localClaim('x', '1Gi')], 'x')).toEqual({ x: 'mine' })
    expect(choose([free('v10', '10Gi'), reserved('other'), localClaim('x', '1Gi')], 'x')).toEqual({ x: 'v10' })
    const elsewhere = {
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'k', operator: 'Exists' as const }] }] } },
    }
    const afar = free('mine', '50Gi', { claimRef: { namespace: 'a', name: 'x' }, ...elsewhere })
    expect(choose([free('v10', '10Gi'), afar, localClaim('x', '1Gi')], 'x')).toBe('none')
  })
  test('the class may be named by the annotation of old', () => {
    expect(choose([free('v', '1Gi'), localClaim('x', '1Gi', { 'volume.beta.kubernetes.io/storage-class': 'local' })], 'x')).toEqual({
      x: 'v',
    })
  })
  test('a node is told all that is wrong with it', () => {
    const gone = claim('x', { volumeName: 'gone' })
    const cluster = still([nodeOf('n')], [], [local, gone, localClaim('y', '1Gi')])
    expect(filtered(cluster, plugin, podOf('p', { spec: using('x', 'y') }))).toEqual({
      n: "node(s) didn't find available persistent volumes to bind,node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)",
    })
    expect(decided(cluster, podOf('p', { spec: using('x') }))).toBe('0/1 nodes are available: persistentvolume "gone" not found.')
  })
})
