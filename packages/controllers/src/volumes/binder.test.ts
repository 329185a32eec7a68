import type { PersistentVolume, PersistentVolumeClaim } from '@skiff/api'
import { persistentVolumeClaim as claims, storageClass as classes, event, pod as pods, persistentVolume as volumes } from '@skiff/api'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type RealCluster, realCluster } from '../testing/real-cluster.ts'

// Over the real API server: what the binder writes passes its validation, under the rights of the binder's own account.
let cluster: RealCluster
let kind: string
let rounds = 0
beforeAll(async () => {
  const protection = ['persistentvolumeclaim-protection-controller', 'persistentvolume-protection-controller']
  cluster = await realCluster({ nodes: [], enabled: ['persistentvolume-binder', 'serviceaccount', ...protection] })
})
afterAll(() => cluster.stop())
beforeEach(() => {
  // Each test has a class of its own: volumes know no namespace.
  kind = `class-${rounds++}`
})
afterEach(async () => {
  for (const { metadata } of await cluster.list(claims, 'default'))
    await cluster.client.remove(claims, { namespace: 'default', name: metadata.name })
  for (const { metadata } of await cluster.list(volumes)) await cluster.client.remove(volumes, { name: metadata.name })
  await pass()
  expect([(await cluster.list(claims)).length, (await cluster.list(volumes)).length, cluster.troubled()]).toEqual([0, 0, []])
})

const pass = async (ms = 1_000): Promise<void> => {
  const turns = async () => {
    for (let turn = 0; turn < 30; turn += 1) await cluster.env.settle()
  }
  await turns()
  await cluster.env.advance(ms)
  await turns()
}
const addVolume = (name: string, spec: object = {}, metadata: object = {}) =>
  cluster.client.create(volumes, {
    metadata: { name, ...metadata },
    spec: { capacity: { storage: '5Gi' }, accessModes: ['ReadWriteOnce'], storageClassName: kind, hostPath: { path: '/srv/x' }, ...spec },
  } as never)
const addClaim = (name: string, spec: object = {}, metadata: object = {}) =>
  cluster.client.create(claims, {
    metadata: { name, namespace: 'default', ...metadata },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '5Gi' } }, storageClassName: kind, ...spec },
  } as never)
const addClass = (more: object = {}, name = kind) =>
  cluster.client.create(classes, { metadata: { name }, provisioner: 'example.com/disk', ...more } as never)
const volumeOf = (name: string): Promise<PersistentVolume> => cluster.client.get(volumes, { name })
const claimOf = (name: string): Promise<PersistentVolumeClaim> => cluster.client.get(claims, { namespace: 'default', name })
const dropClaim = async (name: string) => {
  await cluster.client.remove(claims, { namespace: 'default', name })
  await pass()
}
/** What is said about an object of this test, counts left out. */
const said = async (uid: string) =>
  (await cluster.list(event))
    .filter(({ involvedObject }) => involvedObject.uid === uid)
    .map(({ type, reason, message }) => `${type} ${reason}: ${message}`)

describe('a claim and a volume that fit', () => {
  test('become one, whichever comes first', async () => {
    const made = await addVolume('v', { capacity: { storage: '8Gi' }, accessModes: ['ReadWriteOnce', 'ReadOnlyMany'] })
    await pass()
    expect((await volumeOf('v')).status?.phase).toBe('Available')
    const claim = await addClaim('data')
    await pass()
    const [volume, bound] = [await volumeOf('v'), await claimOf('data')]
    expect(volume.spec.claimRef).toMatchObject({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      namespace: 'default',
      name: 'data',
      uid: claim.metadata.uid,
    })
    expect(volume.metadata.annotations).toEqual({ 'pv.kubernetes.io/bound-by-controller': 'yes' })
    expect(volume.status?.phase).toBe('Bound')
    expect(bound.spec.volumeName).toBe('v')
    expect(bound.metadata.annotations).toEqual({ 'pv.kubernetes.io/bind-completed': 'yes', 'pv.kubernetes.io/bound-by-controller': 'yes' })
    expect(bound.status).toEqual({ phase: 'Bound', accessModes: ['ReadWriteOnce', 'ReadOnlyMany'], capacity: { storage: '8Gi' } })
    expect(made.status?.phase).toBe('Pending')
    await addClaim('late')
    await pass()
    expect((await claimOf('late')).status?.phase).toBe('Pending')
    await addVolume('v2')
    await pass()
    expect((await claimOf('late')).spec.volumeName).toBe('v2')
  })

  test('are bound one to one when many come at once', async () => {
    const count = 12
    const names = Array.from({ length: count }, (_, n) => `x${n}`)
    await Promise.all(names.flatMap((name) => [addVolume(name), addClaim(name)]))
    await pass()
    const bound = await cluster.list(claims, 'default')
    expect(new Set(bound.map(({ spec }) => spec.volumeName)).size).toBe(count)
    expect((await cluster.list<PersistentVolume>(volumes)).map(({ status }) => status?.phase)).toEqual(names.map(() => 'Bound'))
  })
})

