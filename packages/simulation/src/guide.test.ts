import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { event, type Node, node, type Pod, pod, replicaSet, service } from '@skiff/api'
import { afterEach, expect, test } from 'vitest'
import { readSimulationFile } from './file/read-file.ts'
import { usualShape } from './nodes/shape.ts'
import { readTrace } from './trace/read-trace.ts'
import { runTrace } from './trace/run-trace.ts'
import { createWorld, type World } from './world/world.ts'

// The examples of the guide, as they stand there.

const guide = readFileSync(join(import.meta.dirname, '../../../docs/guides/simulate-a-cluster.md'), 'utf8')
const examples = [...guide.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text]) => text as string)
const example = (word: string): string => examples.find((text) => text.includes(word)) as string

let world: World | undefined
afterEach(async () => {
  await world?.stop()
  world = undefined
})
const open = async (file: string, count: number): Promise<World> => {
  world = await createWorld({ seed: 3, shapes: count > 0 ? [usualShape(count)] : [], file })
  return world
}
const container = { name: 'main', image: 'web:1' }
const make = ({ client }: World, name: string, metadata: object = {}) =>
  client.create(pod, { metadata: { name, namespace: 'default', ...metadata }, spec: { containers: [container] } } as never)

test('all of them are read', () => {
  expect(examples.length).toBeGreaterThanOrEqual(4)
  for (const text of examples.filter((each) => !each.includes('kind: Trace'))) readSimulationFile(text)
})

test('shapes: names, zones, capacity, taints', async () => {
  const { client } = await open(example('NodeShape'), 0)
  const { items } = await client.list(node)
  const facts = ({ metadata, spec, status }: Node) => [
    metadata.name,
    metadata.labels?.['topology.kubernetes.io/zone'],
    status?.capacity?.cpu,
    status?.allocatable?.cpu,
    spec.taints?.filter(({ key }) => key.startsWith('nvidia')).length ?? 0,
  ]
  expect(items.map(facts)).toEqual([
    ['large-1', undefined, '64', '60', 1],
    ['large-2', undefined, '64', '60', 1],
    ['small-1', 'north', '4', '4', 0],
    ['small-2', 'south', '4', '4', 0],
    ['small-3', 'north', '4', '4', 0],
    ['small-4', 'south', '4', '4', 0],
    ['small-5', 'north', '4', '4', 0],
    ['small-6', 'south', '4', '4', 0],
  ])
})

test('a stage beside the built-in ones: pods with the label fail, after what their annotation says', async () => {
  const running = await open(example('pod-disk-full'), 2)
  await make(running, 'well')
  await make(running, 'ill', { labels: { chaos: 'disk-full' }, annotations: { 'example.com/lasts': '30s' } })
  const read = (name: string): Promise<Pod> => running.client.get(pod, { namespace: 'default', name })
  await running.live(3_000)
  expect([(await read('well')).status?.phase, (await read('ill')).status?.phase]).toEqual(['Running', 'Running'])
  await running.live(30_000)
  expect((await read('well')).status?.phase).toBe('Running')
  expect((await read('ill')).status).toMatchObject({
    phase: 'Failed',
    reason: 'Evicted',
    containerStatuses: [{ name: 'main', image: 'web:1', state: { terminated: { exitCode: 137 } } }],
  })
  const events = (await running.client.list(event, { namespace: 'default' })).items.filter(({ reason }) => reason === 'Evicted')
  expect(events.map(({ message }) => message)).toEqual([
    'The node was low on resource: ephemeral-storage. Container main was using too much.',
  ])
})

test('a stage for another kind: a load balancer gets its address', async () => {
  const { client, live } = await open(example('balancer-address'), 1)
  const of = (name: string, type: string) =>
    client.create(service, {
      metadata: { name, namespace: 'default' },
      spec: { type, ports: [{ port: 80 }], selector: { a: 'b' } },
    } as never)
  await of('balanced', 'LoadBalancer')
  await of('plain', 'ClusterIP')
  await live(3_000)
  const read = async (name: string) => (await client.get(service, { namespace: 'default', name })).status?.loadBalancer?.ingress
  expect(await read('balanced')).toEqual([{ ip: expect.stringMatching(/^203\.0\.113\.\d+$/), ipMode: 'VIP' }])
  expect(await read('plain')).toBeUndefined()
})

test('the trace: all that it expects holds', async () => {
  const lines: string[] = []
  const trace = readTrace(example('kind: Trace'), () => '')
  expect(await runTrace({ trace, seed: 1, print: (line) => lines.push(line) })).toEqual({ held: 2, failed: 0 })
  expect(lines).toContain('00:01:00  * die: node-2')
})

test('what the API server refuses in a trace is told, and the trace goes on', async () => {
  const lines: string[] = []
  const steps = '{ at: 0s, die: nobody, scale: { of: deployment/none, replicas: 1 }, expect: [{ count: nodes, is: 2 }] }'
  const trace = readTrace(
    `apiVersion: simulation.skiff.dev/v1alpha1\nkind: Trace\nspec: { nodes: 2, until: 1s, steps: [${steps}] }`,
    () => '',
  )
  expect(await runTrace({ trace, seed: 1, print: (line) => lines.push(line) })).toEqual({ held: 1, failed: 0 })
  expect(lines.filter((line) => line.includes('refused'))).toEqual([
    '00:00:00  ! refused: nodes "nobody" not found',
    '00:00:00  ! refused: deployments.apps "none" not found',
  ])
})

test('usage: of the file, of annotations, shared by the pods of a controller', async () => {
  const running = await open(example('ClusterResourceUsage'), 2)
  const usage = async (name: string) => running.simulation.usageOf(await running.client.get(pod, { namespace: 'default', name }))
  await make(running, 'plain')
  await make(running, 'said', { annotations: { 'example.com/memory': '300Mi' } })
  await make(running, 'own', { annotations: { 'simulated.skiff.dev/cpu': '2', 'simulated.skiff.dev/memory': '1Gi' } })
  await running.client.create(replicaSet, {
    metadata: { name: 'shared', namespace: 'default' },
    spec: {
      replicas: 4,
      selector: { matchLabels: { app: 'shared' } },
      template: {
        metadata: { labels: { app: 'shared' }, annotations: { 'simulated.skiff.dev/shared-cpu': '2' } },
        spec: { containers: [container] },
      },
    },
  } as never)
  await running.client.create(pod, {
    metadata: { name: 'unbound', namespace: 'default' },
    spec: { containers: [container], nodeSelector: { no: 'node' } },
  } as never)
  await running.live(3_000)
  expect(await usage('unbound')).toEqual([])
  expect(await usage('plain')).toEqual([{ name: 'main', cpuMilli: 150, memoryBytes: 200 * 2 ** 20 }])
  expect(await usage('said')).toEqual([{ name: 'main', cpuMilli: 150, memoryBytes: 300 * 2 ** 20 }])
  expect(await usage('own')).toEqual([{ name: 'main', cpuMilli: 2_000, memoryBytes: 2 ** 30 }])
  const [shared] = (await running.client.list(pod, { namespace: 'default' }, { query: { labelSelector: 'app=shared' } })).items
  expect(await usage(shared?.metadata.name ?? '')).toEqual([{ name: 'main', cpuMilli: 500, memoryBytes: 200 * 2 ** 20 }])
})
