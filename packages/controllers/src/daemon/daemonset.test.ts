import type { DaemonSet, Node, Pod, PodSpec } from '@skiff/api'
import { controllerRevision, daemonSet, node, pod } from '@skiff/api'
import { describe, expect, test } from 'vitest'
import { type TestCluster, type TestClusterOptions, testCluster } from '../testing/cluster.ts'
import { daemonSetController } from './daemonset.ts'
import { fitOf, withDaemonTolerations } from './fits.ts'
import { targetNode } from './pods.ts'

const target = { namespace: 'a', name: 'agent' }
const templateOf = (image: string, more: object = {}) =>
  ({ metadata: { labels: { app: 'agent' } }, spec: { containers: [{ name: 'c', image }], ...more } }) as never
const start = async (names: readonly string[], options: TestClusterOptions = {}) => {
  const cluster = testCluster([daemonSetController()], options)
  for (const name of names)
    await cluster.client.create(node, { metadata: { name, labels: { disk: name === 'n1' ? 'ssd' : 'hdd' } }, spec: {} })
  return cluster
}
const make = (cluster: TestCluster, spec: Partial<DaemonSet['spec']> = {}) =>
  cluster.client.create(daemonSet, {
    metadata: target,
    spec: { selector: { matchLabels: { app: 'agent' } }, template: templateOf('v1'), ...spec },
  })
const change = async (cluster: TestCluster, spec: Partial<DaemonSet['spec']>) => {
  const held = await cluster.client.get(daemonSet, target)
  return cluster.client.update(daemonSet, { ...held, spec: { ...held.spec, ...spec } })
}
const placed = (cluster: TestCluster) =>
  cluster.server
    .all(pod)
    .map((one) => `${targetNode(one)} ${one.spec.containers[0]?.image}`)
    .sort()
const status = (cluster: TestCluster) => cluster.server.all(daemonSet)[0]?.status

/** The stand-in for the scheduler binds at random; daemons are bound where they are meant to be. */
const settle = async (cluster: TestCluster, ms: number) => {
  for (let passedMs = 0; passedMs < ms; passedMs += 250) {
    for (const one of cluster.server.all(pod)) {
      const name = targetNode(one)
      if (one.spec.nodeName || !name) continue
      const at = { namespace: 'a', name: one.metadata.name }
      await cluster.client.create(pod, { metadata: {}, target: { name } } as never, { ...at, subresource: 'binding' })
    }
    await cluster.live(250)
  }
}

test('runs one pod on every node, also on those that come later, and none where a node is gone', async () => {
  const cluster = await start(['n1', 'n2'])
  await make(cluster)
  await settle(cluster, 3_000)
  expect(placed(cluster)).toEqual(['n1 v1', 'n2 v1'])
  const [first] = cluster.server.all(pod)
  expect(first?.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms).toEqual([
    { matchFields: [{ key: 'metadata.name', operator: 'In', values: [targetNode(first as Pod)] }] },
  ])
  expect(first?.spec.tolerations?.map((one) => one.key?.split('/')[1])).toEqual([
    'not-ready',
    'unreachable',
    'disk-pressure',
    'memory-pressure',
    'pid-pressure',
    'unschedulable',
  ])
  const [revision] = cluster.server.all(controllerRevision)
  expect(revision).toMatchObject({
    revision: 1,
    data: { spec: { template: { $patch: 'replace', spec: { containers: [{ image: 'v1' }] } } } },
  })
  expect(first?.metadata.labels?.['controller-revision-hash']).toBe(revision?.metadata.labels?.['controller-revision-hash'])
  await cluster.client.create(node, { metadata: { name: 'n3' }, spec: {} })
  await settle(cluster, 3_000)
  expect(placed(cluster)).toEqual(['n1 v1', 'n2 v1', 'n3 v1'])
  expect(status(cluster)).toMatchObject({
    currentNumberScheduled: 3,
    desiredNumberScheduled: 3,
    numberReady: 3,
    numberAvailable: 3,
    updatedNumberScheduled: 3,
    numberMisscheduled: 0,
  })
  const victim = cluster.server.all(pod)[0] as Pod
  await cluster.client.remove(pod, { namespace: 'a', name: victim.metadata.name })
  await settle(cluster, 3_000)
  expect(placed(cluster)).toEqual(['n1 v1', 'n2 v1', 'n3 v1'])
  await cluster.stop()
})

