import { deployment, job, lease, type Node, node, type Pod, pod } from '@skiff/api'
import { conflict, parseTimeMs } from '@skiff/machinery'
import { afterEach, expect, test } from 'vitest'
import { usualShape } from './nodes/shape.ts'
import { createWorld, type World, type WorldOptions } from './world/world.ts'

let world: World | undefined
afterEach(async () => {
  await world?.stop()
  world = undefined
})
const open = async (options: Partial<WorldOptions> = {}): Promise<World> => {
  world = await createWorld({ seed: 1, shapes: [usualShape(3)], ...options })
  return world
}
const podsOf = async ({ client }: World): Promise<readonly Pod[]> => (await client.list(pod, { namespace: 'default' })).items
const podNamed = ({ client }: World, name: string) => client.get(pod, { namespace: 'default', name })
const condition = (object: Pod | Node, type: string) => object.status?.conditions?.find((one) => one.type === type)?.status
const container = { name: 'main', image: 'web:1' }
const make = ({ client }: World, name: string, more: { spec?: object; annotations?: Record<string, string> } = {}) =>
  client.create(pod, {
    metadata: { name, namespace: 'default', annotations: more.annotations ?? {} },
    spec: { containers: [container], ...more.spec },
  } as never)
const says = (settings: Record<string, string>) => ({
  annotations: Object.fromEntries(Object.entries(settings).map(([key, value]) => [`simulated.skiff.dev/${key}`, value])),
})

const shortLeases = 'apiVersion: simulation.skiff.dev/v1alpha1\nkind: Simulation\nspec: { nodeLeaseDurationSeconds: 8 }'

test('nodes register, keep their leases, and stay ready', async () => {
  const { client, live } = await open()
  await live(90_000)
  const { items } = await client.list(node)
  expect(items.map((each) => [each.metadata.name, condition(each, 'Ready'), each.spec.podCIDR, each.spec.taints])).toEqual([
    ['node-1', 'True', '10.128.0.0/24', undefined],
    ['node-2', 'True', '10.128.1.0/24', undefined],
    ['node-3', 'True', '10.128.2.0/24', undefined],
  ])
  const leases = (await client.list(lease, { namespace: 'kube-node-lease' })).items
  expect(leases).toHaveLength(3)
  const ages = leases.map(({ spec }) => (world?.env.now() ?? 0) - Date.parse(spec.renewTime ?? ''))
  expect(Math.max(...ages)).toBeLessThanOrEqual(10_050)
})

test('a Deployment runs, each pod with an address of its node, and its pods go when it goes', async () => {
  const running = await open()
  const { client, live } = running
  await client.create(deployment, {
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      replicas: 6,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [container] } },
    },
  } as never)
  await live(5_000)
  const pods = await podsOf(running)
  expect(pods.map((each) => [each.status?.phase, condition(each, 'Ready')])).toEqual(Array(6).fill(['Running', 'True']))
  expect(new Set(pods.map(({ status }) => status?.podIP)).size).toBe(6)
  for (const { spec, status } of pods) {
    const { podCIDR = '' } = (await client.get(node, { name: spec.nodeName ?? '' })).spec
    expect(status?.podIP?.startsWith(podCIDR.replace(/0\/24$/, ''))).toBe(true)
  }
  expect((await client.get(deployment, { namespace: 'default', name: 'web' })).status?.availableReplicas).toBe(6)
  await client.remove(deployment, { namespace: 'default', name: 'web' })
  await live(10_000)
  expect(await podsOf(running)).toEqual([])
})

test('a Job completes, and counts the pods that fail', async () => {
  const { client, live } = await open()
  const jobOf = (name: string, annotations: Record<string, string>) =>
    client.create(job, {
      metadata: { name, namespace: 'default' },
      spec: {
        completions: 3,
        backoffLimit: 1,
        template: { metadata: { annotations }, spec: { restartPolicy: 'Never', containers: [container] } },
      },
    } as never)
  await jobOf('good', {})
  await jobOf('bad', says({ 'exit-code': '3' }).annotations)
  await live(60_000)
  const status = async (name: string) => (await client.get(job, { namespace: 'default', name })).status
  expect(await status('good')).toMatchObject({ succeeded: 3 })
  expect((await status('bad'))?.conditions?.map(({ type }) => type)).toContain('Failed')
})

