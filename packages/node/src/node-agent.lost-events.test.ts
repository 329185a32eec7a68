import { type Pod, pod as pods } from '@skiff/api'
import { virtualEnv } from '@skiff/client'
import { expect, test } from 'vitest'
import { startNodeAgent } from './node-agent.ts'
import type { Runtime, RuntimeEvent } from './runtimes/runtime.ts'
import { createSimulatedRuntime, type SimulatedRuntime } from './runtimes/simulated/runtime.ts'
import { createApiForNodes } from './testing/api-for-nodes.ts'

/** A node whose runtime does not tell what `isLost` says, and counts how often it is asked for all it holds. */
const start = async (isLost: (event: RuntimeEvent) => boolean) => {
  const env = virtualEnv()
  const api = createApiForNodes(env)
  const whole = createSimulatedRuntime({ env, podCidr: '10.244.1.0/24' })
  let lists = 0
  const changed: Partial<Runtime> = {
    async *events(signal) {
      for await (const event of whole.events(signal)) if (!isLost(event)) yield event
    },
    listContainers: (filter, options) => {
      if (!filter) lists += 1
      return whole.listContainers(filter, options)
    },
  }
  const runtime: SimulatedRuntime = { ...whole, ...changed }
  const starting = startNodeAgent({
    ...{ client: api.client, env, nodeName: 'n1', runtime, clusterDns: [], clusterDomain: 'cluster.local' },
    addresses: [{ type: 'InternalIP', address: '192.0.2.1' }],
  })
  await env.advance(1)
  const agent = await starting
  const end = async () => {
    await agent.stop()
    whole.close()
  }
  return { api, env, end, lists: () => lists }
}

const pod = (name: string, containers: Pod['spec']['containers'], more: Partial<Pod['spec']> = {}) => ({
  metadata: { name },
  spec: { containers, restartPolicy: 'Never' as const, ...more },
})

test.each([
  ['every event', () => true],
  ['every end', ({ kind }: RuntimeEvent) => kind === 'stopped'],
])('the end of a short container is found within seconds when %s is lost', async (_, isLost) => {
  const { api, env, end } = await start(isLost)
  await env.advance(300_000)
  await api.bind(
    'n1',
    pod('p', [{ name: 'c', image: 'i', command: ['run'] }], { initContainers: [{ name: 'i', image: 'i', command: ['sleep', '0.2'] }] }),
  )
  await api.bind('n1', pod('q', [{ name: 'c', image: 'i', command: ['sleep', '8'] }]))
  await env.advance(1_500)
  expect(api.pod('p')?.status?.phase).toBe('Running')
  expect(api.pod('q')?.status?.phase).toBe('Running')
  await env.advance(15_000)
  expect(api.pod('q')?.status?.phase, 'after at most about twice its age').toBe('Succeeded')
  await end()
})

test('nothing is listed over and over while nothing happens', async () => {
  const { api, env, end, lists } = await start(() => false)
  await api.bind('n1', pod('p', [{ name: 'c', image: 'i', command: ['run'] }]))
  await env.advance(120_000)
  const before = lists()
  await env.advance(3_600_000)
  expect(lists() - before).toBeLessThanOrEqual(60)
  expect(api.server.all(pods)).toHaveLength(1)
  await end()
})
