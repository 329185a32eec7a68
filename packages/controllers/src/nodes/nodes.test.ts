import type { Node, Pod, Taint } from '@skiff/api'
import { lease, node, pod, replicaSet } from '@skiff/api'
import { rfc3339, rfc3339Micro } from '@skiff/machinery'
import { describe, expect, test } from 'vitest'
import { replicaSetController } from '../replicas/replicaset.ts'
import { runController } from '../runner/runner.ts'
import { type TestCluster, testCluster } from '../testing/cluster.ts'
import { taintEvictionController } from './eviction.ts'
import { nodeLifecycleController } from './lifecycle.ts'
import { mustLeaveAtMs } from './tolerations.ts'
import { assess } from './zones.ts'

const tolerations = ['not-ready', 'unreachable'].map((name) => ({
  key: `node.kubernetes.io/${name}`,
  operator: 'Exists' as const,
  effect: 'NoExecute' as const,
  tolerationSeconds: 300,
}))

/** A cluster whose nodes give signs of life as long as they are not cut off. */
const start = async (names: readonly string[], zoneFor: (name: string) => string = () => 'z') => {
  const cut = new Set<string>()
  const cluster = testCluster([nodeLifecycleController(), taintEvictionController(), replicaSetController()], {
    nodes: names,
    alive: (name) => !cut.has(name),
  })
  const ready = () => ({
    conditions: ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'].map((type) => ({
      type,
      status: type === 'Ready' ? 'True' : 'False',
      reason: type === 'Ready' ? 'KubeletReady' : 'Fine',
      lastHeartbeatTime: rfc3339(cluster.env.now()),
      lastTransitionTime: rfc3339(cluster.env.now()),
    })),
  })
  for (const name of names) {
    const labels = { 'topology.kubernetes.io/zone': zoneFor(name) }
    await cluster.client.create(node, { metadata: { name, labels }, spec: {}, status: ready() as never })
    await cluster.client.create(lease, { metadata: { namespace: 'kube-node-lease', name }, spec: { holderIdentity: name } })
  }
  const beat = async (name: string) => {
    const held = await cluster.client.get(lease, { namespace: 'kube-node-lease', name })
    await cluster.client.update(lease, { ...held, spec: { ...held.spec, renewTime: rfc3339Micro(cluster.env.now()) } })
    const now = await cluster.client.get(node, { name })
    if (now.status?.conditions?.find((one) => one.type === 'Ready')?.status !== 'True')
      await cluster.client.update(node, { ...now, status: ready() as never }, { subresource: 'status' })
  }
  const live = async (seconds: number) => {
    for (let n = 0; n < seconds; n += 10) {
      for (const name of names) if (!cut.has(name)) await beat(name)
      await cluster.live(10_000)
    }
  }
  return { cluster, cut, live }
}
const named = (cluster: TestCluster, name: string): Node => cluster.server.all(node).find((one) => one.metadata.name === name) as Node
const readyOf = (cluster: TestCluster, name: string) => {
  const found = named(cluster, name).status?.conditions?.find((one) => one.type === 'Ready')
  return `${found?.status} ${found?.reason}`
}
const taintsOf = (cluster: TestCluster, name: string) =>
  (named(cluster, name).spec.taints ?? []).map((taint) => `${taint.key.split('/')[1]}:${taint.effect}`)
const readyOfPod = (one: Pod | undefined) => one?.status?.conditions?.find(({ type }) => type === 'Ready')?.status
const sayReady = (cluster: TestCluster, { metadata: { namespace = '', name } }: Pod, status: string) =>
  cluster.client.patch(pod, { namespace, name, subresource: 'status' }, 'merge', {
    status: { phase: 'Running', conditions: [{ type: 'Ready', status }] },
  })
const makeSet = (cluster: TestCluster, replicas: number) =>
  cluster.client.create(replicaSet, {
    metadata: { namespace: 'a', name: 'web' },
    spec: {
      replicas,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [], tolerations } } as never,
    },
  })

