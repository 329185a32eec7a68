import type { PersistentVolumeClaim, Pod } from '@skiff/api'
import { persistentVolumeClaim as claims, pod as pods } from '@skiff/api'
import { afterEach, expect, test } from 'vitest'
import { type TestCluster, testCluster } from '../testing/cluster.ts'
import { ephemeralVolumeController } from './ephemeral.ts'

let cluster: TestCluster
afterEach(async () => cluster.stop())

const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } }
const volume = (name: string) => ({ name, ephemeral: { volumeClaimTemplate: { metadata: { labels: { a: 'b' } }, spec } } })
const addPod = (name: string, volumes: readonly string[]): Promise<Pod> =>
  cluster.client.create(pods, {
    metadata: { namespace: 'n', name },
    spec: { containers: [{ name: 'c' }], volumes: volumes.map(volume) },
  } as never)

test('each volume gets a claim of its own, owned by the pod', async () => {
  cluster = testCluster([ephemeralVolumeController()])
  const pod = await addPod('p', ['x', 'y'])
  await cluster.live(2_000)
  const found = cluster.server.all(claims)
  expect(found.map(({ metadata }) => metadata.name)).toEqual(['p-x', 'p-y'])
  expect(found[0]).toMatchObject({
    metadata: { labels: { a: 'b' }, ownerReferences: [{ kind: 'Pod', name: 'p', uid: pod.metadata.uid, controller: true }] },
    spec,
  })
})

test('one that goes comes back; a stranger by that name is told of', async () => {
  cluster = testCluster([ephemeralVolumeController()])
  await cluster.client.create(claims, { metadata: { namespace: 'n', name: 'q-x' }, spec } as never)
  await addPod('p', ['x'])
  await addPod('q', ['x'])
  await cluster.live(2_000)
  await cluster.client.remove(claims, { namespace: 'n', name: 'p-x' })
  await cluster.live(2_000)
  const names = () => cluster.server.all(claims).map(({ metadata }: PersistentVolumeClaim) => metadata.name)
  expect(names()).toEqual(['p-x', 'q-x'])
  const told = 'Warning FailedBinding: ephemeral volume x: PVC n/q-x was not created for pod n/q (pod is not owner)'
  expect(cluster.events()[0]).toContain(told)
})

test.each([1, 2, 3])('over lost, repeated and reordered calls (seed %i)', async (seed) => {
  const rates = { lostCall: 0.2, lostReply: 0.2, repeat: 0.2, delay: 0.3, maxDelayMs: 2_000, cutWatch: 0.05 }
  cluster = testCluster([ephemeralVolumeController()], { seed, rates })
  for (const name of ['p', 'q', 'r']) await addPod(name, ['x', 'y'])
  await cluster.live(60_000)
  cluster.faults.stop()
  await cluster.live(60_000)
  expect(cluster.server.all(claims).length).toBe(6)
})
