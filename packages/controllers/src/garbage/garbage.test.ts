import type { Resource } from '@skiff/api'
import { clusterRole, configMap, namespace, pod, replicaSet, secret } from '@skiff/api'
import type { KubeObject, OwnerReference } from '@skiff/machinery'
import { seededRandom } from '@skiff/machinery'
import { describe, expect, test } from 'vitest'
import { storedResources, type TestCluster, type TestClusterOptions, testCluster } from '../testing/cluster.ts'
import { garbageCollector } from './collector.ts'

const start = (options: TestClusterOptions = {}, resources = () => storedResources) => testCluster([garbageCollector(resources)], options)
const owner = (resource: Resource, object: KubeObject, block = false): OwnerReference => ({
  apiVersion: resource.group ? `${resource.group}/${resource.version}` : resource.version,
  kind: resource.kind,
  name: object.metadata.name,
  uid: object.metadata.uid,
  ...(block ? { blockOwnerDeletion: true } : {}),
})
const make = (cluster: TestCluster, resource: Resource, name: string, ownerReferences: OwnerReference[] = [], more: object = {}) =>
  cluster.client.create(resource, {
    metadata: { ...(resource.namespaced ? { namespace: 'a' } : {}), name, ...(ownerReferences.length ? { ownerReferences } : {}), ...more },
  })
const left = (cluster: TestCluster) =>
  [replicaSet, pod, configMap, secret].flatMap((one) => cluster.server.all<KubeObject>(one).map((object) => object.metadata.name))
const removeOwner = (cluster: TestCluster, propagationPolicy: string, name = 'root') =>
  cluster.client.remove(configMap, { namespace: 'a', name }, { propagationPolicy })

describe('what loses its owner', () => {
  test('goes, and what it owns after it, through all kinds', async () => {
    const cluster = start()
    const root = await make(cluster, configMap, 'root')
    const middle = await make(cluster, replicaSet, 'middle', [owner(configMap, root)])
    await make(cluster, pod, 'leaf', [owner(replicaSet, middle)])
    await make(cluster, secret, 'other')
    await cluster.env.advance(1_000)
    expect(left(cluster)).toHaveLength(4)
    await removeOwner(cluster, 'Background')
    await cluster.env.advance(1_000)
    expect(left(cluster)).toEqual(['other'])
    await cluster.stop()
  })

  test('that was gone before anybody looked, or never was, goes too; one of the same name does not count', async () => {
    const cluster = start()
    const impostor = await make(cluster, configMap, 'root')
    await make(cluster, pod, 'late', [{ ...owner(configMap, impostor), uid: 'old' }])
    await make(cluster, pod, 'kept', [owner(configMap, impostor)])
    await cluster.env.advance(1_000)
    expect(left(cluster)).toEqual(['kept', 'root'])
    await cluster.stop()
  })

  test('but has another one, stays and forgets the lost one', async () => {
    const cluster = start()
    const [one, two] = [await make(cluster, configMap, 'root'), await make(cluster, configMap, 'two')]
    await make(cluster, pod, 'shared', [owner(configMap, one), owner(configMap, two)])
    await cluster.env.advance(1_000)
    await removeOwner(cluster, 'Background')
    await cluster.env.advance(1_000)
    expect(cluster.server.all(pod)[0]?.metadata.ownerReferences?.map((each) => each.name)).toEqual(['two'])
    await cluster.stop()
  })

  test('is freed when its owner goes with orphaning', async () => {
    const cluster = start()
    const root = await make(cluster, configMap, 'root')
    await make(cluster, pod, 'leaf', [owner(configMap, root)])
    await cluster.env.advance(1_000)
    await removeOwner(cluster, 'Orphan')
    await cluster.env.advance(1_000)
    expect(left(cluster)).toEqual(['leaf'])
    expect(cluster.server.all(pod)[0]?.metadata.ownerReferences ?? []).toEqual([])
    await cluster.stop()
  })
})

