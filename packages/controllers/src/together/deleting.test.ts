import type { Resource } from '@skiff/api'
import { configMap, deployment, namespace, pod, replicaSet, secret } from '@skiff/api'
import type { OwnerReference } from '@skiff/machinery'
import { afterEach, describe, expect, test } from 'vitest'
import { type RealCluster, type RealClusterOptions, realCluster } from '../testing/real-cluster.ts'

let running: RealCluster | undefined
const start = async (options: RealClusterOptions = {}) => {
  running = await realCluster(options)
  await running.live(2_000)
  return running
}
afterEach(async () => {
  const troubled = running?.troubled()
  await running?.stop()
  running = undefined
  expect(troubled ?? []).toEqual([])
})

const web = { namespace: 'default', name: 'web' }
const deploy = (cluster: RealCluster, replicas = 2, more: object = {}, image = 'web:1') =>
  cluster.client.create(deployment, {
    metadata: web,
    spec: {
      replicas,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image }] } } as never,
      ...more,
    },
  })
const counts = async (cluster: RealCluster) =>
  Promise.all([deployment, replicaSet, pod].map(async (one) => (await cluster.list(one as never, 'default')).length))

describe('deleting a Deployment', () => {
  test.each(['Background', 'Foreground'])('in the %s takes its sets and pods along', async (propagationPolicy) => {
    const cluster = await start()
    await deploy(cluster)
    await cluster.live(5_000)
    expect(await counts(cluster)).toEqual([1, 1, 2])
    await cluster.client.remove(deployment, web, { propagationPolicy })
    await cluster.live(10_000)
    expect(await counts(cluster)).toEqual([0, 0, 0])
  })

  test('as an orphan leaves its sets, which keep their pods', async () => {
    const cluster = await start()
    await deploy(cluster)
    await cluster.live(5_000)
    await cluster.client.remove(deployment, web, { propagationPolicy: 'Orphan' })
    await cluster.live(10_000)
    expect(await counts(cluster)).toEqual([0, 1, 2])
    const [set] = await cluster.list(replicaSet, 'default')
    expect(set?.metadata.ownerReferences).toBeUndefined()
  })
})

describe('of an owner of many kinds', () => {
  const reference = (uid: string, block = false): OwnerReference => ({
    ...{ apiVersion: 'v1', kind: 'ConfigMap', name: 'root', uid },
    ...(block ? { blockOwnerDeletion: true } : {}),
  })
  const make = (
    cluster: RealCluster,
    resource: Resource,
    name: string,
    ownerReferences: OwnerReference[] = [],
    finalizers: string[] = [],
  ) => cluster.client.create(resource, { metadata: { namespace: 'default', name, ownerReferences, finalizers } })
  const names = async (cluster: RealCluster) =>
    (await Promise.all([configMap, secret].map((one) => cluster.list(one as never, 'default'))))
      .flat()
      .map((one) => one.metadata.name)
      .filter((name) => name !== 'kube-root-ca.crt')

  test('only those that block it hold it up in the foreground', async () => {
    const cluster = await start()
    const root = await make(cluster, configMap, 'root')
    await make(cluster, secret, 'blocks', [reference(root.metadata.uid, true)], ['example.com/hold'])
    await make(cluster, secret, 'lazy', [reference(root.metadata.uid)], ['example.com/hold'])
    await cluster.live(1_000)
    await cluster.client.remove(configMap, { namespace: 'default', name: 'root' }, { propagationPolicy: 'Foreground' })
    await cluster.live(3_000)
    expect(await names(cluster)).toEqual(['root', 'blocks', 'lazy'])
    const owner = await cluster.client.get(configMap, { namespace: 'default', name: 'root' })
    expect(owner.metadata).toMatchObject({ finalizers: ['foregroundDeletion'], deletionTimestamp: expect.any(String) })
    await cluster.client.patch(secret, { namespace: 'default', name: 'blocks' }, 'merge', { metadata: { finalizers: null } })
    await cluster.live(3_000)
    expect(await names(cluster)).toEqual(['lazy'])
  })

  test('what has another owner left only loses the reference', async () => {
    const cluster = await start()
    const root = await make(cluster, configMap, 'root')
    const other = await make(cluster, configMap, 'other')
    await make(cluster, secret, 'shared', [reference(root.metadata.uid), { ...reference(other.metadata.uid), name: 'other' }])
    await cluster.live(1_000)
    await cluster.client.remove(configMap, { namespace: 'default', name: 'root' })
    await cluster.live(3_000)
    const [shared] = await cluster.list(secret, 'default')
    expect(shared?.metadata.ownerReferences?.map(({ name }) => name)).toEqual(['other'])
    await cluster.client.remove(configMap, { namespace: 'default', name: 'other' })
    await cluster.live(3_000)
    expect(await names(cluster)).toEqual([])
  })

  test('an owner that is no longer there when its dependent comes', async () => {
    const cluster = await start()
    await make(cluster, secret, 'late', [reference('never-was')])
    await cluster.live(3_000)
    expect(await names(cluster)).toEqual([])
  })
})

describe('deleting a namespace', () => {
  const make = async (cluster: RealCluster) => {
    await cluster.client.create(namespace, { metadata: { name: 'team' }, spec: {} })
    await cluster.live(2_000)
    await cluster.client.create(deployment, {
      metadata: { namespace: 'team', name: 'web' },
      spec: {
        selector: { matchLabels: { app: 'web' } },
        template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'web:1' }] } } as never,
      },
    })
    await cluster.live(3_000)
  }
  const conditions = async (cluster: RealCluster) =>
    (await cluster.client.get(namespace, { name: 'team' })).status?.conditions?.map(
      ({ type, status, reason, message }) => `${type}=${status} ${reason}: ${message}`,
    )

  test('takes all that is in it along', async () => {
    const cluster = await start()
    await make(cluster)
    expect((await cluster.list(pod, 'team')).length).toBe(1)
    await cluster.client.remove(namespace, { name: 'team' })
    await cluster.live(60_000)
    expect((await cluster.list(namespace)).map((one) => one.metadata.name)).not.toContain('team')
    for (const resource of cluster.api.registry.all().filter((one) => one.namespaced && one.verbs.includes('list')))
      expect(await cluster.list(resource, 'team')).toEqual([])
  })

  test('is held up by finalizers, and says which', async () => {
    const cluster = await start()
    await make(cluster)
    await cluster.client.create(configMap, { metadata: { namespace: 'team', name: 'held', finalizers: ['example.com/hold'] } })
    await cluster.client.remove(namespace, { name: 'team' })
    await cluster.live(60_000)
    expect(await conditions(cluster)).toEqual([
      'NamespaceDeletionDiscoveryFailure=False ResourcesDiscovered: All resources successfully discovered',
      'NamespaceDeletionGroupVersionParsingFailure=False ParsedGroupVersions: All legacy kube types successfully parsed',
      'NamespaceDeletionContentFailure=False ContentDeleted: All content successfully deleted, may be waiting on finalization',
      'NamespaceContentRemaining=True SomeResourcesRemain: Some resources are remaining: configmaps. has 1 resource instances',
      'NamespaceFinalizersRemaining=True SomeFinalizersRemain: Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances',
    ])
    await expect(make(cluster)).rejects.toThrow(/exists|terminated/)
    await cluster.client.patch(configMap, { namespace: 'team', name: 'held' }, 'merge', { metadata: { finalizers: null } })
    await cluster.live(30_000)
    expect((await cluster.list(namespace)).map((one) => one.metadata.name)).not.toContain('team')
  })
})
