import { configMap, event } from '@skiff/api'
import { Refusal } from '@skiff/machinery'
import { expect, test } from 'vitest'
import type { Handler } from './call.ts'
import { connect } from './client.ts'
import { createRecorder } from './events.ts'
import { createMemoryServer } from './testing/memory-server.ts'
import { virtualEnv } from './testing/virtual-env.ts'

const setUp = async (around: (handler: Handler) => Handler = (handler) => handler) => {
  const env = virtualEnv()
  const server = createMemoryServer(env, [event, configMap])
  const client = connect(server.handler, { name: 'x', groups: [] })
  const about = await client.create(configMap, { metadata: { namespace: 'a', name: 'thing' } })
  const recorder = createRecorder(connect(around(server.handler), client.identity), env, { component: 'test-controller', host: 'n1' })
  const shown = () => server.all(event).map(({ reason, message, count }) => `${count} ${reason}: ${message}`)
  return { env, server, client, about, recorder, shown }
}

test('is written as upstream components write it', async () => {
  const { about, recorder, server } = await setUp()
  recorder.event(about, 'Warning', 'Broken', 'it broke')
  await recorder.flushed()
  const [written] = server.all(event)
  expect(written).toMatchObject({
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { namespace: 'a', name: expect.stringMatching(/^thing\.1816687ec0[56][0-9a-f]{5}$/) },
    involvedObject: { kind: 'ConfigMap', apiVersion: 'v1', namespace: 'a', name: 'thing', uid: about.metadata.uid },
    type: 'Warning',
    reason: 'Broken',
    message: 'it broke',
    source: { component: 'test-controller', host: 'n1' },
    reportingComponent: 'test-controller',
    reportingInstance: 'n1',
    firstTimestamp: '2025-01-01T00:00:00Z',
    lastTimestamp: '2025-01-01T00:00:00Z',
    count: 1,
  })
})

test('the same again counts up; it is made anew when the server has forgotten it', async () => {
  const { about, recorder, server, client, env, shown } = await setUp()
  for (let n = 0; n < 3; n += 1) {
    await env.advance(1_000)
    recorder.event(about, 'Normal', 'Same', 'again')
  }
  await recorder.flushed()
  expect(shown()).toEqual(['3 Same: again'])
  const [written] = server.all(event)
  expect([written?.firstTimestamp, written?.lastTimestamp]).toEqual(['2025-01-01T00:00:01Z', '2025-01-01T00:00:03Z'])
  await client.remove(event, { namespace: 'a', name: written?.metadata.name ?? '' })
  recorder.event(about, 'Normal', 'Same', 'again')
  await recorder.flushed()
  expect(shown()).toEqual(['1 Same: again'])
})

test('from the tenth text of one reason on they are combined', async () => {
  const { about, recorder, shown } = await setUp()
  for (let n = 1; n <= 12; n += 1) recorder.event(about, 'Normal', 'Made', `pod ${n}`)
  await recorder.flushed()
  expect(shown()).toHaveLength(10)
  expect(shown().at(-1)).toBe('3 Made: (combined from similar events): pod 12')
})

test('an object may chatter 25 times, then once in five minutes', async () => {
  const { about, recorder, env, server } = await setUp()
  for (let n = 0; n < 40; n += 1) recorder.event(about, 'Normal', `R${n}`, 'm')
  await recorder.flushed()
  expect(server.all(event)).toHaveLength(25)
  await env.advance(300_000)
  recorder.event(about, 'Normal', 'R40', 'm')
  recorder.event(about, 'Normal', 'R41', 'm')
  await recorder.flushed()
  expect(server.all(event)).toHaveLength(26)
})

test('recorders of one instant do not take names from each other', async () => {
  const { about, server, env } = await setUp()
  const recorders = ['a', 'b', 'c'].map((component) =>
    createRecorder(connect(server.handler, { name: 'x', groups: [] }), env, { component }),
  )
  for (const recorder of recorders) recorder.event(about, 'Normal', 'Same', 'instant')
  for (const recorder of recorders) await recorder.flushed()
  expect(server.all(event)).toHaveLength(3)
})

test('a name that is taken is drawn again', async () => {
  const { env, server, client, about } = await setUp()
  // Each draw of chance comes twice, so that the second recorder meets the first one's name before it finds its own.
  const draws = [0.25, 0.25, 0.75, 0.75]
  const twins = { ...env, random: () => draws.shift() ?? 0.5 }
  const [first, second] = ['a', 'b'].map((component) => createRecorder(client, twins, { component }))
  first?.event(about, 'Normal', 'Same', 'instant')
  await first?.flushed()
  second?.event(about, 'Normal', 'Same', 'instant')
  await second?.flushed()
  const names = server.all(event).map(({ metadata }) => BigInt(`0x${metadata.name.split('.')[1]}`) % 1_000_000n)
  expect(names).toEqual([250_000n, 750_000n])
})

test('a refused event is dropped, an unreachable server is tried again', async () => {
  let fault: Error | undefined = new Refusal(403, 'Forbidden', 'terminating')
  const { about, recorder, env, shown } = await setUp((handler) => async (call) => {
    if (fault) throw fault
    return handler(call)
  })
  recorder.event(about, 'Normal', 'Refused', 'm')
  await recorder.flushed()
  fault = new Error('connection refused')
  recorder.event(about, 'Normal', 'Late', 'm')
  await env.advance(15_000)
  fault = undefined
  await env.advance(10_000)
  await recorder.flushed()
  expect(shown()).toEqual(['1 Late: m'])
})
