import { node as nodes, pod as pods } from '@skiff/api'
import { connect, createViews, withFaults } from '@skiff/client'
import { seededRandom } from '@skiff/machinery'
import { expect, test } from 'vitest'
import { startScheduler } from './start.ts'
import { nodeOf, podOf } from './testing/objects.ts'
import { memoryCluster } from './testing/running.ts'

const seeds = 40
const rates = { lostCall: 0.1, lostReply: 0.4, delay: 0.8, maxDelayMs: 2_000, repeat: 0.1, cutWatch: 0.1, expiredWatch: 0.02 }

/** Five nodes of ten places and fifty pods, so that every place is needed, created while calls and watches fail; the faults end, and time passes. */
const simulate = async (seed: number) => {
  const { env, server, client: steady } = memoryCluster(seed)
  const faulty = withFaults(server.handler, env, seed, rates)
  const client = connect(faulty.handler, { name: 'scheduler', groups: [] })
  const views = createViews(client, env)
  const starting = startScheduler({ client, views, env })
  const random = seededRandom(seed)
  const overfull: string[] = []
  const check = () => {
    const used = Map.groupBy(
      server.all(pods).filter((pod) => pod.spec.nodeName),
      (pod) => pod.spec.nodeName,
    )
    for (const [name, there] of used) if (there.length > 10) overfull.push(`seed ${seed}: ${there.length} pods on ${name}`)
  }
  for (let i = 0; i < 5; i += 1) await steady.create(nodes, nodeOf(`n${i}`, { allocatable: { cpu: '1' } }))
  await env.advance(120_000)
  for (let i = 0; i < 50; i += 1) {
    await steady.create(pods, podOf(`p${i}`, { requests: { cpu: '100m' } }))
    await env.advance(random() * 1_000)
    check()
  }
  const boundUnderFaults = server.all(pods).filter((pod) => pod.spec.nodeName).length
  faulty.stop()
  for (let i = 0; i < 40; i += 1) {
    await env.advance(10_000)
    check()
  }
  const waiting = server.all(pods).filter((pod) => !pod.spec.nodeName)
  const stopping = starting.then((scheduler) => scheduler.stop())
  await env.advance(200_000)
  await stopping
  await views.close()
  return { boundUnderFaults, overfull, waiting: waiting.map((pod) => `seed ${seed}: ${pod.metadata.name} waits`) }
}

test(`under faults of network and server, over ${seeds} seeds, every pod is placed and no node is overfull`, async () => {
  let faced = 0
  for (let seed = 1; seed <= seeds; seed += 1) {
    const { boundUnderFaults, ...wrong } = await simulate(seed)
    expect(wrong).toEqual({ overfull: [], waiting: [] })
    faced += boundUnderFaults
  }
  expect(faced).toBeGreaterThan(seeds * 20)
})