describe('in the foreground', () => {
  test('an owner waits for those that block it, and for no others', async () => {
    const cluster = start()
    const root = await make(cluster, configMap, 'root')
    const held = await make(cluster, pod, 'blocks', [owner(configMap, root, true)], { finalizers: ['example.com/hold'] })
    await make(cluster, pod, 'lazy', [owner(configMap, root)], { finalizers: ['example.com/hold'] })
    await cluster.env.advance(1_000)
    await removeOwner(cluster, 'Foreground')
    await cluster.env.advance(1_000)
    expect(left(cluster)).toEqual(['blocks', 'lazy', 'root'])
    expect(cluster.server.all(pod).every((one) => one.metadata.deletionTimestamp)).toBe(true)
    const now = await cluster.client.get(pod, { namespace: 'a', name: held.metadata.name })
    await cluster.client.update(pod, { ...now, metadata: { ...now.metadata, finalizers: [] } })
    await cluster.env.advance(1_000)
    expect(left(cluster)).toEqual(['lazy'])
    await cluster.stop()
  })

  test('a chain goes from its leaves', async () => {
    const cluster = start()
    const root = await make(cluster, configMap, 'root')
    const middle = await make(cluster, replicaSet, 'middle', [owner(configMap, root, true)])
    await make(cluster, pod, 'leaf', [owner(replicaSet, middle, true)])
    await cluster.env.advance(1_000)
    await removeOwner(cluster, 'Foreground')
    await cluster.env.advance(2_000)
    expect(left(cluster)).toEqual([])
    const deletes = cluster.server.writes.filter((line) => / a\/(root|middle|leaf)$/.test(line) && !line.startsWith('create'))
    expect(deletes.map((line) => line.split('/').at(-1)).at(-1)).toBe('root')
    await cluster.stop()
  })

  test('two that own each other go all the same', async () => {
    const cluster = start()
    const root = await make(cluster, configMap, 'root')
    const ring = await make(cluster, secret, 'ring', [owner(configMap, root, true)])
    const now = await cluster.client.get(configMap, { namespace: 'a', name: 'root' })
    await cluster.client.update(configMap, { ...now, metadata: { ...now.metadata, ownerReferences: [owner(secret, ring, true)] } })
    await cluster.env.advance(1_000)
    await removeOwner(cluster, 'Foreground')
    await cluster.env.advance(5_000)
    expect(left(cluster)).toEqual([])
    await cluster.stop()
  })
})

test('an owner in another namespace is told and does not count', async () => {
  const cluster = start()
  const map = await cluster.client.create(configMap, { metadata: { namespace: 'b', name: 'map' } })
  await make(cluster, secret, 'leaf', [owner(configMap, map)])
  await make(cluster, secret, 'stray', [{ ...owner(configMap, map), uid: 'never-was' }])
  await cluster.env.advance(1_000)
  expect(left(cluster)).toEqual(['map'])
  expect(cluster.events()).toEqual([
    `Warning OwnerRefInvalidNamespace: ownerRef [v1/ConfigMap, namespace: a, name: map, uid: ${map.metadata.uid}] does not exist in namespace "a" x1`,
  ])
  await cluster.stop()
})

test('a cluster-scoped object owns namespaced ones; the other way round is told and left alone', async () => {
  const cluster = start()
  const role = await make(cluster, clusterRole, 'role')
  await make(cluster, pod, 'leaf', [owner(clusterRole, role)])
  const map = await make(cluster, configMap, 'map')
  await make(cluster, namespace, 'wrong', [owner(configMap, map)])
  await cluster.env.advance(1_000)
  expect(left(cluster)).toEqual(['leaf', 'map'])
  expect(cluster.server.all(namespace)).toHaveLength(1)
  expect(cluster.events()).toEqual([
    `Warning OwnerRefInvalidNamespace: ownerRef [v1/ConfigMap, namespace: , name: map, uid: ${map.metadata.uid}] does not exist in namespace "" x1`,
  ])
  await cluster.client.remove(clusterRole, { name: 'role' })
  await cluster.env.advance(1_000)
  expect(left(cluster)).toEqual(['map'])
  await cluster.stop()
})

test('kinds that come later are watched, and their objects own and are owned', async () => {
  const custom: Resource = { group: 'example.com', version: 'v1', kind: 'Thing', plural: 'things', namespaced: true }
  const base = storedResources
  let resources: readonly Resource[] = base
  const cluster = testCluster([garbageCollector(() => resources)], { extra: [custom] })
  await cluster.env.advance(1_000)
  const orphan = await make(cluster, pod, 'waits', [{ apiVersion: 'example.com/v1', kind: 'Thing', name: 'thing', uid: 'nobody' }])
  await cluster.env.advance(1_000)
  expect(left(cluster)).toEqual(['waits'])
  resources = [...base, custom]
  await cluster.env.advance(40_000)
  expect(left(cluster)).toEqual([])
  const thing = await make(cluster, custom, 'thing')
  await make(cluster, pod, 'leaf', [owner(custom, thing)])
  await cluster.env.advance(1_000)
  await cluster.client.remove(custom, { namespace: 'a', name: 'thing' })
  await cluster.env.advance(1_000)
  expect(left(cluster)).toEqual([])
  expect(orphan.metadata.name).toBe('waits')
  await cluster.stop()
})

