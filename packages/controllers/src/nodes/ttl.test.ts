import { node } from '@skiff/api'
import { expect, test } from 'vitest'
import { testCluster } from '../testing/cluster.ts'
import { ttlController, ttlStep } from './ttl.ts'

test.each([
  [0, 1, 0],
  [0, 100, 0],
  [0, 101, 1],
  [1, 90, 1],
  [1, 89, 0],
  [0, 5000, 4],
  [5, 9000, 5],
  [5, 8999, 4],
  [5, 0, 0],
])('from step %i a cluster of %i nodes comes to step %i', (before, count, after) => {
  expect(ttlStep(before, count)).toBe(after)
})

test('all nodes carry the seconds for the size of the cluster', async () => {
  const cluster = testCluster([ttlController()])
  const shown = () => new Set(cluster.server.all(node).map(({ metadata }) => metadata.annotations?.['node.alpha.kubernetes.io/ttl']))
  const add = async (from: number, to: number) => {
    for (let n = from; n <= to; n += 1) await cluster.client.create(node, { metadata: { name: `n${n}` }, spec: {} })
    await cluster.env.advance(1_000)
  }
  await add(1, 100)
  expect(shown()).toEqual(new Set(['0']))
  await add(101, 101)
  expect(shown()).toEqual(new Set(['15']))
  for (let n = 90; n <= 101; n += 1) await cluster.client.remove(node, { name: `n${n}` })
  await cluster.env.advance(1_000)
  expect(shown()).toEqual(new Set(['0']))
  await cluster.client.patch(node, { name: 'n1' }, 'merge', { metadata: { annotations: { 'node.alpha.kubernetes.io/ttl': 'x' } } })
  await cluster.env.advance(1_000)
  expect(shown()).toEqual(new Set(['0']))
  await cluster.stop()
})
