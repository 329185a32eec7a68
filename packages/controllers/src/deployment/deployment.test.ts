import type { Deployment, Pod } from '@skiff/api'
import { deployment, pod, replicaSet } from '@skiff/api'
import { seededRandom } from '@skiff/machinery'
import { describe, expect, test } from 'vitest'
import { replicaSetController } from '../replicas/replicaset.ts'
import { type TestCluster, type TestClusterOptions, testCluster } from '../testing/cluster.ts'
import { deploymentController } from './deployment.ts'

const start = (options: TestClusterOptions = {}) => testCluster([deploymentController(), replicaSetController()], options)
const target = { namespace: 'a', name: 'web' }
const templateOf = (image: string) => ({ metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image }] } }) as never

const make = (cluster: TestCluster, spec: Partial<Deployment['spec']> = {}, annotations = {}) =>
  cluster.client.create(deployment, {
    metadata: { ...target, annotations },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: 'web' } },
      template: templateOf('v1'),
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      ...spec,
    },
  })
const change = async (cluster: TestCluster, spec: Partial<Deployment['spec']>, annotations: Record<string, string> = {}) => {
  const held = await cluster.client.get(deployment, target)
  const metadata = { ...held.metadata, annotations: { ...held.metadata.annotations, ...annotations } }
  return cluster.client.update(deployment, { ...held, metadata, spec: { ...held.spec, ...spec } })
}
const state = (cluster: TestCluster) => cluster.server.all(deployment)[0] as Deployment
const sets = (cluster: TestCluster) =>
  Object.fromEntries(
    cluster.server
      .all(replicaSet)
      .map((set) => [
        `${set.spec.template?.spec?.containers[0]?.image} r${set.metadata.annotations?.['deployment.kubernetes.io/revision']}`,
        set.spec.replicas,
      ]),
  )
const conditions = (cluster: TestCluster) =>
  state(cluster).status?.conditions?.map(({ type, status, reason, message }) => `${type}=${status} ${reason}: ${message}`)
const imageOf = (one: Pod) => one.spec.containers[0]?.image

describe('a new Deployment', () => {
  test('makes one set named by its template, and says so', async () => {
    const cluster = start()
    await make(cluster, {}, { 'kubernetes.io/change-cause': 'first' })
    await cluster.live(5_000)
    const [set] = cluster.server.all(replicaSet)
    const hash = set?.metadata.labels?.['pod-template-hash'] ?? ''
    expect(hash).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{6,10}$/)
    expect(set?.metadata).toMatchObject({
      name: `web-${hash}`,
      labels: { app: 'web', 'pod-template-hash': hash },
      annotations: {
        'deployment.kubernetes.io/desired-replicas': '3',
        'deployment.kubernetes.io/max-replicas': '4',
        'deployment.kubernetes.io/revision': '1',
        'kubernetes.io/change-cause': 'first',
      },
    })
    expect(set?.spec.selector).toEqual({ matchLabels: { app: 'web', 'pod-template-hash': hash } })
    expect(set?.spec.template?.metadata?.labels).toEqual({ app: 'web', 'pod-template-hash': hash })
    expect(state(cluster).metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('1')
    expect(state(cluster).status).toMatchObject({
      observedGeneration: 1,
      replicas: 3,
      updatedReplicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
    })
    expect(state(cluster).status?.unavailableReplicas).toBeUndefined()
    expect(conditions(cluster)).toEqual([
      'Available=True MinimumReplicasAvailable: Deployment has minimum availability.',
      `Progressing=True NewReplicaSetAvailable: ReplicaSet "web-${hash}" has successfully progressed.`,
    ])
    expect(cluster.events()).toContain(`Normal ScalingReplicaSet: Scaled up replica set web-${hash} from 0 to 3 x1`)
    await cluster.stop()
  })

  test('with a selector for everything is told so, and does nothing', async () => {
    const cluster = start()
    await make(cluster, { selector: {} })
    await cluster.live(2_000)
    expect(cluster.server.all(replicaSet)).toEqual([])
    expect(cluster.events()[0]).toContain('Warning SelectingAll: This deployment is selecting all pods. A non-empty selector is required.')
    await cluster.stop()
  })
})

