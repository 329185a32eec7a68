import type { Pod, StatefulSet } from '@skiff/api'
import { controllerRevision, persistentVolumeClaim, pod, statefulSet } from '@skiff/api'
import { forbidden } from '@skiff/machinery'
import { describe, expect, test } from 'vitest'
import { garbageCollector } from '../garbage/collector.ts'
import { storedResources, type TestCluster, type TestClusterOptions, testCluster } from '../testing/cluster.ts'
import { statefulSetController } from './statefulset.ts'

const target = { namespace: 'a', name: 'db' }
const templateOf = (image: string) => ({ metadata: { labels: { app: 'db' } }, spec: { containers: [{ name: 'c', image }] } }) as never
const start = (options: TestClusterOptions = {}) => testCluster([statefulSetController(), garbageCollector(() => storedResources)], options)
const make = (cluster: TestCluster, spec: Partial<StatefulSet['spec']> = {}) =>
  cluster.client.create(statefulSet, {
    metadata: target,
    spec: {
      replicas: 3,
      serviceName: 'db',
      selector: { matchLabels: { app: 'db' } },
      template: templateOf('v1'),
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
      ...spec,
    },
  })
const change = async (cluster: TestCluster, spec: Partial<StatefulSet['spec']>) => {
  const held = await cluster.client.get(statefulSet, target)
  return cluster.client.update(statefulSet, { ...held, spec: { ...held.spec, ...spec } })
}
const members = (cluster: TestCluster) => cluster.server.all(pod).map((one) => `${one.metadata.name} ${one.spec.containers[0]?.image}`)
const isReady = (one: Pod) => !one.metadata.deletionTimestamp && one.status?.conditions?.[0]?.status === 'True'
const claims = (cluster: TestCluster) => cluster.server.all(persistentVolumeClaim).map((one) => one.metadata.name)
const dataClaim = [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'] } }] as never

describe('members', () => {
  test('come one after the other, each with its name, its labels and its claim', async () => {
    const cluster = start()
    await make(cluster, { volumeClaimTemplates: dataClaim })
    const seen: number[] = []
    for (let n = 0; n < 30; n += 1) {
      await cluster.live(250)
      const all = cluster.server.all(pod)
      seen.push(all.length)
      // The next one is only made when all before it are ready.
      expect(all.filter((one) => !isReady(one)).length).toBeLessThanOrEqual(1)
    }
    expect(members(cluster)).toEqual(['db-0 v1', 'db-1 v1', 'db-2 v1'])
    expect(claims(cluster)).toEqual(['data-db-0', 'data-db-1', 'data-db-2'])
    const second = cluster.server.all(pod)[1] as Pod
    const [revision] = cluster.server.all(controllerRevision)
    expect(second.metadata.generateName).toBe('db-')
    expect(second.metadata.labels).toEqual({
      app: 'db',
      'statefulset.kubernetes.io/pod-name': 'db-1',
      'apps.kubernetes.io/pod-index': '1',
      'controller-revision-hash': revision?.metadata.name,
    })
    expect(second.spec).toMatchObject({
      hostname: 'db-1',
      subdomain: 'db',
      volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data-db-1' } }],
    })
    expect(cluster.server.all(persistentVolumeClaim)[0]?.metadata.labels).toEqual({ app: 'db' })
    expect(cluster.server.all(statefulSet)[0]?.status).toEqual({
      replicas: 3,
      readyReplicas: 3,
      currentReplicas: 3,
      updatedReplicas: 3,
      availableReplicas: 3,
      observedGeneration: 1,
      collisionCount: 0,
      currentRevision: revision?.metadata.name,
      updateRevision: revision?.metadata.name,
    })
    expect(cluster.events()).toContain('Normal SuccessfulCreate: create Pod db-0 in StatefulSet db successful x1')
    expect(cluster.events()).toContain('Normal SuccessfulCreate: create Claim data-db-0 Pod db-0 in StatefulSet db success x1')
    await cluster.stop()
  })

  test('wait for one that is not ready; in parallel they do not', async () => {
    for (const [podManagementPolicy, count] of [
      ['OrderedReady', 1],
      ['Parallel', 3],
    ] as const) {
      const cluster = start({ healthy: (one) => one.metadata.name !== 'db-0' })
      await make(cluster, { podManagementPolicy })
      await cluster.live(5_000)
      expect(cluster.server.all(pod)).toHaveLength(count)
      await cluster.stop()
    }
  })

  test('keep their name when they are replaced, failed ones as well', async () => {
    const cluster = start()
    await make(cluster)
    await cluster.live(8_000)
    const first = cluster.server.all(pod)[0] as Pod
    await cluster.client.update(pod, { ...first, status: { phase: 'Failed' } }, { subresource: 'status' })
    await cluster.live(5_000)
    expect(members(cluster)).toEqual(['db-0 v1', 'db-1 v1', 'db-2 v1'])
    expect(cluster.server.all(pod)[0]?.metadata.uid).not.toBe(first.metadata.uid)
    expect(cluster.events().filter((line) => line.includes('Recreating'))).toEqual([])
    expect(cluster.events()).toContain('Normal SuccessfulDelete: delete Pod db-0 in StatefulSet db successful x1')
    await cluster.stop()
  })

  test('wait silently while a stranger has their name', async () => {
    const cluster = start()
    await cluster.client.create(pod, { metadata: { namespace: 'a', name: 'db-0' }, spec: { containers: [] } })
    await make(cluster, { replicas: 1 })
    await cluster.live(5_000)
    expect(cluster.events()).toEqual([])
    await cluster.client.remove(pod, { namespace: 'a', name: 'db-0' })
    await cluster.live(20_000)
    expect(cluster.events()).toEqual(['Normal SuccessfulCreate: create Pod db-0 in StatefulSet db successful x1'])
    await cluster.stop()
  })

  test('that cannot be made are told of, and the status says what there is', async () => {
    const cluster = start({
      around: (handler) => async (call) => {
        if (call.verb === 'create' && call.resource === 'pods') throw forbidden(call, 'db-0', 'exceeded quota: q')
        return handler(call)
      },
    })
    await make(cluster)
    await cluster.env.advance(1_000)
    expect(cluster.server.all(statefulSet)[0]?.status).toMatchObject({ replicas: 0, observedGeneration: 1 })
    expect(cluster.events()[0]).toMatch(
      /^Warning FailedCreate: create Pod db-0 in StatefulSet db failed error: pods "db-0" is forbidden: exceeded quota: q x/,
    )
    await cluster.stop()
  })

  test('start at the first ordinal that is asked for', async () => {
    const cluster = start()
    await make(cluster, { replicas: 2, ordinals: { start: 5 } })
    await cluster.live(5_000)
    expect(members(cluster)).toEqual(['db-5 v1', 'db-6 v1'])
    await cluster.stop()
  })

  test('go from the highest, one at a time, and leave their claims', async () => {
    const cluster = start()
    await make(cluster, { volumeClaimTemplates: dataClaim })
    await cluster.live(8_000)
    await change(cluster, { replicas: 1 })
    await cluster.env.advance(200)
    expect(
      cluster.server
        .all(pod)
        .filter((one) => one.metadata.deletionTimestamp)
        .map((one) => one.metadata.name),
    ).toEqual(['db-2'])
    await cluster.live(5_000)
    expect(members(cluster)).toEqual(['db-0 v1'])
    expect(claims(cluster)).toEqual(['data-db-0', 'data-db-1', 'data-db-2'])
    await cluster.stop()
  })
})

describe('an update', () => {
  test('replaces from the highest, each once the one above is ready, down to the partition', async () => {
    const cluster = start()
    await make(cluster, { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 1 } } })
    await cluster.live(8_000)
    await change(cluster, { template: templateOf('v2') })
    for (let n = 0; n < 40; n += 1) {
      await cluster.live(250)
      expect(cluster.server.all(pod).filter(isReady).length).toBeGreaterThanOrEqual(2)
    }
    expect(members(cluster)).toEqual(['db-0 v1', 'db-1 v2', 'db-2 v2'])
    const { currentRevision, updateRevision, updatedReplicas } = cluster.server.all(statefulSet)[0]?.status ?? {}
    expect([updatedReplicas, currentRevision === updateRevision]).toEqual([2, false])
    await cluster.client.remove(pod, { namespace: 'a', name: 'db-0' })
    await cluster.live(3_000)
    expect(members(cluster)).toEqual(['db-0 v1', 'db-1 v2', 'db-2 v2'])
    await change(cluster, { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } } })
    await cluster.live(5_000)
    expect(members(cluster)).toEqual(['db-0 v2', 'db-1 v2', 'db-2 v2'])
    const done = cluster.server.all(statefulSet)[0]?.status
    expect(done?.currentRevision).toBe(done?.updateRevision)
    await cluster.stop()
  })

  test('stops at a broken member; the old template brings it back with a new number', async () => {
    const cluster = start({ healthy: (one) => one.spec.containers[0]?.image !== 'bad' })
    await make(cluster)
    await cluster.live(8_000)
    await change(cluster, { template: templateOf('bad') })
    await cluster.live(8_000)
    expect(members(cluster)).toEqual(['db-0 v1', 'db-1 v1', 'db-2 bad'])
    await change(cluster, { template: templateOf('v1') })
    await cluster.client.remove(pod, { namespace: 'a', name: 'db-2' })
    await cluster.live(8_000)
    expect(members(cluster)).toEqual(['db-0 v1', 'db-1 v1', 'db-2 v1'])
    expect(
      cluster.server
        .all(controllerRevision)
        .map((one) => one.revision)
        .sort(),
    ).toEqual([2, 3])
    await cluster.stop()
  })
})

