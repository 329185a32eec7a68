import { namespace, pod, replicaSet, replicationController } from '@skiff/api'
import { controllerOf, forbidden, seededRandom } from '@skiff/machinery'
import { expect, test } from 'vitest'
import { type TestCluster, testCluster } from '../testing/cluster.ts'
import { replicaSetController } from './replicaset.ts'
import { replicationControllerController } from './replicationcontroller.ts'

const template = (labels = { app: 'web' }) => ({ metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } }) as never
const makeSet = (cluster: TestCluster, replicas: number, extra: object = {}) =>
  cluster.client.create(replicaSet, {
    metadata: { namespace: 'a', name: 'web' },
    spec: { replicas, selector: { matchLabels: { app: 'web' } }, template: template(), ...extra },
  })
const scale = async (cluster: TestCluster, replicas: number) => {
  const held = await cluster.client.get(replicaSet, { namespace: 'a', name: 'web' })
  await cluster.client.update(replicaSet, { ...held, spec: { ...held.spec, replicas } })
}
const status = (cluster: TestCluster) => cluster.server.all(replicaSet)[0]?.status

test('makes pods of its template, reports them, and removes them again', async () => {
  const cluster = testCluster([replicaSetController()])
  await makeSet(cluster, 3)
  await cluster.live(3_000)
  const made = cluster.server.all(pod)
  expect(made).toHaveLength(3)
  expect(made[0]?.metadata).toMatchObject({ generateName: 'web-', labels: { app: 'web' }, namespace: 'a' })
  expect(made[0]?.metadata.ownerReferences).toEqual([
    { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'uid-1', controller: true, blockOwnerDeletion: true },
  ])
  expect(status(cluster)).toEqual({ replicas: 3, fullyLabeledReplicas: 3, readyReplicas: 3, availableReplicas: 3, observedGeneration: 1 })
  await scale(cluster, 1)
  await cluster.live(3_000)
  expect(cluster.server.all(pod)).toHaveLength(1)
  expect(status(cluster)).toEqual({ replicas: 1, fullyLabeledReplicas: 1, readyReplicas: 1, availableReplicas: 1, observedGeneration: 2 })
  expect(cluster.events().filter((line) => line.includes('SuccessfulCreate'))).toHaveLength(3)
  expect(cluster.events().filter((line) => line.includes('SuccessfulDelete'))).toHaveLength(2)
  await cluster.stop()
})

test('a pod that ended, is being deleted or vanished is replaced', async () => {
  const cluster = testCluster([replicaSetController()])
  await makeSet(cluster, 2)
  await cluster.live(3_000)
  const [first, second] = cluster.server.all(pod)
  if (!first || !second) throw new Error('no pods')
  await cluster.client.update(pod, { ...first, status: { ...first.status, phase: 'Failed' } }, { subresource: 'status' })
  await cluster.client.remove(pod, { namespace: 'a', name: second.metadata.name })
  await cluster.live(3_000)
  const active = cluster.server.all(pod).filter((one) => one.status?.phase === 'Running')
  expect(active).toHaveLength(2)
  expect(active.map((one) => one.metadata.name)).not.toContain(second.metadata.name)
  await cluster.stop()
})

test('adopts what matches and has no controller, lets go what no longer matches', async () => {
  const cluster = testCluster([replicaSetController()])
  const orphan = await cluster.client.create(pod, {
    metadata: { namespace: 'a', name: 'mine', labels: { app: 'web' } },
    spec: { containers: [] },
  })
  await cluster.client.create(pod, { metadata: { namespace: 'a', name: 'other', labels: { app: 'db' } }, spec: { containers: [] } })
  await makeSet(cluster, 2)
  await cluster.live(3_000)
  expect(cluster.server.all(pod)).toHaveLength(3)
  const adopted = await cluster.client.get(pod, { namespace: 'a', name: 'mine' })
  expect(controllerOf(adopted)?.name).toBe('web')
  await cluster.client.update(pod, { ...adopted, metadata: { ...adopted.metadata, labels: { app: 'free' } } })
  await cluster.live(3_000)
  expect(controllerOf(await cluster.client.get(pod, { namespace: 'a', name: 'mine' }))).toBeUndefined()
  expect(cluster.server.all(pod).filter((one) => controllerOf(one)?.name === 'web')).toHaveLength(2)
  expect(orphan.metadata.uid).toBe(adopted.metadata.uid)
  await cluster.stop()
})

test('leaves pods that ended to whoever made them', async () => {
  const cluster = testCluster([replicaSetController()])
  const metadata = { namespace: 'a', name: 'done', labels: { app: 'web' } }
  const done = await cluster.client.create(pod, { metadata, spec: { containers: [] } })
  await cluster.client.update(pod, { ...done, status: { phase: 'Succeeded' } }, { subresource: 'status' })
  await makeSet(cluster, 1)
  await cluster.live(3_000)
  expect(controllerOf(await cluster.client.get(pod, metadata))).toBeUndefined()
  expect(status(cluster)?.replicas).toBe(1)
  await cluster.stop()
})

test('becomes available only after minReadySeconds, without any change that would tell', async () => {
  const cluster = testCluster([replicaSetController()])
  await makeSet(cluster, 1, { minReadySeconds: 10 })
  await cluster.live(3_000)
  expect([status(cluster)?.readyReplicas, status(cluster)?.availableReplicas]).toEqual([1, undefined])
  await cluster.live(12_000)
  expect(status(cluster)?.availableReplicas).toBe(1)
  await cluster.stop()
})