describe('a rolling update', () => {
  test.each<[number, number | string, number | string]>([
    [10, '25%', '25%'],
    [4, 1, 0],
    [4, 0, 1],
    [3, '0%', '10%'],
    [1, '25%', '25%'],
  ])('of %i with surge %s and unavailable %s keeps its promises at every moment', async (replicas, maxSurge, maxUnavailable) => {
    const cluster = start()
    await make(cluster, { replicas, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } } })
    await cluster.live(5_000)
    await change(cluster, { template: templateOf('v2') })
    const share = (value: number | string, up: boolean) =>
      typeof value === 'number'
        ? value
        : up
          ? Math.ceil((Number.parseInt(value, 10) * replicas) / 100)
          : Math.floor((Number.parseInt(value, 10) * replicas) / 100)
    const surge = share(maxSurge, true)
    const unavailable = surge === 0 && share(maxUnavailable, false) === 0 ? 1 : share(maxUnavailable, false)
    for (
      let n = 0;
      n < 400 && (state(cluster).status?.updatedReplicas !== replicas || cluster.server.all(pod).length !== replicas);
      n += 1
    ) {
      await cluster.live(250)
      const active = cluster.server.all(pod).filter((one) => !one.metadata.deletionTimestamp)
      expect(active.length).toBeLessThanOrEqual(replicas + surge)
      expect(active.filter((one) => one.status?.conditions?.[0]?.status === 'True').length).toBeGreaterThanOrEqual(replicas - unavailable)
    }
    await cluster.live(3_000)
    expect(cluster.server.all(pod).map(imageOf)).toEqual(Array(replicas).fill('v2'))
    expect(sets(cluster)).toEqual({ 'v1 r1': 0, 'v2 r2': replicas })
    expect(conditions(cluster)?.at(-1)).toMatch(/NewReplicaSetAvailable/)
    await cluster.stop()
  })

  test('that breaks stays half way, times out once, and is rolled back by its old template', async () => {
    const cluster = start({ healthy: (one) => imageOf(one) !== 'bad' })
    await make(cluster, { replicas: 4, progressDeadlineSeconds: 30 })
    await cluster.live(5_000)
    await change(cluster, { template: templateOf('bad') })
    await cluster.live(20_000)
    expect(sets(cluster)).toEqual({ 'v1 r1': 3, 'bad r2': 2 })
    expect(conditions(cluster)?.join()).toContain('Progressing=True ReplicaSetUpdated')
    await cluster.live(30_000)
    expect(conditions(cluster)?.join()).toContain('Progressing=False ProgressDeadlineExceeded: ReplicaSet "web-')
    const plans = cluster.running[0]?.metrics.plans
    await cluster.live(60_000)
    expect(cluster.running[0]?.metrics.plans).toBe(plans)
    await change(cluster, { template: templateOf('v1') })
    await cluster.live(10_000)
    expect(sets(cluster)).toEqual({ 'v1 r3': 4, 'bad r2': 0 })
    expect(conditions(cluster)?.join()).toContain('Progressing=True NewReplicaSetAvailable')
    const back = cluster.server.all(replicaSet).find((set) => set.spec.replicas === 4)
    expect(back?.metadata.annotations?.['deployment.kubernetes.io/revision-history']).toBe('1')
    expect(state(cluster).metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('3')
    await cluster.stop()
  })

  test('keeps as many old sets as its history limit says', async () => {
    const cluster = start()
    await make(cluster, { revisionHistoryLimit: 2 })
    for (const image of ['v2', 'v3', 'v4', 'v5']) {
      await cluster.live(10_000)
      await change(cluster, { template: templateOf(image) })
    }
    await cluster.live(10_000)
    expect(sets(cluster)).toEqual({ 'v3 r3': 0, 'v4 r4': 0, 'v5 r5': 3 })
    await cluster.stop()
  })

  test('by the old rollback annotation takes template and change cause back', async () => {
    const cluster = start()
    await make(cluster, {}, { 'kubernetes.io/change-cause': 'one' })
    await cluster.live(5_000)
    await change(cluster, { template: templateOf('v2') }, { 'kubernetes.io/change-cause': 'two' })
    await cluster.live(10_000)
    await change(cluster, {}, { 'deprecated.deployment.rollback.to': '0' })
    await cluster.live(10_000)
    expect(sets(cluster)).toEqual({ 'v1 r3': 3, 'v2 r2': 0 })
    expect(state(cluster).metadata.annotations).toEqual({ 'kubernetes.io/change-cause': 'one', 'deployment.kubernetes.io/revision': '3' })
    expect(cluster.events()).toContain('Normal DeploymentRollback: Rolled back deployment "web" to revision 1 x1')
    await cluster.stop()
  })
})