test('a container that ends is restarted, at once and then after a back-off, and waits in between', async () => {
  const running = await open()
  await make(running, 'crash', says({ 'exit-code': '1', 'run-ms': '2000' }))
  await running.live(3_000)
  const again = (await podNamed(running, 'crash')).status?.containerStatuses?.[0]
  expect(again).toMatchObject({ restartCount: 1, state: { running: {} }, lastState: { terminated: { exitCode: 1, reason: 'Error' } } })
  await running.live(3_000)
  const waits = (await podNamed(running, 'crash')).status
  expect(waits?.containerStatuses?.[0]?.state?.waiting).toMatchObject({
    reason: 'CrashLoopBackOff',
    message: expect.stringMatching(/^back-off 10s restarting failed container=main pod=crash_default\(/),
  })
  expect(waits?.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({ status: 'False', reason: 'ContainersNotReady' })
  await running.live(10_000)
  expect((await podNamed(running, 'crash')).status?.containerStatuses?.[0]?.restartCount).toBe(2)
})

test('failures: images that cannot be pulled, out of memory, readiness that comes and goes, slow starts', async () => {
  const running = await open()
  await make(running, 'pull', says({ fail: 'pull' }))
  await make(running, 'oom', { ...says({ oom: 'true', 'run-ms': '1000' }), spec: { restartPolicy: 'Never' } })
  await make(running, 'flap', says({ 'flap-ms': '5000' }))
  await make(running, 'slow', says({ 'start-ms': '5000', 'ready-ms': '3000' }))
  await running.live(3_000)
  expect((await podNamed(running, 'pull')).status?.containerStatuses?.[0]?.state?.waiting?.reason).toBe('ImagePullBackOff')
  expect((await podNamed(running, 'oom')).status).toMatchObject({
    phase: 'Failed',
    containerStatuses: [{ state: { terminated: { exitCode: 137, reason: 'OOMKilled' } } }],
  })
  const ready = async (name: string) => condition(await podNamed(running, name), 'Ready')
  expect(await ready('flap')).toBe('True')
  expect((await podNamed(running, 'slow')).status?.containerStatuses?.[0]?.state?.waiting?.reason).toBe('ContainerCreating')
  await running.live(3_500)
  expect(await ready('flap')).toBe('False')
  expect([(await podNamed(running, 'slow')).status?.phase, await ready('slow')]).toEqual(['Running', 'False'])
  await running.live(4_000)
  expect(await ready('flap')).toBe('True')
  expect(await ready('slow')).toBe('True')
})

test('init containers have run, sidecars run, and readiness waits for its gates', async () => {
  const running = await open()
  await make(running, 'gated', {
    spec: {
      readinessGates: [{ conditionType: 'example.com/open' }],
      initContainers: [
        { name: 'first', image: 'i' },
        { name: 'side', image: 's', restartPolicy: 'Always' },
      ],
    },
  })
  await running.live(1_000)
  const before = await podNamed(running, 'gated')
  expect(before.status?.initContainerStatuses).toMatchObject([
    { name: 'first', ready: true, state: { terminated: { reason: 'Completed' } } },
    { name: 'side', ready: true, state: { running: {} } },
  ])
  expect(before.status?.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({
    status: 'False',
    reason: 'ReadinessGatesNotReady',
    message: 'corresponding condition of pod readiness gate "example.com/open" does not exist.',
  })
  const gate = { type: 'example.com/open', status: 'True' }
  await running.client.patch(pod, { namespace: 'default', name: 'gated', subresource: 'status' }, 'strategic', {
    status: { conditions: [gate] },
  })
  await running.live(1_000)
  expect(condition(await podNamed(running, 'gated'), 'Ready')).toBe('True')
})

test('containers that are added for debugging run', async () => {
  const running = await open()
  await make(running, 'p', says({ 'flap-ms': '3600000' }))
  await running.live(2_000)
  const target = { namespace: 'default', name: 'p', subresource: 'ephemeralcontainers' }
  const ephemeralContainers = [{ name: 'debugger', image: 'b', targetContainerName: 'main' }]
  await running.client.patch(pod, target, 'strategic', { spec: { ephemeralContainers } })
  await running.live(2_000)
  expect((await podNamed(running, 'p')).status).toMatchObject({
    phase: 'Running',
    containerStatuses: [{ name: 'main', ready: true }],
    ephemeralContainerStatuses: [{ name: 'debugger', image: 'b', state: { running: {} } }],
  })
})

test('a silent node is lost and its pods are replaced elsewhere; when it speaks again it is well', async () => {
  const running = await open()
  const { client, live, simulation } = running
  await client.create(deployment, {
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [container] } },
    },
  } as never)
  await live(5_000)
  const victim = (await podsOf(running))[0]?.spec.nodeName as string
  expect(simulation.setAlive(victim, false)).toBe(true)
  await live(60_000)
  expect(condition(await client.get(node, { name: victim }), 'Ready')).toBe('Unknown')
  await live(330_000)
  const alive = (await podsOf(running)).filter(({ metadata }) => !metadata.deletionTimestamp)
  expect(alive.map(({ spec, status }) => spec.nodeName !== victim && status?.phase)).toEqual(['Running', 'Running', 'Running'])
  simulation.setAlive(victim, true)
  await live(15_000)
  expect(condition(await client.get(node, { name: victim }), 'Ready')).toBe('True')
  expect((await podsOf(running)).length).toBe(3)
})

