import type { Endpoint, EndpointSlice, Pod, Service } from '@skiff/api'
import { endpointSlice, endpoints, node, pod, service } from '@skiff/api'
import { fixedViews, given } from '@skiff/client'
import { seededRandom } from '@skiff/machinery'
import { describe, expect, test } from 'vitest'
import { type TestCluster, type TestClusterOptions, testCluster } from '../testing/cluster.ts'
import { sentences } from '../testing/sentences.ts'
import { endpointsController } from './endpoints.ts'
import { triggerTime, withTrigger } from './service-pods.ts'
import { layOut } from './slice-layout.ts'
import { endpointSliceController, planSlices } from './slices.ts'
import { packSubsets, truncated } from './subsets.ts'

const start = async (options: TestClusterOptions = {}) => {
  const cluster = testCluster([endpointsController(), endpointSliceController()], options)
  for (const name of ['n1', 'n2']) {
    const labels = { 'topology.kubernetes.io/zone': `zone-${name}` }
    await cluster.client.create(node, { metadata: { name, labels }, spec: {} })
  }
  return cluster
}
const makeService = (cluster: TestCluster, spec: Partial<Service['spec']> = {}, labels = {}) =>
  cluster.client.create(service, {
    metadata: { namespace: 'a', name: 'web', labels },
    spec: { selector: { app: 'web' }, clusterIP: '10.0.0.1', ports: [{ name: 'http', port: 80, targetPort: 8080 }], ...spec } as never,
  })
const makePod = (cluster: TestCluster, name: string, spec: Partial<Pod['spec']> = {}) =>
  cluster.client.create(pod, { metadata: { namespace: 'a', name, labels: { app: 'web' } }, spec: { containers: [], ...spec } })
const shownEndpoints = (cluster: TestCluster) =>
  cluster.server.all(endpoints)[0]?.subsets?.map(({ addresses, notReadyAddresses, ports }) => ({
    ready: addresses?.map((one) => one.targetRef?.name),
    waiting: notReadyAddresses?.map((one) => one.targetRef?.name),
    ports: ports?.map((port) => `${port.name ?? ''}:${port.port}/${port.protocol}`),
  }))
const shownSlices = (cluster: TestCluster) =>
  cluster.server.all(endpointSlice).map((slice) => ({
    ports: slice.ports?.map((port) => `${port.name}:${port.port}/${port.protocol}`),
    endpoints: slice.endpoints
      .map((one) => `${one.targetRef?.name} ${one.conditions?.ready ? 'ready' : ''}${one.conditions?.terminating ? ' leaving' : ''}`.trim())
      .sort(),
  }))

