import {
  event,
  type Node,
  namespace,
  node,
  type Pod,
  persistentVolume,
  persistentVolumeClaim,
  pod,
  podDisruptionBudget,
  replicaSet,
  replicationController,
  service,
  statefulSet,
  storageClass,
} from '@skiff/api'
import { connect, createMemoryServer, createViews, virtualEnv } from '@skiff/client'
import { afterEach, expect, test } from 'vitest'
import { startScheduler } from './start.ts'

const resources = [
  event,
  namespace,
  node,
  persistentVolume,
  persistentVolumeClaim,
  pod,
  podDisruptionBudget,
  replicaSet,
  replicationController,
  service,
  statefulSet,
  storageClass,
]
const ends: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})
const start = async () => {
  const env = virtualEnv()
  const server = createMemoryServer(env, resources)
  const client = connect(server.handler, { name: 'test', groups: [] })
  const views = createViews(client, env)
  const scheduler = await startScheduler({ client, views, env })
  ends.push(async () => {
    await scheduler.stop()
    await views.close()
  })
  return { env, server, client }
}
const nodeNamed = (name: string, cpu = '2'): Node =>
  ({ metadata: { name }, spec: {}, status: { allocatable: { cpu, memory: '4Gi', pods: '110' } } }) as unknown as Node
const podNamed = (name: string, cpu = '100m'): Pod =>
  ({
    metadata: { name, namespace: 'a' },
    spec: { schedulerName: 'default-scheduler', containers: [{ name: 'c', resources: { requests: { cpu } } }] },
  }) as unknown as Pod

test('a pod gets a node', async () => {
  const { env, server, client } = await start()
  await client.create(node, nodeNamed('n1'))
  await client.create(pod, podNamed('p'))
  await env.settle()
  expect(server.all(pod)[0]?.spec.nodeName).toBe('n1')
  await env.settle()
  expect(server.all(event)[0]).toMatchObject({
    reason: 'Scheduled',
    message: 'Successfully assigned a/p to n1',
    reportingComponent: 'default-scheduler',
  })
})

test('a pod too large says so, and goes in when a node comes that holds it', async () => {
  const { env, server, client } = await start()
  await client.create(node, nodeNamed('n1'))
  await client.create(pod, podNamed('p', '3'))
  await env.settle()
  await env.settle()
  const text =
    '0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.'
  expect(server.all(pod)[0]?.status?.conditions?.[0]).toMatchObject({
    type: 'PodScheduled',
    status: 'False',
    reason: 'Unschedulable',
    message: text,
  })
  expect(server.all(event)[0]).toMatchObject({ type: 'Warning', reason: 'FailedScheduling', message: text })
  await client.create(node, nodeNamed('n2', '4'))
  await env.advance(1_000)
  expect(server.all(pod)[0]?.spec.nodeName).toBe('n2')
})
