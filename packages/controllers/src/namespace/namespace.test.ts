import type { ServiceAccount } from '@skiff/api'
import { configMap, namespace, pod, secret, serviceAccount } from '@skiff/api'
import { expect, test } from 'vitest'
import { serviceAccountController } from '../serviceaccount/default-account.ts'
import { rootCaController } from '../serviceaccount/root-ca.ts'
import { tokenController } from '../serviceaccount/tokens.ts'
import { storedResources, type TestCluster, testCluster } from '../testing/cluster.ts'
import { namespaceController } from './namespace.ts'

const start = (options = {}) =>
  testCluster(
    [
      namespaceController(() => storedResources),
      serviceAccountController(),
      rootCaController(() => 'PEM'),
      tokenController({ bundle: () => 'PEM', sign: async (account: ServiceAccount) => `token-of-${account.metadata.name}` }),
    ],
    options,
  )
const make = (cluster: TestCluster, name = 'a') => cluster.client.create(namespace, { metadata: { name }, spec: {} })
const conditions = (cluster: TestCluster) =>
  cluster.server
    .all(namespace)[0]
    ?.status?.conditions?.map(({ type, status, reason, message }) => `${type}=${status} ${reason}: ${message}`)

test('a namespace gets its default account and the bundle of its API server, again when removed or changed', async () => {
  const cluster = start()
  await make(cluster)
  await cluster.live(1_000)
  const [map] = cluster.server.all(configMap)
  expect(map?.metadata).toMatchObject({ namespace: 'a', name: 'kube-root-ca.crt' })
  expect(map?.metadata.annotations?.['kubernetes.io/description']).toMatch(/^Contains a CA bundle that can be used to verify/)
  if (!map) throw new Error('no map')
  await cluster.client.update(configMap, { ...map, data: { 'ca.crt': 'forged' } })
  await cluster.client.remove(serviceAccount, { namespace: 'a', name: 'default' })
  await cluster.live(1_000)
  expect(cluster.server.all(configMap)[0]?.data).toEqual({ 'ca.crt': 'PEM' })
  expect(cluster.server.all(serviceAccount).map((one) => one.metadata.name)).toEqual(['default'])
  await cluster.stop()
})

test('is emptied and goes, with its pods first', async () => {
  const cluster = start()
  await make(cluster)
  await cluster.live(500)
  await cluster.client.create(pod, { metadata: { namespace: 'a', name: 'p' }, spec: { containers: [], terminationGracePeriodSeconds: 30 } })
  await cluster.live(1_000)
  await cluster.client.create(secret, { metadata: { namespace: 'a', name: 's' } })
  await cluster.client.remove(namespace, { name: 'a' })
  await cluster.env.advance(100)
  // Nobody tends the pod: it is still there, and so is everything else.
  expect(cluster.server.all(secret)).toHaveLength(1)
  expect(conditions(cluster)).toEqual([
    'NamespaceDeletionDiscoveryFailure=False ResourcesDiscovered: All resources successfully discovered',
    'NamespaceDeletionGroupVersionParsingFailure=False ParsedGroupVersions: All legacy kube types successfully parsed',
    'NamespaceDeletionContentFailure=False ContentDeleted: All content successfully deleted, may be waiting on finalization',
    'NamespaceContentRemaining=True SomeResourcesRemain: Some resources are remaining: pods. has 1 resource instances',
    'NamespaceFinalizersRemaining=False ContentHasNoFinalizers: All content-preserving finalizers finished',
  ])
  await cluster.live(30_000)
  expect(cluster.server.all(namespace)).toEqual([])
  for (const resource of [pod, secret, configMap, serviceAccount]) expect(cluster.server.all(resource)).toEqual([])
  await cluster.stop()
})

test('waits for what has a finalizer, and says for which', async () => {
  const cluster = start()
  await make(cluster)
  await cluster.live(500)
  const held = await cluster.client.create(configMap, { metadata: { namespace: 'a', name: 'held', finalizers: ['example.com/wait'] } })
  await cluster.client.remove(namespace, { name: 'a' })
  await cluster.live(5_000)
  expect(conditions(cluster)?.slice(3)).toEqual([
    'NamespaceContentRemaining=True SomeResourcesRemain: Some resources are remaining: configmaps. has 1 resource instances',
    'NamespaceFinalizersRemaining=True SomeFinalizersRemain: Some content in the namespace has finalizers remaining: example.com/wait in 1 resource instances',
  ])
  const now = await cluster.client.get(configMap, { namespace: 'a', name: held.metadata.name })
  await cluster.client.update(configMap, { ...now, metadata: { ...now.metadata, finalizers: [] } })
  await cluster.live(20_000)
  expect(cluster.server.all(namespace)).toEqual([])
  await cluster.stop()
})

test.each([1, 2, 3])('seed %i: goes on a bad network as well, and leaves nothing', async (seed) => {
  const cluster = start({ seed, rates: { lostCall: 0.1, lostReply: 0.1, conflict: 0.2, delay: 0.3, maxDelayMs: 300, cutWatch: 0.1 } })
  await make(cluster)
  for (let n = 0; n < 5; n += 1) await cluster.client.create(pod, { metadata: { namespace: 'a', name: `p${n}` }, spec: { containers: [] } })
  await cluster.live(3_000)
  await cluster.client.remove(namespace, { name: 'a' })
  await cluster.live(60_000)
  cluster.faults.stop()
  await cluster.live(60_000)
  for (const resource of [namespace, pod, secret, configMap, serviceAccount]) expect(cluster.server.all(resource)).toEqual([])
  await cluster.stop()
})

test('a token secret that a user made is filled, and goes with its account', async () => {
  const cluster = start()
  await make(cluster)
  await cluster.live(500)
  const account = await cluster.client.create(serviceAccount, { metadata: { namespace: 'a', name: 'bot' } })
  await cluster.client.create(secret, {
    metadata: { namespace: 'a', name: 'key', annotations: { 'kubernetes.io/service-account.name': 'bot' } },
    type: 'kubernetes.io/service-account-token',
  })
  await cluster.live(1_000)
  const [filled] = cluster.server.all(secret)
  expect(filled?.metadata.annotations?.['kubernetes.io/service-account.uid']).toBe(account.metadata.uid)
  const plain = Object.fromEntries(
    Object.entries(filled?.data ?? {}).map(([name, value]) => [name, Buffer.from(value, 'base64').toString()]),
  )
  expect(plain).toEqual({ 'ca.crt': 'PEM', namespace: 'a', token: 'token-of-bot' })
  await cluster.client.remove(serviceAccount, { namespace: 'a', name: 'bot' })
  await cluster.live(1_000)
  expect(cluster.server.all(secret)).toEqual([])
  await cluster.stop()
})