describe('a Service with pods', () => {
  test('has them in its Endpoints and in slices that carry where they run', async () => {
    const cluster = await start()
    await makeService(cluster, {}, { tier: 'front' })
    await makePod(cluster, 'p1')
    await makePod(cluster, 'p2')
    await cluster.live(2_000)
    expect(shownEndpoints(cluster)).toEqual([{ ready: expect.arrayContaining(['p1', 'p2']), ports: ['http:8080/TCP'] }])
    const [object] = cluster.server.all(endpoints)
    expect(object?.metadata.labels).toEqual({ tier: 'front', 'endpoints.kubernetes.io/managed-by': 'endpoint-controller' })
    const slices = cluster.server.all(endpointSlice)
    expect(slices).toHaveLength(1)
    expect(slices[0]).toMatchObject({
      addressType: 'IPv4',
      metadata: {
        generateName: 'web-',
        labels: {
          tier: 'front',
          'kubernetes.io/service-name': 'web',
          'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
        },
        ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name: 'web', controller: true, blockOwnerDeletion: true }],
      },
    })
    const [first] = slices[0]?.endpoints ?? []
    const tended = cluster.server.all(pod).find((one) => one.metadata.name === first?.targetRef?.name)
    expect(first).toEqual({
      addresses: [tended?.status?.podIP],
      conditions: { ready: true, serving: true, terminating: false },
      targetRef: { kind: 'Pod', namespace: 'a', name: tended?.metadata.name, uid: tended?.metadata.uid },
      nodeName: tended?.spec.nodeName,
      zone: `zone-${tended?.spec.nodeName}`,
    })
    await cluster.stop()
  })

  test('tells ready from not ready and leaving', async () => {
    const cluster = await start({ healthy: (one) => one.metadata.name !== 'sick' })
    await makeService(cluster)
    await makePod(cluster, 'well')
    await makePod(cluster, 'sick')
    await cluster.live(2_000)
    expect(shownEndpoints(cluster)).toEqual([{ ready: ['well'], waiting: ['sick'], ports: ['http:8080/TCP'] }])
    expect(shownSlices(cluster)).toEqual([{ ports: ['http:8080/TCP'], endpoints: ['sick', 'well ready'] }])
    await cluster.client.remove(pod, { namespace: 'a', name: 'well' })
    await cluster.env.advance(100)
    expect(shownEndpoints(cluster)).toEqual([{ waiting: ['sick'], ports: ['http:8080/TCP'] }])
    expect(shownSlices(cluster)).toEqual([{ ports: ['http:8080/TCP'], endpoints: ['sick', 'well  leaving'] }])
    await cluster.live(1_000)
    expect(shownSlices(cluster)).toEqual([{ ports: ['http:8080/TCP'], endpoints: ['sick'] }])
    await cluster.stop()
  })

  test('that publishes all addresses calls every pod ready', async () => {
    const cluster = await start({ healthy: () => false })
    await makeService(cluster, { publishNotReadyAddresses: true })
    await makePod(cluster, 'p1')
    await cluster.live(2_000)
    expect(shownEndpoints(cluster)).toEqual([{ ready: ['p1'], ports: ['http:8080/TCP'] }])
    expect(cluster.server.all(endpointSlice)[0]?.endpoints[0]?.conditions).toEqual({ ready: true, serving: false, terminating: false })
    await cluster.stop()
  })

  test('by the name of a port finds each pod its own number', async () => {
    const cluster = await start()
    await makeService(cluster, { ports: [{ name: 'http', port: 80, targetPort: 'web', protocol: 'TCP' }] } as never)
    const withPort = (containerPort: number) => ({ containers: [{ name: 'c', ports: [{ name: 'web', containerPort }] }] }) as never
    await makePod(cluster, 'old', withPort(8080))
    await makePod(cluster, 'new', withPort(9090))
    await makePod(cluster, 'none')
    await cluster.live(2_000)
    expect(shownEndpoints(cluster)).toEqual(
      expect.arrayContaining([
        { ready: ['new'], ports: ['http:9090/TCP'] },
        { ready: ['old'], ports: ['http:8080/TCP'] },
      ]),
    )
    expect(shownSlices(cluster)).toEqual(
      expect.arrayContaining([
        { ports: ['http:9090/TCP'], endpoints: ['new ready'] },
        { ports: ['http:8080/TCP'], endpoints: ['old ready'] },
        { ports: [], endpoints: ['none ready'] },
      ]),
    )
    await cluster.stop()
  })

  test('headless, knows pods by their own names', async () => {
    const cluster = await start()
    await makeService(cluster, { clusterIP: 'None', ports: [] })
    await makePod(cluster, 'p1', { hostname: 'db-0', subdomain: 'web' })
    await cluster.live(2_000)
    expect(cluster.server.all(endpoints)[0]).toMatchObject({
      metadata: { labels: { 'service.kubernetes.io/headless': '' } },
      subsets: [{ addresses: [{ hostname: 'db-0' }] }],
    })
    expect(cluster.server.all(endpointSlice)[0]).toMatchObject({
      metadata: { labels: { 'service.kubernetes.io/headless': '' } },
      endpoints: [{ hostname: 'db-0' }],
    })
    await cluster.stop()
  })

  test('without pods has one empty slice, which the first pod fills', async () => {
    const cluster = await start()
    await makeService(cluster)
    await cluster.live(1_000)
    expect(shownSlices(cluster)).toEqual([{ ports: [], endpoints: [] }])
    expect(cluster.server.all(endpoints)).toHaveLength(1)
    const [empty] = cluster.server.all(endpointSlice)
    await makePod(cluster, 'p1')
    await cluster.live(2_000)
    expect(cluster.server.all(endpointSlice).map((slice) => slice.metadata.name)).toEqual([empty?.metadata.name])
    expect(shownSlices(cluster)).toEqual([{ ports: ['http:8080/TCP'], endpoints: ['p1 ready'] }])
    await cluster.stop()
  })

  test('that goes takes its Endpoints with it; heartbeats of pods write nothing', async () => {
    const cluster = await start()
    await makeService(cluster)
    await makePod(cluster, 'p1')
    await cluster.live(2_000)
    const writes = cluster.server.writes.filter((line) => line.includes('endpoint')).length
    const [held] = cluster.server.all(pod)
    if (!held) throw new Error('no pod')
    await cluster.client.update(pod, { ...held, metadata: { ...held.metadata, annotations: { beat: '1' } } })
    await cluster.live(1_000)
    expect(cluster.server.writes.filter((line) => line.includes('endpoint')).length).toBe(writes)
    await cluster.client.remove(service, { namespace: 'a', name: 'web' })
    await cluster.live(1_000)
    expect(cluster.server.all(endpoints)).toEqual([])
    await cluster.stop()
  })

  test('may come after the Endpoints that its user made, and takes them along when it goes', async () => {
    const cluster = await start()
    const subsets = [{ addresses: [{ ip: '10.9.9.9' }], ports: [{ port: 80 }] }]
    await cluster.client.create(endpoints, { metadata: { namespace: 'a', name: 'web' }, subsets })
    await cluster.live(2_000)
    expect(cluster.server.all(endpoints)).toHaveLength(1)
    await makeService(cluster, { selector: {} })
    await cluster.live(1_000)
    await cluster.client.remove(service, { namespace: 'a', name: 'web' })
    await cluster.live(1_000)
    expect(cluster.server.all(endpoints)).toEqual([])
    await cluster.stop()
  })

  test('without a selector is left to its user', async () => {
    const cluster = await start()
    await cluster.client.create(service, {
      metadata: { namespace: 'a', name: 'web' },
      spec: { clusterIP: '10.0.0.1', ports: [{ port: 80 }] } as never,
    })
    await cluster.client.create(endpoints, {
      metadata: { namespace: 'a', name: 'web' },
      subsets: [{ addresses: [{ ip: '192.0.2.1' }] }] as never,
    })
    await cluster.live(1_000)
    expect(cluster.server.all(endpoints)[0]?.subsets?.[0]?.addresses).toEqual([{ ip: '192.0.2.1' }])
    expect(cluster.server.all(endpointSlice)).toEqual([])
    await cluster.stop()
  })
})

