import type { EndpointSlice, Node } from '@skiff/api'
import { node as nodes, pod as pods, service as services, endpointSlice as slices } from '@skiff/api'
import { expect, test } from 'vitest'
import { type TestCluster, type TestClusterOptions, testCluster } from '../testing/cluster.ts'
import { endpointSliceController } from './slices.ts'

const auto = { 'service.kubernetes.io/topology-mode': 'Auto' }
/** Nodes by zone, with the processors of each. */
const start = async (zones: readonly (readonly [zone: string, cpu: string])[], options: TestClusterOptions = {}) => {
  const names = zones.map((_, at) => `n${at}`)
  const cluster = testCluster([endpointSliceController()], { nodes: names, ...options })
  for (const [at, [zone, cpu]] of zones.entries())
    await cluster.client.create(nodes, {
      metadata: { name: `n${at}`, labels: zone === '' ? {} : { 'topology.kubernetes.io/zone': zone } },
      spec: {},
      status: { allocatable: { cpu }, conditions: [{ type: 'Ready', status: 'True' }] },
    } as unknown as Node)
  await cluster.client.create(services, {
    metadata: { namespace: 'a', name: 's', annotations: auto },
    spec: { selector: { app: 's' }, clusterIP: '10.0.0.1', ports: [{ port: 80 }] },
  } as never)
  return cluster
}
const addPods = async (cluster: TestCluster, node: string, count: number) => {
  const before = cluster.server.all(pods).length
  for (let at = before; at < before + count; at += 1)
    await cluster.client.create(pods, {
      metadata: { namespace: 'a', name: `p${at}`, labels: { app: 's' } },
      spec: { nodeName: node, containers: [{ name: 'c' }] },
    } as never)
}
const endpoints = (cluster: TestCluster) => cluster.server.all(slices).flatMap((slice: EndpointSlice) => slice.endpoints ?? [])
/** How many endpoints serve each zone. */
const served = (cluster: TestCluster): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const { hints } of endpoints(cluster))
    for (const { name } of hints?.forZones ?? [{ name: 'none' }]) counts[name] = (counts[name] ?? 0) + 1
  return counts
}

test('each zone is served by its share, by its own endpoints as far as there are any', async () => {
  const cluster = await start([
    ['x', '4'],
    ['y', '4'],
  ])
  await addPods(cluster, 'n0', 5)
  await addPods(cluster, 'n1', 1)
  await cluster.live(5_000)
  expect(served(cluster)).toEqual({ x: 3, y: 3 })
  expect(endpoints(cluster).filter(({ zone, hints }) => zone === 'y' && hints?.forZones?.[0]?.name !== 'y')).toEqual([])
  expect(cluster.events()).toContain('Normal TopologyAwareHintsEnabled: Topology Aware Hints has been enabled, addressType: IPv4 x1')
  await cluster.stop()
})

test('hints stay as they are as long as they are even enough, and are made anew when they are not', async () => {
  const cluster = await start([
    ['x', '4'],
    ['y', '4'],
  ])
  await addPods(cluster, 'n0', 4)
  await addPods(cluster, 'n1', 4)
  await cluster.live(5_000)
  const before = served(cluster)
  expect(before).toEqual({ x: 4, y: 4 })
  await cluster.client.patch(nodes, { name: 'n1', subresource: 'status' }, 'merge', { status: { allocatable: { cpu: '12' } } })
  await cluster.live(2_000)
  expect(served(cluster)).toEqual({ x: 2, y: 6 })
  await cluster.stop()
})

test.each<[string, readonly (readonly [string, string])[], number, string]>([
  [
    'too few endpoints',
    [
      ['x', '4'],
      ['y', '4'],
      ['z', '4'],
    ],
    2,
    'Insufficient number of endpoints (2 endpoints, 3 zones), addressType: IPv4',
  ],
  [
    'a node without a zone',
    [
      ['x', '4'],
      ['', '4'],
    ],
    4,
    'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes, addressType: IPv4',
  ],
])('without hints: %s', async (_what, zones, count, text) => {
  const cluster = await start(zones)
  await addPods(cluster, 'n0', count)
  await cluster.live(5_000)
  expect(served(cluster)).toEqual({ none: count })
  expect(cluster.events().join()).toContain(`Warning TopologyAwareHintsDisabled: ${text}`)
  await cluster.stop()
})

test('who no longer asks for hints loses them', async () => {
  const cluster = await start([
    ['x', '4'],
    ['y', '4'],
  ])
  await addPods(cluster, 'n0', 2)
  await addPods(cluster, 'n1', 2)
  await cluster.live(5_000)
  expect(served(cluster)).toEqual({ x: 2, y: 2 })
  await cluster.client.patch(services, { namespace: 'a', name: 's' }, 'merge', { metadata: { annotations: null } })
  await cluster.live(2_000)
  expect(served(cluster)).toEqual({ none: 4 })
  expect(cluster.events().join()).toContain('Warning TopologyAwareHintsDisabled: Topology Aware Hints was disabled, addressType: IPv4')
  await cluster.stop()
})

test.each([1, 2, 3])('over lost, repeated and reordered calls (seed %i)', async (seed) => {
  const rates = { lostCall: 0.1, lostReply: 0.1, conflict: 0.1, repeat: 0.1, delay: 0.2, maxDelayMs: 1_000, cutWatch: 0.02 }
  const zones = [
    ['x', '2'],
    ['y', '2'],
    ['z', '4'],
  ] as const
  const cluster = await start(zones, { seed, rates })
  await addPods(cluster, 'n0', 6)
  await addPods(cluster, 'n2', 6)
  await cluster.live(30_000)
  cluster.faults.stop()
  await cluster.live(30_000)
  expect(served(cluster)).toEqual({ x: 3, y: 3, z: 6 })
  await cluster.stop()
})
