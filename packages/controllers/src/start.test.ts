import { deployment, namespace, pod, serviceAccount } from '@skiff/api'
import { connect, createMemoryServer, virtualEnv } from '@skiff/client'
import { exposition } from '@skiff/machinery'
import { expect, test } from 'vitest'
import { unknownController } from './catalogue.ts'
import { isEnabled } from './names.ts'
import { startControllers } from './start.ts'
import { storedResources } from './testing/cluster.ts'

const setUp = () => {
  const env = virtualEnv()
  const server = createMemoryServer(env, storedResources)
  const users = new Set<string>()
  const client = connect(
    (call) => {
      if (call.verb !== 'watch' && call.verb !== 'list') users.add(`${call.identity.name} ${call.verb} ${call.resource}`)
      return server.handler(call)
    },
    { name: 'admin', groups: ['system:masters'] },
  )
  const make = () =>
    client.create(deployment, {
      metadata: { namespace: 'a', name: 'web' },
      spec: { replicas: 2, selector: { matchLabels: { app: 'w' } }, template: { metadata: { labels: { app: 'w' } } } as never },
    })
  return { env, server, client, users, make }
}
const resources = () => storedResources

test('all run together, each as its own account', async () => {
  const { env, server, client, users, make } = setUp()
  const controllers = await startControllers({ client, env, enabled: ['*'], resources, rootCa: () => 'PEM' })
  await client.create(namespace, { metadata: { name: 'a' }, spec: {} })
  await make()
  await env.advance(5_000)
  expect(server.all(pod)).toHaveLength(2)
  expect(server.all(serviceAccount)).toHaveLength(1)
  expect(controllers.busy).toBe(0)
  expect([...users]).toEqual(
    expect.arrayContaining([
      'system:serviceaccount:kube-system:service-account-controller create serviceaccounts',
      'system:serviceaccount:kube-system:root-ca-cert-publisher create configmaps',
      'system:serviceaccount:kube-system:deployment-controller create replicasets',
      'system:serviceaccount:kube-system:replicaset-controller create pods',
      'system:serviceaccount:kube-system:replicaset-controller create events',
    ]),
  )
  expect(controllers.metrics()['replicaset-controller']).toMatchObject({ failures: 0, doubts: 0 })
  const text = exposition(controllers.families())
  expect(text).toMatch(/\nworkqueue_adds_total\{name="replicaset"\} [1-9]\d*\n/)
  expect(text).toMatch(/\nworkqueue_work_duration_seconds_count\{name="deployment"\} [1-9]\d*\n/)
  expect(text).toContain('\nworkqueue_depth{name="deployment"} 0\n')
  expect(text.match(/# TYPE workqueue_queue_duration_seconds histogram\n/g)).toHaveLength(1)
  await controllers.stop()
})

test('only what is enabled runs', async () => {
  const { env, server, client, make } = setUp()
  const controllers = await startControllers({ client, env, enabled: ['*', '-replicaset'], resources })
  await make()
  await env.advance(5_000)
  expect(server.all(pod)).toEqual([])
  expect(Object.keys(controllers.metrics())).not.toContain('replicaset-controller')
  await controllers.stop()
})

test.each<[string, string[], boolean]>([
  ['job-controller', ['*'], true],
  ['job-controller', ['*', '-job-controller'], false],
  ['job-controller', ['job'], true],
  ['job-controller', ['deployment-controller'], false],
  ['job-controller', ['-job', 'job-controller'], false],
])('%s with %j: %s', (name, enabled, expected) => {
  expect(isEnabled(name, enabled)).toBe(expected)
})

test.each([
  [['*', '-job', 'job-controller', 'bootstrapsigner', 'scheduler', '-resourceclaim-controller'], undefined],
  [['-*'], undefined],
  [['*', '-jobs'], '-jobs'],
  [['constructor'], 'constructor'],
])('of the controllers %j nobody knows %j', (enabled, unknown) => {
  expect(unknownController(enabled)).toBe(unknown)
})

test('of two processes one works, and the other takes over', async () => {
  const { env, server, client, make } = setUp()
  const start = (holder: string) => startControllers({ client, env, enabled: ['*'], resources, election: { holder } })
  const first = await start('one')
  await env.advance(100)
  const second = await start('two')
  await env.advance(5_000)
  expect([Object.keys(first.metrics()).length > 0, Object.keys(second.metrics()).length]).toEqual([true, 0])
  await first.stop()
  await make()
  await env.advance(10_000)
  expect(Object.keys(second.metrics()).length).toBeGreaterThan(0)
  expect(server.all(pod)).toHaveLength(2)
  await second.stop()
})