describe('a node that falls silent', () => {
  test('is unknown after 50 s, tainted, its pods not ready; after five minutes they are replaced; it may come back', async () => {
    const { cluster, cut, live } = await start(['n1', 'n2', 'n3'])
    await makeSet(cluster, 6)
    await live(20)
    const before = cluster.server
      .all(pod)
      .filter((one) => one.spec.nodeName === 'n1')
      .map((one) => one.metadata.name)
    expect(before.length).toBeGreaterThan(0)
    cut.add('n1')
    await live(30)
    expect(readyOf(cluster, 'n1')).toBe('True KubeletReady')
    await live(30)
    expect(readyOf(cluster, 'n1')).toBe('Unknown NodeStatusUnknown')
    expect(named(cluster, 'n1').status?.conditions?.map((one) => one.status)).toEqual(['Unknown', 'Unknown', 'Unknown', 'Unknown'])
    expect(taintsOf(cluster, 'n1')).toEqual(['unreachable:NoSchedule', 'unreachable:NoExecute'])
    expect(readyOf(cluster, 'n2')).toBe('True KubeletReady')
    const lost = () => cluster.server.all(pod).filter((one) => before.includes(one.metadata.name))
    expect(lost().map((one) => one.status?.conditions?.find((each) => each.type === 'Ready')?.status)).toEqual(before.map(() => 'False'))
    expect(cluster.events()).toEqual(
      expect.arrayContaining(['Normal NodeNotReady: Node n1 status is now: NodeNotReady x1', `Warning NodeNotReady: Node is not ready x1`]),
    )
    await live(240)
    expect(lost().some((one) => one.metadata.deletionTimestamp)).toBe(false)
    await live(80)
    // Nobody is there to stop them: they stay as leaving, and others stand in.
    expect(lost().every((one) => one.metadata.deletionTimestamp)).toBe(true)
    expect(cluster.server.all(pod).filter((one) => !one.metadata.deletionTimestamp)).toHaveLength(6)
    expect(cluster.events()).toContain(`Normal TaintManagerEviction: Marking for deletion Pod a/${before[0]} x1`)
    cut.clear()
    await live(20)
    expect(readyOf(cluster, 'n1')).toBe('True KubeletReady')
    expect(taintsOf(cluster, 'n1')).toEqual([])
    expect(lost()).toEqual([])
    expect(cluster.server.all(pod)).toHaveLength(6)
    await cluster.stop()
  })

  test('has its pods marked once: what their agent says of them later stands', async () => {
    const { cluster, cut, live } = await start(['n1', 'n2'])
    await makeSet(cluster, 4)
    await live(20)
    cut.add('n1')
    await live(70)
    const [one] = cluster.server.all(pod).filter(({ spec }) => spec.nodeName === 'n1') as [Pod]
    expect(readyOfPod(one)).toBe('False')
    await sayReady(cluster, one, 'True')
    await live(60)
    expect(readyOf(cluster, 'n1')).toBe('Unknown NodeStatusUnknown')
    expect(readyOfPod(cluster.server.all(pod).find(({ metadata }) => metadata.uid === one.metadata.uid))).toBe('True')
    await cluster.stop()
  })

  test('but was judged by a leader that ended at that has its pods marked by the next', async () => {
    const cluster = testCluster([])
    const conditions = [{ type: 'Ready', status: 'Unknown', reason: 'NodeStatusUnknown' }]
    await cluster.client.create(node, { metadata: { name: 'n1' }, spec: {}, status: { conditions } as never })
    const made = await cluster.client.create(pod, { metadata: { namespace: 'a', name: 'p' }, spec: { nodeName: 'n1', containers: [] } })
    await sayReady(cluster, made, 'True')
    const next = runController(nodeLifecycleController(), { client: cluster.client, views: cluster.views, env: cluster.env })
    await cluster.env.advance(1_000)
    expect(readyOfPod(cluster.server.all(pod)[0])).toBe('False')
    await Promise.all([next.stop(), cluster.stop()])
  })

  test('together with all others drives no pod away: it is we who are cut off', async () => {
    const { cluster, cut, live } = await start(['n1', 'n2'])
    await makeSet(cluster, 3)
    await live(20)
    for (const name of ['n1', 'n2']) cut.add(name)
    await live(500)
    expect(taintsOf(cluster, 'n1')).toEqual(['unreachable:NoSchedule'])
    expect(taintsOf(cluster, 'n2')).toEqual(['unreachable:NoSchedule'])
    expect(cluster.server.all(pod)).toHaveLength(3)
    await cluster.stop()
  })

  test('is given up at the pace of its zone: one in ten seconds', async () => {
    const names = Array.from({ length: 9 }, (_, at) => `n${at}`)
    const { cluster, cut, live } = await start(names)
    await live(20)
    for (const name of names.slice(0, 4)) cut.add(name)
    await live(60)
    const times = names
      .slice(0, 4)
      .flatMap((name) =>
        (named(cluster, name).spec.taints ?? [])
          .filter((taint) => taint.effect === 'NoExecute')
          .map((taint) => Date.parse(taint.timeAdded ?? '')),
      )
    await live(40)
    const all = names
      .slice(0, 4)
      .flatMap((name) =>
        (named(cluster, name).spec.taints ?? [])
          .filter((taint) => taint.effect === 'NoExecute')
          .map((taint) => Date.parse(taint.timeAdded ?? '')),
      )
    expect(times.length).toBeLessThan(4)
    const sorted = all.sort((a, b) => a - b)
    expect(sorted).toHaveLength(4)
    for (let at = 1; at < sorted.length; at += 1) expect((sorted[at] ?? 0) - (sorted[at - 1] ?? 0)).toBeGreaterThanOrEqual(10_000)
    await cluster.stop()
  })
})

