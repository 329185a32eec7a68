import { namespace as namespaces, node as nodes, type Pod, pod as pods } from '@skiff/api'
import { seededRandom } from '@skiff/machinery'
import { expect, test } from 'vitest'
import { complaints } from './testing/hard-constraints.ts'
import { nodeOf } from './testing/objects.ts'
import { type Running, running } from './testing/running.ts'
import { seededCluster } from './testing/seeded/seeded-cluster.ts'

const seeds = 60

/** One thing that happens to a cluster and may make room. */
const happen = async ({ client, server }: Running, random: () => number, step: number): Promise<void> => {
  const pick = <T>(from: readonly T[]): T | undefined => from[Math.floor(random() * from.length)]
  const node = pick(server.all(nodes))
  const placed = pick(server.all(pods).filter((pod) => pod.spec.nodeName))
  const name = node?.metadata.name ?? ''
  switch (Math.floor(random() * 8)) {
    case 0:
    case 1:
      if (placed)
        await client.remove(pods, { namespace: placed.metadata.namespace ?? '', name: placed.metadata.name }, { gracePeriodSeconds: 0 })
      return
    case 2:
      await client.patch(nodes, { name }, 'merge', { spec: { unschedulable: null } })
      return
    case 3:
      await client.patch(nodes, { name }, 'merge', { spec: { taints: null } })
      return
    case 4:
      await client.patch(nodes, { name }, 'merge', { metadata: { labels: { disk: random() < 0.5 ? 'ssd' : 'hdd' } } })
      return
    case 5:
      await client.patch(namespaces, { name: 'b' }, 'merge', { metadata: { labels: { team: random() < 0.5 ? 'red' : 'blue' } } })
      return
    case 6:
      await client.patch(nodes, { name, subresource: 'status' }, 'merge', { status: { allocatable: { cpu: '6', pods: '12' } } })
      return
    default:
      await client.create(nodes, nodeOf(`late${step}`, { labels: { 'topology.kubernetes.io/zone': 'a', disk: 'ssd' } }))
  }
}

/** Pods that wait although a node would take them. */
const overlooked = ({ server }: Running): string[] => {
  const existing = server.all(pods)
  const none = { claims: new Map(), volumes: new Map(), classes: new Map(), csiNodes: new Map() }
  const labels = new Map(server.all(namespaces).map(({ metadata }) => [metadata.name, metadata.labels ?? {}]))
  const facts = { nodes: server.all(nodes), placed: existing.filter((pod) => pod.spec.nodeName), namespaces: labels, ...none }
  const waiting = existing.filter((pod) => !pod.spec.nodeName)
  return waiting.flatMap((pod) => {
    const free = facts.nodes.filter((node) => complaints(pod, node, facts).length === 0)
    return free.map((node) => `${pod.metadata.name} would fit ${node.metadata.name}`)
  })
}

/** Of one priority, for preemption has its own tests; and without volumes, which nobody would bind here, and gates. */
const plain = ({ spec: { volumes: _, schedulingGates: __, ...spec }, ...pod }: Pod): Pod => ({ ...pod, spec: { ...spec, priority: 0 } })

test(`over ${seeds} seeds, no event leaves a pod waiting that could go in`, async () => {
  const wrong: string[] = []
  let wereWaiting = 0
  for (let seed = 1; seed <= seeds; seed += 1) {
    const cluster = await running()
    const made = seededCluster(seed)
    const random = seededRandom(seed)
    for (const [name, labels] of made.namespaces) await cluster.client.create(namespaces, { metadata: { name, labels }, spec: {} })
    await cluster.add(...made.nodes, ...made.pods.map(plain))
    wereWaiting += Object.values(cluster.places()).filter((place) => place === '').length
    for (let step = 0; step < 15; step += 1) {
      await happen(cluster, random, step)
      await cluster.settle()
      // All backoffs, but not the five minutes after which any pod is tried.
      await cluster.env.advance(11_000)
      await cluster.settle()
      wrong.push(...overlooked(cluster).map((text) => `seed ${seed}, step ${step}: ${text}`))
    }
    await cluster.stop()
  }
  expect(wrong.slice(0, 20)).toEqual([])
  expect(wereWaiting).toBeGreaterThan(seeds)
})