test('only runs where its selector leads, and leaves when the node no longer fits', async () => {
  const cluster = await start(['n1', 'n2'])
  await make(cluster, { template: templateOf('v1', { nodeSelector: { disk: 'ssd' } }) })
  await settle(cluster, 2_000)
  expect(placed(cluster)).toEqual(['n1 v1'])
  const held = await cluster.client.get(node, { name: 'n1' })
  await cluster.client.update(node, { ...held, metadata: { ...held.metadata, labels: {} } })
  await settle(cluster, 2_000)
  expect(placed(cluster)).toEqual([])
  expect(status(cluster)?.desiredNumberScheduled).toBe(0)
  await cluster.stop()
})

describe('an update', () => {
  test('goes node by node, never with more down than allowed, and keeps history', async () => {
    const cluster = await start(['n1', 'n2', 'n3', 'n4'])
    await make(cluster, { revisionHistoryLimit: 1 })
    await settle(cluster, 3_000)
    for (const image of ['v2', 'v3', 'v4']) {
      await change(cluster, { template: templateOf(image) })
      for (let n = 0; n < 40; n += 1) {
        await settle(cluster, 250)
        const ready = cluster.server
          .all(pod)
          .filter((one) => !one.metadata.deletionTimestamp && one.status?.conditions?.[0]?.status === 'True')
        expect(ready.length).toBeGreaterThanOrEqual(3)
      }
      expect(placed(cluster)).toEqual(['n1', 'n2', 'n3', 'n4'].map((name) => `${name} ${image}`))
    }
    expect(
      cluster.server
        .all(controllerRevision)
        .map((one) => one.revision)
        .sort(),
    ).toEqual([3, 4])
    await cluster.stop()
  })

  test('with surge starts the new pod before the old one goes', async () => {
    const cluster = await start(['n1', 'n2'])
    await make(cluster, { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } })
    await settle(cluster, 3_000)
    await change(cluster, { template: templateOf('v2') })
    for (let n = 0; n < 40; n += 1) {
      await settle(cluster, 250)
      const ready = cluster.server
        .all(pod)
        .filter((one) => !one.metadata.deletionTimestamp && one.status?.conditions?.[0]?.status === 'True')
      expect(new Set(ready.map(targetNode)).size).toBe(2)
      expect(cluster.server.all(pod).filter((one) => !one.metadata.deletionTimestamp).length).toBeLessThanOrEqual(3)
    }
    expect(placed(cluster)).toEqual(['n1 v2', 'n2 v2'])
    await cluster.stop()
  })

  test('on delete waits for somebody to delete', async () => {
    const cluster = await start(['n1', 'n2'])
    await make(cluster, { updateStrategy: { type: 'OnDelete' } })
    await settle(cluster, 3_000)
    await change(cluster, { template: templateOf('v2') })
    await settle(cluster, 3_000)
    expect(placed(cluster)).toEqual(['n1 v1', 'n2 v1'])
    const first = cluster.server.all(pod).find((one) => targetNode(one) === 'n1') as Pod
    await cluster.client.remove(pod, { namespace: 'a', name: first.metadata.name })
    await settle(cluster, 3_000)
    expect(placed(cluster)).toEqual(['n1 v2', 'n2 v1'])
    await cluster.stop()
  })
})

