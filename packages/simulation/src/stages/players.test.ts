import { customResourceDefinition, node } from '@skiff/api'
import { afterEach, expect, test } from 'vitest'
import { usualShape } from '../nodes/shape.ts'
import { createWorld, type World } from '../world/world.ts'

let world: World | undefined
afterEach(async () => {
  await world?.stop()
  world = undefined
})
const open = async (file: string): Promise<World> => {
  world = await createWorld({ seed: 1, shapes: [usualShape(2)], file })
  return world
}

const widgetStage = `
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: { name: widget-ready }
spec:
  resourceRef: { apiGroup: example.com/v1, kind: Widget }
  selector:
    matchExpressions:
      - { key: .status.phase, operator: DoesNotExist }
  delay: { durationMilliseconds: 1000 }
  next:
    statusTemplate: |
      phase: {{ .spec.size | upper | Quote }}
`
const definition = {
  metadata: { name: 'widgets.example.com' },
  spec: {
    group: 'example.com',
    names: { kind: 'Widget', plural: 'widgets' },
    scope: 'Namespaced',
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
}

test('a stage for a custom kind waits until that kind is defined', async () => {
  const { client, live, api } = await open(widgetStage)
  await client.create(customResourceDefinition, definition as never)
  await live(3_000)
  const widget = api.registry.all().find(({ kind }) => kind === 'Widget')
  if (!widget) throw new Error('widgets are not served')
  await client.create(widget, { metadata: { name: 'one', namespace: 'default' }, spec: { size: 'small' } } as never)
  await live(3_000)
  expect(await client.get(widget, { namespace: 'default', name: 'one' })).toMatchObject({ status: { phase: 'SMALL' } })
})

test("a stage for a kind of upstream's own that is not served is refused at once", async () => {
  await expect(open(widgetStage.replace('example.com/v1', 'apps/v1'))).rejects.toThrow(
    'Stage widget-ready is for Widget.apps, which is not served',
  )
})

const illNodes = `
apiVersion: simulation.skiff.dev/v1alpha1
kind: Simulation
spec: { keepBuiltinStages: true }
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: { name: node-ill }
spec:
  resourceRef: { kind: Node }
  selector:
    matchLabels: { ill: "yes" }
    matchExpressions:
      - { key: .status.phase, operator: In, values: [Running] }
  weight: 1
  delay: { durationMilliseconds: 1000 }
  next:
    statusTemplate: |
      conditions:
      - { type: Ready, status: "False", reason: Ill, message: as the label says, lastHeartbeatTime: {{ Now | Quote }} }
`

test('a stage that makes nodes ill stands beside the built-in life of nodes, which makes them well again', async () => {
  const { client, live } = await open(illNodes)
  const ready = async () => (await client.get(node, { name: 'node-1' })).status?.conditions?.find(({ type }) => type === 'Ready')
  const label = (ill: string | null) => client.patch(node, { name: 'node-1' }, 'merge', { metadata: { labels: { ill } } })
  await live(5_000)
  expect(await ready()).toMatchObject({ status: 'True' })
  await label('yes')
  await live(120_000)
  expect(await ready()).toMatchObject({ status: 'False', reason: 'Ill' })
  await label(null)
  await live(3_000)
  expect(await ready()).toMatchObject({ status: 'True', reason: 'KubeletReady' })
})
