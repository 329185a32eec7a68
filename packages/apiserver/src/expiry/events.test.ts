import { buildBuiltins, type Kind } from '@skiff/api'
import { virtualEnv } from '@skiff/client'
import { rfc3339 } from '@skiff/machinery'
import { openMemoryStore } from '@skiff/store'
import { expect, test } from 'vitest'
import type { Entry } from '../registry/entry.ts'
import { openStorage } from '../registry/storage.ts'
import { entriesOf } from '../registry/tree.ts'
import { eventTtlMs, expiredEvents, expireEvents } from './events.ts'

const startMs = Date.parse('2026-01-01T00:00:00Z')
const entry = (key: string, times: object): Entry =>
  ({
    key,
    revision: 1,
    object: { metadata: { name: key, creationTimestamp: '2026-01-01T00:00:00Z' }, ...times },
    bytes: Buffer.alloc(0),
  }) as unknown as Entry

test('an event is over an hour after the newest time that it names', () => {
  const entries = [
    entry('plain', {}),
    entry('again', { lastTimestamp: '2026-01-01T00:30:00Z' }),
    entry('series', { eventTime: '2026-01-01T00:00:00.000000Z', series: { lastObservedTime: '2026-01-01T00:45:00.000000Z' } }),
  ]
  const over = (minutes: number) => expiredEvents(entries, startMs + minutes * 60_000).map(({ key }) => key)
  expect(over(59)).toEqual([])
  expect(over(60)).toEqual(['plain'])
  expect(over(90)).toEqual(['plain', 'again'])
  expect(over(105)).toEqual(['plain', 'again', 'series'])
})

test('the sweep deletes what is over and leaves the rest', async () => {
  const env = virtualEnv()
  const store = openMemoryStore()
  const storage = await openStorage(store, env)
  const kind = buildBuiltins().kinds.find((each) => each.group === '' && each.plural === 'events') as Kind
  const put = (name: string) =>
    storage.put(
      kind,
      `default/${name}`,
      {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name, namespace: 'default', uid: name, creationTimestamp: rfc3339(env.now()) },
      } as never,
      'absent',
    )
  const names = async () => [...entriesOf((await storage.cache(kind)).tree, '')].map(({ key }) => key)
  await put('old')
  const expiry = expireEvents(storage, kind, env)
  await env.advance(eventTtlMs / 2)
  await put('new')
  await env.advance(eventTtlMs / 2)
  expect(await names()).toEqual(['default/new'])
  expiry.stop()
  await storage.close()
  await store.close()
})