test('a pod that failed is replaced, each time after a longer wait', async () => {
  const cluster = await start(['n1'])
  await make(cluster)
  await settle(cluster, 2_000)
  const made: string[] = []
  for (let n = 0; n < 120; n += 1) {
    for (const one of cluster.server.all(pod)) {
      if (!made.includes(one.metadata.name)) made.push(one.metadata.name)
      if (one.status?.phase === 'Running' && !one.metadata.deletionTimestamp)
        await cluster.client.update(pod, { ...one, status: { phase: 'Failed' } }, { subresource: 'status' })
    }
    await settle(cluster, 250)
  }
  // 30 s: replaced at once, then after about 1, 2, 4, 8 and 16 s, and anew where the controller began anew. Without patience: sixty.
  expect(made.length).toBeGreaterThanOrEqual(4)
  expect(made.length).toBeLessThanOrEqual(15)
  expect(
    cluster
      .events()
      .some((line) => /^Warning FailedDaemonPod: Found failed daemon pod a\/agent-\w+ on node n1, will try to kill it/.test(line)),
  ).toBe(true)
  await cluster.stop()
})

test.each<[string, object, object, { shouldRun: boolean; mayStay: boolean }]>([
  ['a plain node', {}, {}, { shouldRun: true, mayStay: true }],
  [
    'a cordoned one',
    {},
    { taints: [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }] },
    { shouldRun: true, mayStay: true },
  ],
  ['a tainted one', {}, { taints: [{ key: 'x', effect: 'NoSchedule' }] }, { shouldRun: false, mayStay: true }],
  ['one that drives pods away', {}, { taints: [{ key: 'x', effect: 'NoExecute' }] }, { shouldRun: false, mayStay: false }],
  [
    'a tolerated taint',
    { tolerations: [{ key: 'x', operator: 'Exists' }] },
    { taints: [{ key: 'x', effect: 'NoExecute' }] },
    { shouldRun: true, mayStay: true },
  ],
  ['another node by name', { nodeName: 'other' }, {}, { shouldRun: false, mayStay: false }],
  [
    'lost network without the host network',
    {},
    { taints: [{ key: 'node.kubernetes.io/network-unavailable', effect: 'NoSchedule' }] },
    { shouldRun: false, mayStay: true },
  ],
  [
    'lost network with it',
    { hostNetwork: true },
    { taints: [{ key: 'node.kubernetes.io/network-unavailable', effect: 'NoSchedule' }] },
    { shouldRun: true, mayStay: true },
  ],
])('fits: %s', (_why, pods, spec, expected) => {
  const set = { spec: { template: { spec: { containers: [], ...pods } } } } as unknown as DaemonSet
  expect(fitOf(set, { metadata: { name: 'n1' }, spec } as unknown as Node)).toEqual(expected)
})

test('tolerations of daemons take the place of own ones that end', () => {
  const notReady = { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' }
  const cordoned = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }
  const tolerations = [{ ...notReady, tolerationSeconds: 300 }, cordoned]
  const all = withDaemonTolerations({ containers: [], tolerations } as unknown as PodSpec)
  expect(all.slice(0, 2)).toEqual([notReady, cordoned])
  expect(all.slice(2).map((one) => one.key?.split('/')[1])).toEqual([
    'unreachable',
    'disk-pressure',
    'memory-pressure',
    'pid-pressure',
    'unschedulable',
  ])
})

test.each([1, 2, 3])('seed %i: on a bad network every node ends with one current pod', async (seed) => {
  const cluster = await start(['n1', 'n2', 'n3'], {
    seed,
    rates: { lostCall: 0.1, lostReply: 0.05, conflict: 0.1, delay: 0.3, maxDelayMs: 300, cutWatch: 0.1 },
  })
  await make(cluster)
  await settle(cluster, 5_000)
  await change(cluster, { template: templateOf('v2') })
  await settle(cluster, 20_000)
  cluster.faults.stop()
  await settle(cluster, 40_000)
  expect(placed(cluster)).toEqual(['n1 v2', 'n2 v2', 'n3 v2'])
  await cluster.stop()
})