describe('claims', () => {
  test('go with the set, or with the member that is scaled away, where the policy says so', async () => {
    const cluster = start()
    await make(cluster, {
      volumeClaimTemplates: dataClaim,
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete', whenScaled: 'Delete' },
    })
    await cluster.live(8_000)
    await change(cluster, { replicas: 2 })
    await cluster.live(5_000)
    expect(claims(cluster)).toEqual(['data-db-0', 'data-db-1'])
    await cluster.client.remove(statefulSet, target)
    await cluster.live(5_000)
    expect([members(cluster), claims(cluster)]).toEqual([[], []])
    await cluster.stop()
  })
})

test.each([1, 2, 3])('seed %i: on a bad network the members end right, and never twice', async (seed) => {
  const cluster = start({ seed, rates: { lostCall: 0.1, lostReply: 0.1, conflict: 0.1, delay: 0.3, maxDelayMs: 300, cutWatch: 0.1 } })
  await make(cluster, { volumeClaimTemplates: dataClaim })
  await cluster.live(20_000)
  await change(cluster, { template: templateOf('v2'), replicas: 4 })
  await cluster.live(30_000)
  cluster.faults.stop()
  await cluster.live(60_000)
  expect(members(cluster)).toEqual(['db-0 v2', 'db-1 v2', 'db-2 v2', 'db-3 v2'])
  await cluster.stop()
})

describe('maxUnavailable', () => {
  test.each<[string, number | string, number, number]>([
    ['a number', 2, 0, 2],
    ['a share, rounded down', '50%', 0, 2],
    ['a share that is nothing', '1%', 0, 1],
    ['above a partition', 3, 2, 3],
  ])('%s: so many members are replaced at a time', async (_what, maxUnavailable, partition, most) => {
    const cluster = start()
    await make(cluster, { replicas: 5, podManagementPolicy: 'Parallel' })
    await cluster.live(8_000)
    const rollingUpdate = { partition, maxUnavailable }
    await change(cluster, { template: templateOf('v2'), updateStrategy: { type: 'RollingUpdate', rollingUpdate } as never })
    let fewest = 5
    for (let n = 0; n < 80; n += 1) {
      await cluster.live(250)
      fewest = Math.min(fewest, cluster.server.all(pod).filter(isReady).length)
    }
    expect(members(cluster)).toEqual([0, 1, 2, 3, 4].map((at) => `db-${at} v${at < partition ? 1 : 2}`))
    expect(fewest).toBe(5 - most)
    await cluster.stop()
  })
})
