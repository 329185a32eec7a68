import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { configMap, event, job, type Node, type NodeCondition, node, type Pod, pod } from '@skiff/api'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { usualShape } from '../nodes/shape.ts'
import { createWorld, type World } from '../world/world.ts'

// A whole cluster whose nodes and pods live by stages in kwok's forms alone.

const file = readFileSync(join(import.meta.dirname, 'as-published.yaml'), 'utf8')
let world: World
beforeEach(async () => {
  world = await createWorld({ seed: 2, shapes: [usualShape(2)], file })
})
afterEach(() => world.stop())

const condition = (object: Node | Pod, type: string) =>
  (object.status?.conditions as readonly NodeCondition[] | undefined)?.find((one) => one.type === type)
const podNamed = (name: string): Promise<Pod> => world.client.get(pod, { namespace: 'default', name })
const container = { name: 'main', image: 'web:1', resources: { requests: { cpu: '1' } } }
const make = (name: string, metadata: object = {}, spec: object = {}) =>
  world.client.create(pod, {
    metadata: { name, namespace: 'default', ...metadata },
    spec: { containers: [container], ...spec },
  } as never)
const eventsOf = async (name: string): Promise<string[]> =>
  (await world.client.list(event, { namespace: 'default' })).items
    .filter(({ involvedObject, source }) => involvedObject.name === name && source?.component === 'kubelet')
    .map(({ reason, message }) => `${reason}: ${message}`)

test('nodes begin by their stage, send heartbeats by another, and fall ill by a label, until it is taken away', async () => {
  const { client, live } = world
  await live(2_000)
  const first = await client.get(node, { name: 'node-1' })
  expect(first.status).toMatchObject({
    phase: 'Running',
    capacity: { cpu: '32' },
    addresses: [{ type: 'InternalIP', address: '100.64.0.1' }, { type: 'Hostname' }],
    nodeInfo: { osImage: 'Skiff simulated node' },
  })
  expect(condition(first, 'NetworkUnavailable')?.status).toBe('False')
  expect(first.spec.taints).toBeUndefined()
  await live(60_000)
  const later = await client.get(node, { name: 'node-1' })
  expect(condition(later, 'Ready')?.lastHeartbeatTime).not.toBe(condition(first, 'Ready')?.lastHeartbeatTime)
  const metadata = (labels: object, annotations: object) => ({ metadata: { labels, annotations } })
  const label = 'node-not-ready.stage.kwok.x-k8s.io'
  await client.patch(
    node,
    { name: 'node-1' },
    'merge',
    metadata({ [label]: 'true' }, { [`${label}/type`]: 'DiskPressure', [`${label}/delay`]: '5s' }),
  )
  await live(12_000)
  const ill = await client.get(node, { name: 'node-1' })
  expect(condition(ill, 'Ready')).toMatchObject({ status: 'False', reason: 'nodeFailed' })
  expect(condition(ill, 'DiskPressure')?.status).toBe('True')
  expect(ill.spec.taints?.map(({ key }) => key).sort()).toEqual([
    'node.kubernetes.io/disk-pressure',
    'node.kubernetes.io/not-ready',
    'node.kubernetes.io/not-ready',
  ])
  await client.patch(node, { name: 'node-1' }, 'merge', metadata({ [label]: null }, {}))
  await live(5_000)
  expect(condition(await client.get(node, { name: 'node-1' }), 'Ready')?.status).toBe('True')
})

test('a pod with init containers and a sidecar goes through all its stages', async () => {
  const initContainers = [
    { name: 'first', image: 'i' },
    { name: 'side', image: 's', restartPolicy: 'Always' },
  ]
  await make('long', {}, { initContainers })
  await world.live(6_000)
  const created = await podNamed('long')
  expect(created.status).toMatchObject({
    phase: 'Pending',
    hostIP: expect.stringMatching(/^100\.64\.0\.[12]$/),
    containerStatuses: [{ state: { waiting: { reason: 'PodInitializing' } }, imageID: 'web:1', resources: { requests: { cpu: '1' } } }],
  })
  expect(created.status?.conditions?.map(({ type }) => type)).toEqual([
    'PodReadyToStartContainers',
    'Initialized',
    'Ready',
    'ContainersReady',
    'PodScheduled',
  ])
  expect(condition(created, 'Initialized')).toMatchObject({ status: 'False', reason: 'ContainersNotInitialized' })
  await world.live(24_000)
  const ready = await podNamed('long')
  expect(ready.status).toMatchObject({
    phase: 'Running',
    initContainerStatuses: [{ state: { terminated: { exitCode: 0, reason: 'Completed' } } }, { state: { running: {} } }],
    containerStatuses: [{ ready: true, image: 'web:1', state: { running: {} } }],
  })
  expect(condition(ready, 'Initialized')).toMatchObject({ status: 'True' })
  expect(condition(ready, 'Ready')).toMatchObject({ status: 'True' })
})

test('a Job completes; a container that is said to fail is restarted; delays are taken from annotations', async () => {
  await world.client.create(job, {
    metadata: { name: 'work', namespace: 'default' },
    spec: { completions: 2, template: { spec: { restartPolicy: 'Never', containers: [container] } } },
  } as never)
  await make('ill', { labels: { fails: 'yes' }, annotations: { 'pod-container-failed.stage.kwok.x-k8s.io/name': 'main' } })
  await make('late', { annotations: { 'pod-create.stage.kwok.x-k8s.io/delay': '1h', 'pod-create.stage.kwok.x-k8s.io/jitter-delay': '1h' } })
  await world.live(60_000)
  expect((await world.client.get(job, { namespace: 'default', name: 'work' })).status).toMatchObject({ succeeded: 2 })
  expect((await podNamed('ill')).status?.containerStatuses?.[0]?.restartCount).toBeGreaterThan(5)
  expect(new Set(await eventsOf('ill'))).toEqual(new Set(['BackOff: Back-off restarting failed container']))
  expect((await podNamed('late')).status?.startTime).toBeUndefined()
})

test('deletion waits for the finalizer stage, and then for its own time', async () => {
  await make('held', {
    finalizers: ['kwok.x-k8s.io/fake'],
    annotations: { 'pod-delete.stage.kwok.x-k8s.io/delay': '10s' },
  })
  await world.live(20_000)
  await world.client.remove(pod, { namespace: 'default', name: 'held' }, { gracePeriodSeconds: 30 })
  await world.live(7_000)
  expect((await podNamed('held')).metadata.finalizers).toBeUndefined()
  await world.live(40_000)
  await expect(podNamed('held')).rejects.toThrow('not found')
  expect((await eventsOf('held')).sort()).toEqual(['Killing: Stopping container', 'Killing: Stopping container: main'])
})

test('selectors, weights and delays in CEL; another object is applied, once for each change', async () => {
  const { client, live } = world
  const say = (devices: string) =>
    client.patch(node, { name: 'node-2' }, 'merge', { metadata: { annotations: { 'example.com/devices': devices } } })
  const devices = async () => (await client.get(configMap, { namespace: 'default', name: 'node-2-devices' })).data
  await say('3')
  await live(5_000)
  expect(await devices()).toEqual({ half: '2', gpu000: 'even', gpu001: 'odd', gpu002: 'even' })
  await say('1')
  await live(5_000)
  expect(await devices()).toEqual({ half: '1', gpu000: 'even' })
  await say('many')
  await live(5_000)
  expect((await client.get(node, { name: 'node-2' })).metadata.annotations).toMatchObject({ 'example.com/published': '1' })
})
