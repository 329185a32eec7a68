import type { Pod } from '@skiff/api'
import { node, pod } from '@skiff/api'
import { expect, test } from 'vitest'
import { type TestCluster, testCluster } from '../testing/cluster.ts'
import { podGarbageCollector } from './podgc.ts'

const make = async (cluster: TestCluster, name: string, spec: object = {}, status?: object, metadata: object = {}) => {
  const made = await cluster.client.create(pod, { metadata: { namespace: 'a', name, ...metadata }, spec: { containers: [], ...spec } })
  if (status) await cluster.client.update(pod, { ...made, status: status as Pod['status'] & object }, { subresource: 'status' })
}
const names = (cluster: TestCluster) => cluster.server.all(pod).map((one) => one.metadata.name)

test('pods of a node that is gone are removed after it was missing for 40 s, without waiting for anybody', async () => {
  const cluster = testCluster([podGarbageCollector()])
  await cluster.client.create(node, { metadata: { name: 'n1' }, spec: {} })
  await make(cluster, 'here', { nodeName: 'n1' }, { phase: 'Running' })
  await make(cluster, 'lost', { nodeName: 'n2' }, { phase: 'Running' }, { finalizers: ['example.com/look'] })
  await cluster.env.advance(30_000)
  expect(names(cluster)).toEqual(['here', 'lost'])
  await cluster.env.advance(40_000)
  const lost = cluster.server.all(pod)[1]
  expect(lost?.metadata.deletionTimestamp).toBeDefined()
  expect(lost?.status).toMatchObject({
    phase: 'Failed',
    conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'DeletionByPodGC', message: 'PodGC: node no longer exists' }],
  })
  expect(cluster.server.all(pod)[0]?.metadata.deletionTimestamp).toBeUndefined()
  await cluster.stop()
})

test('a node that is there after all keeps its pods', async () => {
  const cluster = testCluster([podGarbageCollector()])
  await make(cluster, 'p', { nodeName: 'n1' }, { phase: 'Running' })
  await cluster.env.advance(30_000)
  await cluster.client.create(node, { metadata: { name: 'n1' }, spec: {} })
  await cluster.env.advance(120_000)
  expect(names(cluster)).toEqual(['p'])
  await cluster.stop()
})

test('a pod that is deleted before it had a node goes', async () => {
  const cluster = testCluster([podGarbageCollector()])
  await make(cluster, 'held', {}, undefined, { finalizers: ['example.com/look'] })
  await cluster.client.remove(pod, { namespace: 'a', name: 'held' })
  await cluster.env.advance(25_000)
  expect(cluster.server.all(pod)[0]?.status?.phase).toBe('Failed')
  await cluster.stop()
})

test('pods that are being deleted on a node out of service go at once; on a node that is ready they do not', async () => {
  const cluster = testCluster([podGarbageCollector()], { alive: () => false })
  const taints = [{ key: 'node.kubernetes.io/out-of-service', value: 'nodeshutdown', effect: 'NoExecute' as const }]
  for (const [name, status] of [
    ['down', 'Unknown'],
    ['up', 'True'],
  ] as const)
    await cluster.client.create(node, {
      metadata: { name },
      spec: { taints },
      status: { conditions: [{ type: 'Ready', status }] } as never,
    })
  for (const nodeName of ['down', 'up'])
    for (const what of ['leaves', 'stays']) await make(cluster, `${what}-${nodeName}`, { nodeName }, { phase: 'Running' })
  for (const nodeName of ['down', 'up']) await cluster.client.remove(pod, { namespace: 'a', name: `leaves-${nodeName}` })
  await cluster.env.advance(25_000)
  expect(names(cluster)).toEqual(['leaves-up', 'stays-down', 'stays-up'])
  await cluster.stop()
})

test('of ended pods the oldest beyond the threshold go, evicted ones before all others', async () => {
  const cluster = testCluster([podGarbageCollector(2)])
  for (const [at, phase] of ['Succeeded', 'Failed', 'Succeeded', 'Failed', 'Running'].entries()) {
    await make(cluster, `p${at}`, {}, { phase, ...(at === 3 ? { reason: 'Evicted' } : {}) })
    await cluster.env.advance(1_000)
  }
  await cluster.env.advance(25_000)
  expect(names(cluster)).toEqual(['p1', 'p2', 'p4'])
  await cluster.stop()
})