describe('a paused Deployment', () => {
  test('does not roll out, but scales in proportion; resumed it goes on', async () => {
    const cluster = start({ healthy: (one) => imageOf(one) !== 'slow' })
    await make(cluster, { replicas: 10, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } } })
    await cluster.live(5_000)
    await change(cluster, { template: templateOf('slow') })
    await cluster.live(5_000)
    expect(sets(cluster)).toEqual({ 'v1 r1': 8, 'slow r2': 5 })
    await change(cluster, { paused: true })
    await cluster.live(2_000)
    expect(conditions(cluster)?.join()).toContain('Progressing=Unknown DeploymentPaused: Deployment is paused')
    await change(cluster, { template: templateOf('v3') })
    await cluster.live(2_000)
    expect(Object.keys(sets(cluster))).toEqual(['v1 r1', 'slow r2'])
    await change(cluster, { template: templateOf('slow'), replicas: 15 })
    await cluster.live(2_000)
    expect(sets(cluster)).toEqual({ 'v1 r1': 11, 'slow r2': 7 })
    await change(cluster, { paused: false })
    await cluster.live(2_000)
    expect(conditions(cluster)?.join()).toContain('Progressing=Unknown DeploymentResumed: Deployment is resumed')
    await cluster.stop()
  })
})

describe('Recreate', () => {
  test('never runs old and new pods together', async () => {
    const cluster = start()
    await make(cluster, { strategy: { type: 'Recreate' } })
    await cluster.live(5_000)
    await change(cluster, { template: templateOf('v2') })
    for (let n = 0; n < 40; n += 1) {
      await cluster.live(250)
      expect(new Set(cluster.server.all(pod).map(imageOf)).size).toBeLessThanOrEqual(1)
    }
    expect(sets(cluster)).toEqual({ 'v1 r1': 0, 'v2 r2': 3 })
    await cluster.stop()
  })
})

test('a set of another owner under the hashed name is a collision: the next hash is taken', async () => {
  const cluster = start()
  const made = await make(cluster)
  await cluster.live(5_000)
  const [set] = cluster.server.all(replicaSet)
  if (!set) throw new Error('no set')
  await cluster.client.remove(deployment, target)
  await cluster.client.remove(replicaSet, { namespace: 'a', name: set.metadata.name })
  await cluster.client.create(replicaSet, {
    metadata: { namespace: 'a', name: set.metadata.name, labels: { other: 'x' } },
    spec: { ...set.spec, replicas: 0, selector: { matchLabels: { other: 'x' } } },
  })
  await make(cluster)
  await cluster.live(5_000)
  expect(state(cluster).status?.collisionCount).toBe(1)
  const own = cluster.server.all(replicaSet).filter((one) => one.metadata.ownerReferences)
  expect(own).toHaveLength(1)
  expect(own[0]?.metadata.name).not.toBe(set.metadata.name)
  expect(state(cluster).status?.availableReplicas).toBe(3)
  expect(made.metadata.uid).not.toBe(state(cluster).metadata.uid)
  await cluster.stop()
})

test.each([1, 2, 3, 4])('seed %i: rollouts, scaling, pauses and a bad network end at what was asked for last', async (seed) => {
  const cluster = start({
    seed,
    rates: { lostCall: 0.08, lostReply: 0.05, conflict: 0.1, delay: 0.3, maxDelayMs: 400, repeat: 0.1, cutWatch: 0.1 },
  })
  const random = seededRandom(seed)
  await make(cluster, { replicas: 4 })
  let replicas = 4
  let image = 'v1'
  for (let round = 0; round < 12; round += 1) {
    await cluster.live(random() * 5_000)
    const dice = random()
    if (dice < 0.4) image = `v${1 + Math.floor(random() * 3)}`
    else if (dice < 0.7) replicas = 1 + Math.floor(random() * 7)
    await change(cluster, { replicas, template: templateOf(image), paused: random() < 0.1 })
  }
  await change(cluster, { paused: false })
  cluster.faults.stop()
  await cluster.live(120_000)
  expect(cluster.server.all(pod).map(imageOf)).toEqual(Array(replicas).fill(image))
  expect(state(cluster).status).toMatchObject({ replicas, updatedReplicas: replicas, availableReplicas: replicas })
  expect(new Set(cluster.server.all(replicaSet).map((set) => set.spec.template?.spec?.containers[0]?.image)).size).toBe(
    cluster.server.all(replicaSet).length,
  )
  await cluster.stop()
})