const endpointNamed = (name: string): Endpoint => ({ addresses: [`10.0.0.${name}`], targetRef: { kind: 'Pod', name, uid: name } })
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => endpointNamed(String(from + at)))
const sliceOf = (name: string, list: readonly Endpoint[]): EndpointSlice =>
  ({ metadata: { name }, endpoints: list }) as unknown as EndpointSlice
const asText = ({ changed, emptied, added }: ReturnType<typeof layOut>) => ({
  changed: changed.map((slice) => `${slice.metadata.name}:${slice.endpoints.length}`),
  emptied: emptied.map((slice) => slice.metadata.name),
  added: added.map((list) => list.length),
})

test.each<[string, EndpointSlice[], Endpoint[], object]>([
  ['all new', [], range(0, 250), { changed: [], emptied: [], added: [100, 100, 50] }],
  ['nothing to do', [sliceOf('a', range(0, 50))], range(0, 50), { changed: [], emptied: [], added: [] }],
  [
    'the rest fits best in b',
    [sliceOf('a', range(0, 50)), sliceOf('b', range(100, 180))],
    [...range(0, 50), ...range(100, 180), ...range(200, 220)],
    { changed: ['b:100'], emptied: [], added: [] },
  ],
  [
    'what changes anyway is filled first',
    [sliceOf('a', range(0, 60)), sliceOf('b', range(100, 190))],
    [...range(1, 60), ...range(100, 190), ...range(200, 210)],
    { changed: ['a:69'], emptied: [], added: [] },
  ],
  [
    'an emptied slice goes',
    [sliceOf('a', range(0, 10)), sliceOf('b', range(10, 20))],
    range(0, 10),
    { changed: [], emptied: ['b'], added: [] },
  ],
  ['too many for any slice', [sliceOf('a', range(0, 90))], range(0, 110), { changed: [], emptied: [], added: [20] }],
])('layout of slices: %s', (_why, held, wanted, expected) => {
  expect(asText(layOut(held, wanted, 100, (slice) => slice))).toEqual(expected)
})