describe('a volume', () => {
  test('that is reserved waits for its claim, and is bound to no other', async () => {
    await addVolume('v', { claimRef: { namespace: 'default', name: 'data' } })
    await addClaim('other')
    await pass()
    expect((await volumeOf('v')).status?.phase).toBe('Available')
    expect((await claimOf('other')).status?.phase).toBe('Pending')
    const claim = await addClaim('data')
    await pass()
    expect((await volumeOf('v')).spec.claimRef?.uid).toBe(claim.metadata.uid)
    expect((await volumeOf('v')).metadata.annotations).toBeUndefined()
    expect((await claimOf('data')).status?.phase).toBe('Bound')
  })

  test('is released when its claim goes, and kept as the policy says', async () => {
    await addVolume('v')
    await addClaim('data')
    await pass()
    await dropClaim('data')
    expect((await volumeOf('v')).status?.phase).toBe('Released')
    // A new claim of the same name is another one: the data is not given to it.
    await addClaim('data')
    await pass()
    expect((await claimOf('data')).status?.phase).toBe('Pending')
    // An administrator frees it.
    await cluster.client.patch(volumes, { name: 'v' }, 'merge', { spec: { claimRef: null } })
    await pass()
    expect((await claimOf('data')).spec.volumeName).toBe('v')
  })

  test.each([
    [
      'Delete',
      { hostPath: { path: '/srv/data' } },
      'VolumeFailedDelete',
      'host_path deleter only supports /tmp/.+ but received provided /srv/data',
    ],
    [
      'Delete',
      { hostPath: undefined, nfs: { server: 's', path: '/p' } },
      'VolumeFailedDelete',
      'error getting deleter volume plugin for volume "v": no deletable volume plugin matched',
    ],
    ['Recycle', {}, 'VolumeFailedRecycle', 'No recycler plugin found for the volume!'],
  ])('that nobody can %s fails', async (persistentVolumeReclaimPolicy, source, reason, message) => {
    const { metadata } = await addVolume('v', { persistentVolumeReclaimPolicy, ...source })
    await addClaim('data')
    await pass()
    await dropClaim('data')
    expect((await volumeOf('v')).status).toMatchObject({ phase: 'Failed', message })
    expect(await said(metadata.uid)).toEqual([`Warning ${reason}: ${message}`])
  })

  test('of a provisioner is left to it', async () => {
    await addVolume(
      'v',
      { persistentVolumeReclaimPolicy: 'Delete' },
      { annotations: { 'pv.kubernetes.io/provisioned-by': 'example.com/disk' } },
    )
    await addClaim('data')
    await pass()
    await dropClaim('data')
    expect((await volumeOf('v')).status?.phase).toBe('Released')
  })

  test('for a claim that found another one is free again', async () => {
    await addVolume('v')
    const { metadata } = await addClaim('data')
    await pass()
    const { uid } = metadata
    const claimRef = { namespace: 'default', name: 'data', uid }
    await addVolume('ours', { claimRef }, { annotations: { 'pv.kubernetes.io/bound-by-controller': 'yes' } })
    await addVolume('theirs', { claimRef })
    await pass()
    expect(await volumeOf('ours')).toMatchObject({ status: { phase: 'Available' } })
    expect((await volumeOf('ours')).spec.claimRef).toBeUndefined()
    expect(await volumeOf('theirs')).toMatchObject({ spec: { claimRef: { name: 'data' } }, status: { phase: 'Available' } })
    expect((await volumeOf('theirs')).spec.claimRef?.uid).toBeUndefined()
    expect((await volumeOf('v')).status?.phase).toBe('Bound')
  })
})

