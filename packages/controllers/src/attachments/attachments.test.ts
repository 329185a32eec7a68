import type { Node, VolumeAttachment } from '@skiff/api'
import {
  volumeAttachment as attachments,
  persistentVolumeClaim as claims,
  node as nodes,
  pod as pods,
  persistentVolume as volumes,
} from '@skiff/api'
import { expect, test } from 'vitest'
import { type TestCluster, type TestClusterOptions, testCluster } from '../testing/cluster.ts'
import { attachDetachController } from './attachments.ts'

/** A cluster with a driver's attacher, which says after a moment that volumes are attached. */
const start = async (options: TestClusterOptions = {}) => {
  const cluster = testCluster([attachDetachController()], options)
  for (const name of ['n1', 'n2'])
    await cluster.client.create(nodes, {
      metadata: { name },
      spec: {},
      status: { conditions: [{ type: 'Ready', status: 'True' }] },
    } as never)
  const claim = await cluster.client.create(claims, { metadata: { namespace: 'a', name: 'c' }, spec: { volumeName: 'pv' } } as never)
  await cluster.client.create(volumes, {
    metadata: { name: 'pv' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      csi: { driver: 'd.io', volumeHandle: 'h' },
      claimRef: { namespace: 'a', name: 'c', uid: claim.metadata.uid },
    },
  } as never)
  return cluster
}
const addPod = (cluster: TestCluster, name: string, nodeName: string) =>
  cluster.client.create(pods, {
    metadata: { namespace: 'a', name },
    spec: { nodeName, containers: [{ name: 'c' }], volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }] },
  } as never)
/** What the driver's attacher does. */
const attach = async (cluster: TestCluster): Promise<void> => {
  for (const one of cluster.server.all(attachments))
    if (!one.status?.attached)
      await cluster.client.update(attachments, { ...one, status: { attached: true } } as VolumeAttachment, { subresource: 'status' })
}
const live = async (cluster: TestCluster, ms: number): Promise<void> => {
  for (let passed = 0; passed < ms; passed += 1_000) {
    await cluster.live(1_000)
    await attach(cluster)
  }
  await cluster.live(3_000)
}
const nodesOf = (cluster: TestCluster) => cluster.server.all(attachments).map(({ spec }) => spec.nodeName)
const nodeNamed = (cluster: TestCluster, name: string) => cluster.server.all(nodes).find(({ metadata }) => metadata.name === name) as Node
const uniqueName = 'kubernetes.io/csi/d.io^h'
const use = async (cluster: TestCluster, name: string, volumesInUse: readonly string[]) =>
  cluster.client.patch(nodes, { name, subresource: 'status' }, 'merge', { status: { volumesInUse } })

test('a volume is attached, reported, and taken away when nobody needs it', async () => {
  const cluster = await start()
  await addPod(cluster, 'p', 'n1')
  await live(cluster, 2_000)
  expect(cluster.server.all(attachments)[0]).toMatchObject({
    metadata: { name: expect.stringMatching(/^csi-[0-9a-f]{64}$/) },
    spec: { attacher: 'd.io', nodeName: 'n1', source: { persistentVolumeName: 'pv' } },
  })
  expect(nodeNamed(cluster, 'n1').status?.volumesAttached).toEqual([{ name: uniqueName, devicePath: '' }])
  expect(cluster.events()).toEqual(['Normal SuccessfulAttachVolume: AttachVolume.Attach succeeded for volume "pv"  x1'])
  await use(cluster, 'n1', [uniqueName])
  await cluster.client.remove(pods, { namespace: 'a', name: 'p' }, { gracePeriodSeconds: 0 })
  await live(cluster, 20_000)
  // Still mounted.
  expect(nodesOf(cluster)).toEqual(['n1'])
  await use(cluster, 'n1', [])
  await live(cluster, 2_000)
  expect(nodesOf(cluster)).toEqual([])
  expect(nodeNamed(cluster, 'n1').status?.volumesAttached).toBeUndefined()
  await cluster.stop()
})

test('a node that is not well loses it after six minutes, one that is out of service at once', async () => {
  for (const [taints, waitMs] of [
    [[], 361_000],
    [[{ key: 'node.kubernetes.io/out-of-service', effect: 'NoExecute' }], 3_000],
  ] as const) {
    const cluster = await start()
    await addPod(cluster, 'p', 'n1')
    await live(cluster, 2_000)
    await use(cluster, 'n1', [uniqueName])
    const conditions = [{ type: 'Ready', status: 'Unknown' }]
    await cluster.client.patch(nodes, { name: 'n1', subresource: 'status' }, 'merge', { status: { conditions } })
    await cluster.client.remove(pods, { namespace: 'a', name: 'p' }, { gracePeriodSeconds: 0 })
    await addPod(cluster, 'q', 'n2')
    await live(cluster, 10_000)
    expect(nodesOf(cluster)).toEqual(['n1'])
    expect(cluster.events().join()).toContain('Multi-Attach error for volume "pv" Volume is already exclusively attached to one node')
    await cluster.client.patch(nodes, { name: 'n1' }, 'merge', { spec: { taints } })
    await live(cluster, waitMs)
    expect(nodesOf(cluster)).toEqual(['n2'])
    await cluster.stop()
  }
})

test.each([1, 2, 3, 4])('over lost, repeated and reordered calls it is attached where it is needed (seed %i)', async (seed) => {
  const rates = { lostCall: 0.1, lostReply: 0.1, conflict: 0.1, repeat: 0.1, delay: 0.2, maxDelayMs: 2_000, cutWatch: 0.02 }
  const cluster = await start({ seed, rates })
  for (const [name, node] of [
    ['p', 'n1'],
    ['q', 'n2'],
    ['r', 'n1'],
  ] as const) {
    await addPod(cluster, name, node)
    await live(cluster, 30_000)
    await cluster.client.remove(pods, { namespace: 'a', name }, { gracePeriodSeconds: 0 })
  }
  await addPod(cluster, 's', 'n2')
  await live(cluster, 30_000)
  cluster.faults.stop()
  await live(cluster, 60_000)
  expect(nodesOf(cluster)).toEqual(['n2'])
  expect([nodeNamed(cluster, 'n1'), nodeNamed(cluster, 'n2')].map(({ status }) => status?.volumesAttached?.length)).toEqual([undefined, 1])
  await cluster.stop()
})