test('the annotation of a node silences it, also from its first moment on; without it, the node speaks again and its pods are played', async () => {
  const mute = { ...usualShape(1), name: 'mute', annotations: { 'simulated.skiff.dev/silent': 'true' } }
  const running = await open({ shapes: [usualShape(2), mute], file: shortLeases })
  const { client, live } = running
  const renewedAt = async () => (await client.get(lease, { namespace: 'kube-node-lease', name: 'node-1' })).spec
  const silence = (silent: string | null) =>
    client.patch(node, { name: 'node-1' }, 'merge', { metadata: { annotations: { 'simulated.skiff.dev/silent': silent } } })
  await make(running, 'here', { spec: { nodeName: 'node-1' } })
  await live(5_000)
  expect((await renewedAt()).leaseDurationSeconds).toBe(8)
  await silence('true')
  const last = (await renewedAt()).renewTime
  await make(running, 'late', { spec: { nodeName: 'node-1' } })
  await client.remove(pod, { namespace: 'default', name: 'here' }, { gracePeriodSeconds: 1 })
  await live(60_000)
  expect((await renewedAt()).renewTime).toBe(last)
  expect(condition(await client.get(node, { name: 'node-1' }), 'Ready')).toBe('Unknown')
  expect(condition(await client.get(node, { name: 'mute-1' }), 'Ready')).toBe('Unknown')
  expect((await client.list(lease, { namespace: 'kube-node-lease' })).items.map(({ metadata }) => metadata.name)).toEqual([
    'node-1',
    'node-2',
  ])
  expect((await podsOf(running)).map(({ metadata, status }) => [metadata.name, status?.phase])).toEqual([
    ['here', 'Running'],
    ['late', 'Pending'],
  ])
  await silence(null)
  await live(5_000)
  expect(condition(await client.get(node, { name: 'node-1' }), 'Ready')).toBe('True')
  expect((await podsOf(running)).map(({ metadata, status }) => [metadata.name, status?.phase])).toEqual([['late', 'Running']])
})

test('a node that a user makes is taken on, and its pods are played', async () => {
  const running = await open({ shapes: [] })
  await running.client.create(node, {
    metadata: { name: 'mine', annotations: { 'kwok.x-k8s.io/node': 'fake' } },
    spec: {},
    status: { capacity: { cpu: '4', memory: '8Gi', pods: '10' } },
  } as never)
  await make(running, 'one')
  await running.live(5_000)
  const mine = await running.client.get(node, { name: 'mine' })
  expect(mine.status).toMatchObject({
    allocatable: { cpu: '4', pods: '10' },
    addresses: [{ type: 'InternalIP', address: '100.64.0.1' }, {}],
  })
  expect(parseTimeMs(mine.metadata.creationTimestamp)).toBeGreaterThan(0)
  expect((await podNamed(running, 'one')).status).toMatchObject({ phase: 'Running', hostIP: '100.64.0.1' })
})

test('a write that is refused as a conflict is tried again, though nothing changes', async () => {
  let refusals = 0
  const running = await open({
    disturb: (part, handler) => (call) => {
      if (part !== 'nodes' || call.resource !== 'pods' || call.subresource !== 'status' || refusals > 0) return handler(call)
      refusals += 1
      throw conflict(call, call.name ?? '', 'the object has been modified')
    },
  })
  await running.live(15_000)
  await make(running, 'p')
  await running.live(5_000)
  expect([refusals, (await podNamed(running, 'p')).status?.phase]).toEqual([1, 'Running'])
})