test('of a node that says itself that it is not ready pods are left to its agent', async () => {
  const { cluster, cut, live } = await start(['n1', 'n2'])
  await makeSet(cluster, 4)
  await live(20)
  cut.add('n1')
  const conditions = [{ type: 'Ready', status: 'False', reason: 'KubeletNotReady', lastHeartbeatTime: rfc3339(cluster.env.now()) }]
  await cluster.client.patch(node, { name: 'n1', subresource: 'status' }, 'merge', { status: { conditions } })
  await live(20)
  expect(taintsOf(cluster, 'n1')).toEqual(['not-ready:NoSchedule', 'not-ready:NoExecute'])
  expect(new Set(cluster.server.all(pod).map(readyOfPod))).toEqual(new Set(['True']))
  await cluster.stop()
})

test('a node that never said anything is unknown after a minute, with its reason', async () => {
  const cluster = testCluster([nodeLifecycleController()])
  await cluster.client.create(node, { metadata: { name: 'mute' }, spec: {} })
  await cluster.env.advance(59_000)
  expect(cluster.server.all(node)[0]?.status?.conditions).toBeUndefined()
  await cluster.env.advance(3_000)
  expect(readyOf(cluster, 'mute')).toBe('Unknown NodeStatusNeverUpdated')
  expect(cluster.events()).toContain('Normal RegisteredNode: Node mute event: Registered Node mute in Controller x1')
  await cluster.client.remove(node, { name: 'mute' })
  await cluster.env.advance(1_000)
  expect(cluster.events()).toContain('Normal RemovingNode: Node mute event: Removing Node mute from Controller x1')
  await cluster.stop()
})

test('conditions and cordons become taints, and taints of others stay', async () => {
  const { cluster, live } = await start(['n1'])
  const held = named(cluster, 'n1')
  await cluster.client.update(node, { ...held, spec: { unschedulable: true, taints: [{ key: 'mine', effect: 'NoSchedule' }] } })
  const conditions = named(cluster, 'n1').status?.conditions?.map((one) =>
    one.type === 'DiskPressure' ? { ...one, status: 'True' as const } : one,
  )
  await cluster.client.update(node, { ...named(cluster, 'n1'), status: { conditions: conditions ?? [] } }, { subresource: 'status' })
  await live(10)
  expect(taintsOf(cluster, 'n1').slice(1).sort()).toEqual(['disk-pressure:NoSchedule', 'unschedulable:NoSchedule'])
  const now = named(cluster, 'n1')
  await cluster.client.update(node, { ...now, spec: { taints: now.spec.taints ?? [] } })
  await live(10)
  expect(taintsOf(cluster, 'n1').slice(1)).toEqual(['disk-pressure:NoSchedule'])
  expect(named(cluster, 'n1').spec.taints?.[0]?.key).toBe('mine')
  await cluster.stop()
})

test('a taint that a user sets drives out who does not tolerate it, at once or when its time is over', async () => {
  const { cluster, live } = await start(['n1'])
  const create = (name: string, spec: object) =>
    cluster.client.create(pod, { metadata: { namespace: 'a', name }, spec: { containers: [], nodeName: 'n1', ...spec } })
  await create('none', {})
  await create('ever', { tolerations: [{ operator: 'Exists' }] })
  await create('while', { tolerations: [{ key: 'k', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 60 }] })
  await live(10)
  const held = named(cluster, 'n1')
  await cluster.client.update(node, { ...held, spec: { taints: [{ key: 'k', value: 'v', effect: 'NoExecute' }] } })
  await live(20)
  expect(cluster.server.all(pod).map((one) => one.metadata.name)).toEqual(['ever', 'while'])
  await live(60)
  expect(cluster.server.all(pod).map((one) => one.metadata.name)).toEqual(['ever'])
  await cluster.stop()
})