describe('objects of a custom definition', () => {
  const thing: Resource = { group: 'example.com', version: 'v1', kind: 'Thing', plural: 'things', namespaced: true }
  const served = [...storedResources, thing]
  const things = (cluster: TestCluster) => cluster.server.all<KubeObject>(thing).map((one) => one.metadata.name)
  /** A thing that owns a thing, a pod and, not blocking, a secret that is held. */
  const family = async () => {
    const cluster = testCluster([garbageCollector(() => served)], { extra: [thing] })
    const root = await make(cluster, thing, 'root')
    const child = await make(cluster, thing, 'child', [owner(thing, root, true)])
    await make(cluster, pod, 'leaf', [owner(thing, child, true)])
    await make(cluster, secret, 'held', [owner(thing, child)], { finalizers: ['example.com/hold'] })
    await cluster.env.advance(1_000)
    return cluster
  }
  const removeRoot = (cluster: TestCluster, propagationPolicy: string) =>
    cluster.client.remove(thing, { namespace: 'a', name: 'root' }, { propagationPolicy })

  test.each(['Background', 'Foreground'])('go in the %s, and what they own', async (policy) => {
    const cluster = await family()
    await removeRoot(cluster, policy)
    await cluster.env.advance(5_000)
    expect(things(cluster)).toEqual([])
    expect(left(cluster)).toEqual(['held'])
    expect(cluster.server.all(secret)[0]?.metadata.deletionTimestamp).toBeDefined()
    await cluster.stop()
  })
  test('in the foreground the one that is blocked holds up the whole chain', async () => {
    const cluster = await family()
    const leaf = await cluster.client.get(pod, { namespace: 'a', name: 'leaf' })
    await cluster.client.update(pod, { ...leaf, metadata: { ...leaf.metadata, finalizers: ['example.com/hold'] } })
    await removeRoot(cluster, 'Foreground')
    await cluster.env.advance(5_000)
    expect([...things(cluster), ...left(cluster)]).toEqual(['child', 'root', 'leaf', 'held'])
    expect(cluster.server.all<KubeObject>(thing).map((one) => one.metadata.finalizers)).toEqual([
      ['foregroundDeletion'],
      ['foregroundDeletion'],
    ])
    await cluster.client.patch(pod, { namespace: 'a', name: 'leaf' }, 'merge', { metadata: { finalizers: [] } })
    await cluster.env.advance(5_000)
    expect([...things(cluster), ...left(cluster)]).toEqual(['held'])
    await cluster.stop()
  })
  test('are freed where their owner goes alone', async () => {
    const cluster = await family()
    await removeRoot(cluster, 'Orphan')
    await cluster.env.advance(5_000)
    expect([...things(cluster), ...left(cluster)]).toEqual(['child', 'leaf', 'held'])
    expect(cluster.server.all<KubeObject>(thing)[0]?.metadata.ownerReferences ?? []).toEqual([])
    await cluster.stop()
  })
})

test.each([1, 2, 3, 4, 5])('seed %i: of a random forest exactly what has an owner or never had one is left', async (seed) => {
  const cluster = start({
    seed,
    rates: { lostCall: 0.05, lostReply: 0.05, conflict: 0.1, delay: 0.3, maxDelayMs: 300, repeat: 0.1, cutWatch: 0.1 },
  })
  const random = seededRandom(seed)
  const kinds: Resource[] = [configMap, secret, replicaSet]
  const made: { resource: Resource; object: KubeObject; parents: string[] }[] = []
  for (let n = 0; n < 40; n += 1) {
    const resource = kinds[Math.floor(random() * kinds.length)] as Resource
    const parents = made.filter(() => random() < 2 / (made.length + 2)).slice(0, 2)
    const references = parents.map((parent) => owner(parent.resource, parent.object, random() < 0.5))
    made.push({
      resource,
      object: await make(cluster, resource, `o${n}`, references),
      parents: parents.map((parent) => parent.object.metadata.uid),
    })
    if (random() < 0.2) await cluster.env.advance(random() * 500)
  }
  const roots = made.filter(({ parents }) => parents.length === 0)
  const dead = new Set<string>()
  for (const { resource, object } of roots.filter(() => random() < 0.5)) {
    dead.add(object.metadata.uid)
    await cluster.client.remove(
      resource,
      { namespace: 'a', name: object.metadata.name },
      { propagationPolicy: random() < 0.5 ? 'Foreground' : 'Background' },
    )
  }
  for (const { object, parents } of made) if (parents.length > 0 && parents.every((uid) => dead.has(uid))) dead.add(object.metadata.uid)
  await cluster.env.advance(60_000)
  cluster.faults.stop()
  await cluster.env.advance(120_000)
  expect(left(cluster).sort()).toEqual(
    made
      .filter(({ object }) => !dead.has(object.metadata.uid))
      .map(({ object }) => object.metadata.name)
      .sort(),
  )
  await cluster.stop()
})
