import { node as nodes } from '@skiff/api'
import { expect, test } from 'vitest'
import { testCluster } from '../testing/cluster.ts'
import { nodeIpamController } from './nodeipam.ts'

const addNode = (cluster: ReturnType<typeof testCluster>, name: string, spec: object = {}) =>
  cluster.client.create(nodes, { metadata: { name }, spec } as never)

test.each([1, 2, 3])('each node gets a range of its own, whatever is lost (seed %i)', async (seed) => {
  const rates = { lostCall: 0.1, lostReply: 0.1, conflict: 0.1, repeat: 0.1, delay: 0.2, maxDelayMs: 1_000, cutWatch: 0.02 }
  const ranges = { clusterCidr: '10.244.0.0/20,fd00:10::/60' }
  const cluster = testCluster([nodeIpamController(ranges)], { seed, rates })
  await addNode(cluster, 'held', { podCIDR: '10.244.1.0/24', podCIDRs: ['10.244.1.0/24', 'fd00:10:0:1::/64'] })
  for (let at = 0; at < 12; at += 1) await addNode(cluster, `n${at}`)
  await cluster.live(60_000)
  cluster.faults.stop()
  await cluster.live(60_000)
  const given = cluster.server.all(nodes).map(({ spec }) => spec?.podCIDRs ?? [])
  expect(given.every(({ length }) => length === 2)).toBe(true)
  expect(new Set(given.flat()).size).toBe(26)
  expect(given.flat()).toContain('10.244.12.0/24')
  await cluster.stop()
})

test('when all are taken the node is told, and gets one that becomes free', async () => {
  const cluster = testCluster([nodeIpamController({ clusterCidr: '10.0.0.0/25', maskSizes: { ipv4: 26 } })])
  for (const name of ['a', 'b', 'c']) await addNode(cluster, name)
  await cluster.live(5_000)
  expect(cluster.events()[0]).toContain('Normal CIDRNotAvailable: Node c status is now: CIDRNotAvailable')
  await cluster.client.remove(nodes, { name: 'a' })
  await cluster.live(2_000_000)
  expect(cluster.server.all(nodes).map(({ spec }) => spec?.podCIDR)).toEqual(['10.0.0.64/26', '10.0.0.0/26'])
  await cluster.stop()
})
