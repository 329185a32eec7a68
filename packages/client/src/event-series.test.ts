import { configMap, event } from '@skiff/api'
import { expect, test } from 'vitest'
import { connect } from './client.ts'
import { createSeriesRecorder } from './event-series.ts'
import { createMemoryServer } from './testing/memory-server.ts'
import { virtualEnv } from './testing/virtual-env.ts'

const setUp = async () => {
  const env = virtualEnv()
  const server = createMemoryServer(env, [event, configMap])
  const client = connect(server.handler, { name: 'x', groups: [] })
  const about = await client.create(configMap, { metadata: { namespace: 'a', name: 'thing' } })
  const recorder = createSeriesRecorder(client, env, { controller: 'test-scheduler', instance: 'test-scheduler-host' })
  const series = () => server.all(event).map((one) => one.series?.count)
  return { env, server, client, about, recorder, series }
}

test('says who reports, what was done and what else it is about', async () => {
  const { about, recorder, server, client } = await setUp()
  const other = await client.create(configMap, { metadata: { namespace: 'a', name: 'other' } })
  recorder.event(about, 'Normal', 'Preempted', 'it had to go', { action: 'Preempting', related: other })
  await recorder.flushed()
  const [written] = server.all(event)
  expect(written).toMatchObject({
    metadata: { namespace: 'a', name: expect.stringMatching(/^thing\.[0-9a-f]{16}$/) },
    involvedObject: { kind: 'ConfigMap', name: 'thing', uid: about.metadata.uid, resourceVersion: about.metadata.resourceVersion },
    related: { kind: 'ConfigMap', name: 'other' },
    action: 'Preempting',
    reportingComponent: 'test-scheduler',
    reportingInstance: 'test-scheduler-host',
    eventTime: '2025-01-01T00:00:00.000000Z',
  })
  expect(written?.count ?? written?.source ?? written?.firstTimestamp).toBeUndefined()
  await recorder.close()
})

test('the same again is a series, written at its begin and its end; a new version of the object is another matter', async () => {
  const { about, recorder, server, env, series } = await setUp()
  const tell = async (object = about) => {
    recorder.event(object, 'Warning', 'Failed', 'again', { action: 'Trying' })
    await env.advance(1_000)
  }
  await tell()
  expect(series()).toEqual([undefined])
  for (let n = 0; n < 4; n += 1) await tell()
  expect(series()).toEqual([2])
  await env.advance(800_000)
  expect(series()).toEqual([5])
  await tell({ ...about, metadata: { ...about.metadata, resourceVersion: '99' } })
  expect(server.all(event)).toHaveLength(2)
  await recorder.close()
})