test('a taint that follows another does not put off when a pod leaves; one that goes before is told of', async () => {
  const cluster = testCluster([taintEvictionController()])
  const toleration = { operator: 'Exists' as const, effect: 'NoExecute' as const, tolerationSeconds: 60 }
  const spec = { containers: [], nodeName: 'n1', tolerations: [toleration] }
  await cluster.client.create(node, { metadata: { name: 'n1' }, spec: {} })
  for (const name of ['p', 'q']) await cluster.client.create(pod, { metadata: { namespace: 'a', name }, spec })
  const taint = (key: string) => cluster.client.patch(node, { name: 'n1' }, 'merge', { spec: { taints: [{ key, effect: 'NoExecute' }] } })
  await taint('first')
  await cluster.env.advance(40_000)
  await taint('second')
  await cluster.client.remove(pod, { namespace: 'a', name: 'q' }, { gracePeriodSeconds: 0 })
  await cluster.env.advance(25_000)
  expect(cluster.events().sort()).toEqual([
    'Normal TaintManagerEviction: Cancelling deletion of Pod a/q x1',
    'Normal TaintManagerEviction: Marking for deletion Pod a/p x1',
  ])
  await cluster.client.remove(pod, { namespace: 'a', name: 'p' }, { gracePeriodSeconds: 0 })
  await cluster.env.advance(1_000)
  expect(cluster.events()).toContain('Normal TaintManagerEviction: Cancelling deletion of Pod a/p x1')
  await cluster.stop()
})

test('a pod that was to leave stays when the taint goes in time, and is told so', async () => {
  const { cluster, live } = await start(['n1'])
  const toleration = { key: 'k', operator: 'Exists' as const, effect: 'NoExecute' as const, tolerationSeconds: 60 }
  await cluster.client.create(pod, {
    metadata: { namespace: 'a', name: 'while' },
    spec: { containers: [], nodeName: 'n1', tolerations: [toleration] },
  })
  await cluster.client.patch(node, { name: 'n1' }, 'merge', { spec: { taints: [{ key: 'k', effect: 'NoExecute' }] } })
  await live(30)
  await cluster.client.patch(node, { name: 'n1' }, 'merge', { spec: { taints: [] } })
  await live(90)
  expect(cluster.server.all(pod).map((one) => one.metadata.deletionTimestamp)).toEqual([undefined])
  expect(cluster.events()).toContain('Normal TaintManagerEviction: Cancelling deletion of Pod a/while x1')
  await cluster.stop()
})

test.each<[string, object[], Taint[], number | undefined]>([
  ['no toleration', [], [{ key: 'a', effect: 'NoExecute' }], 0],
  ['another value', [{ key: 'a', value: 'x', effect: 'NoExecute' }], [{ key: 'a', value: 'y', effect: 'NoExecute' }], 0],
  ['for ever', [{ key: 'a', operator: 'Exists' }], [{ key: 'a', effect: 'NoExecute' }], undefined],
  [
    'the shortest of two',
    [
      { key: 'a', operator: 'Exists', tolerationSeconds: 9 },
      { key: 'b', operator: 'Exists', tolerationSeconds: 5 },
    ],
    [
      { key: 'a', effect: 'NoExecute' },
      { key: 'b', effect: 'NoExecute' },
    ],
    105_000,
  ],
  [
    'one of two is not tolerated',
    [{ key: 'a', operator: 'Exists' }],
    [
      { key: 'a', effect: 'NoExecute' },
      { key: 'b', effect: 'NoExecute' },
    ],
    0,
  ],
  ['a negative time is none', [{ key: 'a', operator: 'Exists', tolerationSeconds: -5 }], [{ key: 'a', effect: 'NoExecute' }], 100_000],
])('when a pod must leave: %s', (_why, tolerated, taints, expected) => {
  expect(mustLeaveAtMs({ spec: { tolerations: tolerated } } as unknown as Pod, taints, () => 100_000)).toBe(expected)
})

test.each<[string, [string, boolean][], boolean, boolean]>([
  [
    'a third is silent: normal pace',
    [
      ['z', true],
      ['z', true],
      ['z', false],
    ],
    false,
    true,
  ],
  [
    'most of a small zone is silent: none is given up',
    [
      ['z', true],
      ['z', false],
      ['z', false],
      ['z', false],
    ],
    false,
    false,
  ],
  [
    'one zone is silent as a whole: normal pace',
    [
      ['z', false],
      ['y', true],
    ],
    false,
    true,
  ],
  [
    'everything is silent',
    [
      ['z', false],
      ['y', false],
    ],
    true,
    false,
  ],
])('disruption: %s', (_why, states, isTotal, mayTaint) => {
  const nodes = states.map(([zone, ready], at) => ({
    metadata: { name: `n${at}`, labels: { 'topology.kubernetes.io/zone': zone } },
    spec: {},
    status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'Unknown' }] },
  })) as unknown as Node[]
  const disruption = assess(nodes)
  const silent = nodes.find((one) => one.status?.conditions?.[0]?.status !== 'True') as Node
  expect([disruption.isTotal, disruption.mayTaintAtMs(silent) !== undefined]).toEqual([isTotal, mayTaint])
})