test('a quota is hit once a plan, told in an event and a condition, and taken back when it is gone', async () => {
  let limit = 1
  const cluster = testCluster([replicaSetController()], {
    around: (handler) => async (call) => {
      if (call.verb === 'create' && call.resource === 'pods' && !call.subresource && cluster.server.all(pod).length >= limit)
        throw forbidden(call, 'x', 'exceeded quota: q')
      return handler(call)
    },
  })
  await makeSet(cluster, 20)
  await cluster.env.advance(4)
  // One made, then a batch of two refused: the other seventeen were not even tried, nor when its own changes woke it.
  expect(cluster.events()).toEqual([
    expect.stringMatching(/^Normal SuccessfulCreate: Created pod: web-[a-z0-9]{5} x1$/),
    expect.stringMatching(/^Warning FailedCreate: Error creating: pods "x" is forbidden: exceeded quota: q x[2-5]$/),
  ])
  expect(status(cluster)?.conditions).toEqual([
    {
      type: 'ReplicaFailure',
      status: 'True',
      lastTransitionTime: '2025-01-01T00:00:00Z',
      reason: 'FailedCreate',
      message: 'pods "x" is forbidden: exceeded quota: q',
    },
  ])
  limit = 100
  await cluster.live(10_000)
  expect(cluster.server.all(pod)).toHaveLength(20)
  expect(status(cluster)?.conditions).toBeUndefined()
  await cluster.stop()
})

test('pods that cannot be removed are told in a condition', async () => {
  const cluster = testCluster([replicaSetController()], {
    around: (handler) => (call) => {
      if (call.verb === 'delete' && call.resource === 'pods') throw forbidden(call, 'x', 'not now')
      return handler(call)
    },
  })
  await makeSet(cluster, 1)
  await cluster.env.advance(1_000)
  await scale(cluster, 0)
  await cluster.env.advance(1_000)
  expect(status(cluster)?.conditions).toMatchObject([
    { type: 'ReplicaFailure', reason: 'FailedDelete', message: 'unable to delete pods: pods "x" is forbidden: not now' },
  ])
  await cluster.stop()
})

test('in a namespace that terminates nothing is made and nothing fails', async () => {
  const cluster = testCluster([replicaSetController()])
  await cluster.client.create(namespace, { metadata: { name: 'a' }, spec: {} })
  await makeSet(cluster, 2)
  await cluster.live(2_000)
  await cluster.client.remove(namespace, { name: 'a' })
  for (const one of cluster.server.all(pod)) await cluster.client.remove(pod, { namespace: 'a', name: one.metadata.name })
  await cluster.live(20_000)
  expect(cluster.server.all(pod)).toHaveLength(0)
  expect(cluster.running[0]?.metrics.failures).toBe(0)
  await cluster.stop()
})

test('a ReplicationController does the same', async () => {
  const cluster = testCluster([replicationControllerController()])
  await cluster.client.create(replicationController, {
    metadata: { namespace: 'a', name: 'web' },
    spec: { replicas: 2, selector: { app: 'web' }, template: template() },
  })
  await cluster.live(3_000)
  expect(cluster.server.all(pod).map((one) => controllerOf(one)?.kind)).toEqual(['ReplicationController', 'ReplicationController'])
  expect(cluster.server.all(replicationController)[0]?.status).toMatchObject({ replicas: 2, availableReplicas: 2 })
  await cluster.stop()
})

test.each([1, 2, 3, 4, 5, 6])('seed %i: on a bad network the number comes out right, and never far above', async (seed) => {
  const cluster = testCluster([replicaSetController()], {
    seed,
    rates: { lostCall: 0.1, conflict: 0.1, delay: 0.4, maxDelayMs: 500, repeat: 0.2, cutWatch: 0.15, expiredWatch: 0.05 },
  })
  const random = seededRandom(seed)
  await makeSet(cluster, 5)
  let wanted = 5
  let most = 5
  for (let round = 0; round < 12; round += 1) {
    await cluster.live(random() * 4_000)
    if (random() < 0.5) {
      wanted = Math.floor(random() * 8)
      most = Math.max(most, wanted)
      await scale(cluster, wanted)
    }
    const [victim] = cluster.server.all(pod)
    if (victim && random() < 0.5) await cluster.client.remove(pod, { namespace: 'a', name: victim.metadata.name })
    // No reply is lost here, so nothing is ever made twice.
    const owned = cluster.server.all(pod).filter((one) => !one.metadata.deletionTimestamp)
    expect(owned.length).toBeLessThanOrEqual(most)
  }
  cluster.faults.stop()
  await cluster.live(60_000)
  expect(cluster.server.all(pod)).toHaveLength(wanted)
  expect(status(cluster)?.replicas).toBe(wanted)
  await cluster.stop()
})

test.each([11, 12, 13])('seed %i: also when replies are lost it ends right', async (seed) => {
  const cluster = testCluster([replicaSetController()], { seed, rates: { lostReply: 0.3, delay: 0.3, maxDelayMs: 300, cutWatch: 0.1 } })
  await makeSet(cluster, 6)
  await cluster.live(30_000)
  await scale(cluster, 2)
  await cluster.live(30_000)
  cluster.faults.stop()
  await cluster.live(60_000)
  expect(cluster.server.all(pod)).toHaveLength(2)
  expect(status(cluster)).toMatchObject({ replicas: 2, readyReplicas: 2 })
  await cluster.stop()
})
