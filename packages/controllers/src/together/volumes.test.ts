import {
  persistentVolumeClaim as claims,
  storageClass as classes,
  node as nodes,
  pod as pods,
  persistentVolume as volumes,
} from '@skiff/api'
import { createViews } from '@skiff/client'
import { startScheduler } from '@skiff/scheduler'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type RealCluster, realCluster } from '../testing/real-cluster.ts'

// The binder and the scheduler meet in objects alone: both over the real API server, each under its own rights.
let cluster: RealCluster
let stopScheduler: () => Promise<void>
const nodeNames = ['n1', 'n2']
beforeEach(async () => {
  cluster = await realCluster({ nodes: nodeNames, enabled: ['persistentvolume-binder', 'serviceaccount'] })
  const { api, env, client } = cluster
  const scheduler = api.client({ name: 'system:kube-scheduler', groups: ['system:authenticated'] })
  const views = createViews(scheduler, env)
  const running = await startScheduler({ client: scheduler, views, env })
  stopScheduler = async () => {
    await running.stop()
    await views.close()
  }
  for (const name of nodeNames) {
    await client.patch(nodes, { name }, 'merge', { metadata: { labels: { 'kubernetes.io/hostname': name } }, spec: { taints: null } })
    const status = { allocatable: { cpu: '4', memory: '8Gi', pods: '110' }, capacity: { cpu: '4', memory: '8Gi', pods: '110' } }
    await client.patch(nodes, { name, subresource: 'status' }, 'merge', { status })
  }
  await pass()
})
afterEach(async () => {
  await stopScheduler()
  await cluster.stop()
})

const pass = async (): Promise<void> => {
  for (let second = 0; second < 3; second += 1) {
    for (let turn = 0; turn < 30; turn += 1) await cluster.env.settle()
    await cluster.env.advance(1_000)
  }
}
const addClass = (provisioner: string) =>
  cluster.client.create(classes, { metadata: { name: 'local' }, provisioner, volumeBindingMode: 'WaitForFirstConsumer' } as never)
const addVolume = (name: string, node: string, storage: string, more: object = {}) =>
  cluster.client.create(volumes, {
    metadata: { name },
    spec: {
      capacity: { storage },
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'local',
      local: { path: `/disks/${name}` },
      nodeAffinity: {
        required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [node] }] }] },
      },
      ...more,
    },
  } as never)
const addClaim = (name: string) =>
  cluster.client.create(claims, {
    metadata: { namespace: 'default', name },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, storageClassName: 'local' },
  } as never)
const addPod = (name: string, claimNames: readonly string[], nodeSelector?: object) =>
  cluster.client.create(pods, {
    metadata: { namespace: 'default', name },
    spec: {
      containers: [{ name: 'c', image: 'nginx' }],
      volumes: claimNames.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } })),
      ...(nodeSelector ? { nodeSelector } : {}),
    },
  } as never)
const place = async (name: string) => (await cluster.client.get(pods, { namespace: 'default', name })).spec.nodeName
const volumeOf = async (name: string) => (await cluster.client.get(claims, { namespace: 'default', name })).spec.volumeName

describe('a claim that waits for its consumer', () => {
  test('gets a volume that the pod reaches where else it may run, though a smaller one is elsewhere', async () => {
    await addClass('kubernetes.io/no-provisioner')
    await addVolume('small', 'n1', '1Gi')
    await addVolume('large', 'n2', '9Gi')
    await addClaim('data')
    await pass()
    expect(await volumeOf('data')).toBeUndefined()
    await addPod('p', ['data'], { 'kubernetes.io/hostname': 'n2' })
    await pass()
    expect([await place('p'), await volumeOf('data')]).toEqual(['n2', 'large'])
    expect(
      (await cluster.list(volumes)).map((one) => `${one.metadata.name} ${(one as { status?: { phase?: string } }).status?.phase}`),
    ).toEqual(['large Bound', 'small Available'])
  })

  test('shares a node with the others of its pod', async () => {
    await addClass('kubernetes.io/no-provisioner')
    await addVolume('a1', 'n1', '1Gi')
    await addVolume('b1', 'n2', '2Gi')
    await addVolume('b2', 'n2', '3Gi')
    for (const name of ['x', 'y']) await addClaim(name)
    await addPod('p', ['x', 'y'])
    await pass()
    expect(await place('p')).toBe('n2')
    expect([await volumeOf('x'), await volumeOf('y')].sort()).toEqual(['b1', 'b2'])
  })

  test('is provisioned for the chosen node, and the pod starts once that is done', async () => {
    await addClass('example.com/disk')
    const { metadata } = await addClaim('data')
    await addPod('p', ['data'])
    await pass()
    expect(await place('p')).toBeUndefined()
    const { annotations = {} } = (await cluster.client.get(claims, { namespace: 'default', name: 'data' })).metadata
    expect(annotations['volume.kubernetes.io/storage-provisioner']).toBe('example.com/disk')
    const chosen = annotations['volume.kubernetes.io/selected-node'] as string
    const claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace: 'default', name: 'data', uid: metadata.uid }
    await addVolume('made', chosen, '1Gi', { claimRef })
    await pass()
    expect([await place('p'), await volumeOf('data')]).toEqual([chosen, 'made'])
    expect(cluster.troubled()).toEqual([])
  })
})
