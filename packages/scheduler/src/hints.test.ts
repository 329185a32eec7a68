import { type Node, node as nodes, type Pod, pod as pods } from '@skiff/api'
import { seededRandom } from '@skiff/machinery'
import { expect, test } from 'vitest'
import { complaints } from './testing/hard-constraints.ts'
import { nodeOf } from './testing/objects.ts'
import { type Running, running } from './testing/running.ts'
import { seededCluster } from './testing/seeded-cluster.ts'

const seeds = 60

/** One thing that happens to a cluster and may make room. */
const happen = async ({ client, server }: Running, random: () => number, step: number): Promise<void> => {
  const pick = <T>(from: readonly T[]): T | undefined => from[Math.floor(random() * from.length)]
  const node = pick(server.all(nodes))
  const placed = pick(server.all(pods).filter((pod) => pod.spec.nodeName))
  const name = node?.metadata.name ?? ''
  switch (Math.floor(random() * 7)) {
    case 0:
    case 1:
      if (placed) await client.remove(pods, { namespace: 'a', name: placed.metadata.name }, { gracePeriodSeconds: 0 })
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
      await client.patch(nodes, { name, subresource: 'status' }, 'merge', { status: { allocatable: { cpu: '6', pods: '12' } } })
      return
    default:
      await client.create(nodes, nodeOf(`late${step}`, { labels: { 'topology.kubernetes.io/zone': 'a', disk: 'ssd' } }))
  }
}

/** Pods that wait although a node would take them. */
const overlooked = (all: readonly Node[], existing: readonly Pod[]): string[] => {
  const placed = existing.filter((pod) => pod.spec.nodeName)
  const waiting = existing.filter((pod) => !pod.spec.nodeName)
  return waiting.flatMap((pod) => {
    const free = all.filter((node) => complaints(pod, node, { nodes: all, placed }).length === 0)
    return free.map((node) => `${pod.metadata.name} would fit ${node.metadata.name}`)
  })
}

test(`over ${seeds} seeds, no event leaves a pod waiting that could go in`, async () => {
  const wrong: string[] = []
  let wereWaiting = 0
  for (let seed = 1; seed <= seeds; seed += 1) {
    const cluster = await running()
    const made = seededCluster(seed)
    const random = seededRandom(seed)
    // Of one priority: preemption has its own tests.
    const equal = made.pods.map((pod) => ({ ...pod, spec: { ...pod.spec, priority: 0 } }))
    await cluster.add(...made.nodes, ...equal)
    wereWaiting += Object.values(cluster.places()).filter((place) => place === '').length
    for (let step = 0; step < 15; step += 1) {
      await happen(cluster, random, step)
      await cluster.settle()
      // All backoffs, but not the five minutes after which any pod is tried.
      await cluster.env.advance(11_000)
      await cluster.settle()
      const found = overlooked(cluster.server.all(nodes), cluster.server.all(pods))
      wrong.push(...found.map((text) => `seed ${seed}, step ${step}: ${text}`))
    }
    await cluster.stop()
  }
  expect(wrong.slice(0, 20)).toEqual([])
  expect(wereWaiting).toBeGreaterThan(seeds)
})