describe('a claim', () => {
  test('that names a volume is told why it does not get it', async () => {
    await addVolume('v', { capacity: { storage: '1Gi' } })
    const { metadata } = await addClaim('data', { volumeName: 'v' })
    await pass()
    expect(await said(metadata.uid)).toEqual(['Warning VolumeMismatch: Cannot bind to requested volume "v": requested PV is too small'])
    await addVolume('w')
    await addClaim('first')
    await pass()
    const second = await addClaim('second', { volumeName: 'w' })
    await pass()
    expect(await said(second.metadata.uid)).toEqual(['Warning FailedBinding: volume "w" already bound to a different claim.'])
    await addClaim('third', { volumeName: 'later' })
    await pass()
    expect((await claimOf('third')).status?.phase).toBe('Pending')
    await addVolume('later')
    await pass()
    expect((await claimOf('third')).status?.phase).toBe('Bound')
  })

  test('is lost with its volume', async () => {
    await addVolume('v')
    const { metadata } = await addClaim('data')
    await pass()
    await cluster.client.patch(volumes, { name: 'v' }, 'merge', { metadata: { finalizers: null } })
    await cluster.client.remove(volumes, { name: 'v' })
    await cluster.client.patch(volumes, { name: 'v' }, 'merge', { metadata: { finalizers: null } }).catch(() => undefined)
    await pass()
    expect((await claimOf('data')).status).toEqual({ phase: 'Lost' })
    expect(await said(metadata.uid)).toEqual(['Warning ClaimLost: Bound claim has lost its PersistentVolume. Data on the volume is lost!'])
  })

  test('without a class and without a volume says so, again and again', async () => {
    const { metadata } = await addClaim('data', { storageClassName: '' })
    await pass(31_000)
    expect(await said(metadata.uid)).toEqual([
      'Normal FailedBinding: no persistent volumes available for this claim and no storage class is set',
    ])
    const [{ count = 0 } = {}] = (await cluster.list(event)).filter(({ involvedObject }) => involvedObject.uid === metadata.uid)
    expect(count).toBeGreaterThan(2)
  })

  test('that names no class gets the default one of later', async () => {
    await addClaim('data', { storageClassName: undefined })
    await pass()
    expect((await claimOf('data')).spec.storageClassName).toBeUndefined()
    await addClass({ metadata: { name: kind, annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } } })
    await pass()
    expect((await claimOf('data')).spec.storageClassName).toBe(kind)
    await cluster.client.remove(classes, { name: kind })
  })
})

describe('provisioning', () => {
  const waiting =
    "Normal ExternalProvisioning: Waiting for a volume to be created either by the external provisioner 'example.com/disk' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered."

  test('is asked of the provisioner of the class, and what it makes is bound', async () => {
    const { metadata } = await addClaim('data')
    await pass()
    expect(await said(metadata.uid)).toEqual([`Warning ProvisioningFailed: storageclass.storage.k8s.io "${kind}" not found`])
    await addClass()
    await pass()
    expect((await claimOf('data')).metadata.annotations).toEqual({
      'volume.beta.kubernetes.io/storage-provisioner': 'example.com/disk',
      'volume.kubernetes.io/storage-provisioner': 'example.com/disk',
    })
    expect(await said(metadata.uid)).toContain(waiting)
    const claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace: 'default', name: 'data', uid: metadata.uid }
    const annotations = { 'pv.kubernetes.io/provisioned-by': 'example.com/disk' }
    await addVolume(`pvc-${metadata.uid}`, { claimRef, persistentVolumeReclaimPolicy: 'Delete' }, { annotations })
    await pass()
    expect((await claimOf('data')).status?.phase).toBe('Bound')
    expect((await volumeOf(`pvc-${metadata.uid}`)).status?.phase).toBe('Bound')
  })

  test('is not done within the cluster', async () => {
    await addClass({ provisioner: 'kubernetes.io/no-provisioner' })
    const { metadata } = await addClaim('data')
    await pass()
    expect(await said(metadata.uid)).toEqual(['Warning ProvisioningFailed: no volume plugin matched name: kubernetes.io/no-provisioner'])
  })

  test('and binding wait for the first consumer, where the class says so, until a node is chosen', async () => {
    await addClass({ volumeBindingMode: 'WaitForFirstConsumer' })
    await addVolume('v')
    const { metadata } = await addClaim('data')
    await pass()
    expect((await claimOf('data')).status).toEqual({ phase: 'Pending' })
    const container = { name: 'c', image: 'nginx' }
    const mount = { name: 'd', persistentVolumeClaim: { claimName: 'data' } }
    const spec = { containers: [container], volumes: [mount], automountServiceAccountToken: false }
    await cluster.client.create(pods, { metadata: { namespace: 'default', name: 'p' }, spec } as never)
    await pass(16_000)
    expect(await said(metadata.uid)).toEqual([
      'Normal WaitForFirstConsumer: waiting for first consumer to be created before binding',
      'Normal WaitForPodScheduled: waiting for pod p to be scheduled',
    ])
    const target = { namespace: 'default', name: 'data' }
    await cluster.client.patch(claims, target, 'merge', { metadata: { annotations: { 'volume.kubernetes.io/selected-node': 'n1' } } })
    await pass()
    expect(await said(metadata.uid)).toContain(waiting)
    await cluster.client.remove(pods, { namespace: 'default', name: 'p' }, { gracePeriodSeconds: 0 })
  })
})