test('a pod on a node that nobody knows is left out and looked for again', () => {
  const views = fixedViews(
    given(pod, {
      metadata: { namespace: 'a', name: 'p', labels: { app: 'web' } },
      spec: { nodeName: 'lost' },
      status: { podIP: '10.0.0.1' },
    } as unknown as Pod),
  )
  views.view(endpointSlice).addIndex('service', () => [])
  const web = {
    metadata: { namespace: 'a', name: 'web', creationTimestamp: '' },
    spec: { selector: { app: 'web' }, clusterIP: '10.0.0.9', ports: [] },
  }
  expect(sentences(planSlices(web as unknown as Service, views))).toEqual(['together', '  create endpointslices web-*'])
})

test('a change is stamped with when its pods came to be so, and one that no pod tells of with nothing', () => {
  const at = (uid: string, status: string, time: string) =>
    ({ metadata: { uid }, status: { conditions: [{ type: 'Ready', status, lastTransitionTime: time }] } }) as unknown as Pod
  const web = { metadata: { creationTimestamp: 'T0' }, spec: {} } as unknown as Service
  const selected = [at('old', 'True', 'T1'), at('new', 'True', 'T3'), at('turned', 'False', 'T2')]
  const shown = new Map([['old', true] as const, ['turned', true] as const])
  expect(triggerTime(web, selected, undefined)).toBe('T0')
  expect(triggerTime(web, selected, shown)).toBe('T2')
  expect(triggerTime(web, selected.slice(0, 1), shown)).toBeUndefined()
  expect(withTrigger({ a: 'b', 'endpoints.kubernetes.io/last-change-trigger-time': 'T1' }, undefined)).toEqual({ a: 'b' })
})

test('subsets: ports with the same addresses share one, and not ready wins', () => {
  const address = (ip: string) => ({ ip, targetRef: { uid: ip } })
  const port = (number: number) => ({ port: number, protocol: 'TCP' as const })
  expect(
    packSubsets([
      { address: address('10.0.0.2'), port: port(80), ready: true },
      { address: address('10.0.0.1'), port: port(80), ready: true },
      { address: address('10.0.0.1'), port: port(443), ready: true },
      { address: address('10.0.0.2'), port: port(443), ready: true },
      { address: address('10.0.0.3'), port: port(90), ready: true },
      { address: address('10.0.0.3'), port: port(90), ready: false },
    ]),
  ).toEqual([
    { addresses: [address('10.0.0.1'), address('10.0.0.2')], ports: [port(443), port(80)] },
    { notReadyAddresses: [address('10.0.0.3')], ports: [port(90)] },
  ])
})

test('Endpoints keep a thousand addresses, the ready ones first', () => {
  const addresses = (count: number) => Array.from({ length: count }, (_, at) => ({ ip: String(at) }))
  const cut = truncated([{ notReadyAddresses: addresses(600), ports: [] }, { addresses: addresses(900) }] as never, 1_000)
  expect(cut?.map((subset) => [subset.addresses?.length, subset.notReadyAddresses?.length])).toEqual([
    [undefined, 100],
    [900, undefined],
  ])
  expect(truncated([{ addresses: addresses(1_000) }] as never, 1_000)).toBeUndefined()
})

test.each([1, 2, 3, 4])('seed %i: on a bad network the endpoints end as the pods are', async (seed) => {
  const cluster = await start({
    seed,
    rates: { lostCall: 0.1, lostReply: 0.1, conflict: 0.1, delay: 0.3, maxDelayMs: 300, repeat: 0.1, cutWatch: 0.1 },
  })
  const random = seededRandom(seed)
  await makeService(cluster)
  for (let round = 0; round < 25; round += 1) {
    const held = cluster.server.all(pod)
    const victim = held[Math.floor(random() * held.length)]
    if (victim && random() < 0.4) await cluster.client.remove(pod, { namespace: 'a', name: victim.metadata.name })
    else await makePod(cluster, `p${round}`)
    await cluster.live(random() * 2_000)
  }
  cluster.faults.stop()
  await cluster.live(60_000)
  const names = cluster.server.all(pod).map((one) => one.metadata.name)
  expect(
    shownEndpoints(cluster)
      ?.flatMap((subset) => subset.ready ?? [])
      .sort(),
  ).toEqual(names)
  expect(
    shownSlices(cluster)
      .flatMap((slice) => slice.endpoints)
      .sort(),
  ).toEqual(names.map((name) => `${name} ready`))
  await cluster.stop()
})
