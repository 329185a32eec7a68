import { buildBuiltins, type Kind } from '@skiff/api'
import { type VirtualEnv, virtualEnv } from '@skiff/client'
import { rfc3339 } from '@skiff/machinery'
import { openMemoryStore, type Store } from '@skiff/store'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { CacheEvent } from '../registry/cache.ts'
import { openStorage, type Storage } from '../registry/storage.ts'
import { entriesOf } from '../registry/tree.ts'
import { eventTtlMs, expireEvents, writtenMs } from './events.ts'

const minuteMs = 60_000
const kind = buildBuiltins().kinds.find((each) => each.group === '' && each.plural === 'events') as Kind

const startMs = Date.parse('2026-01-01T00:00:00Z')
const event = (name: string, more: object = {}, creationTimestamp = '2026-01-01T00:00:00Z') =>
  ({ apiVersion: 'v1', kind: 'Event', metadata: { name, namespace: 'default', uid: name, creationTimestamp }, ...more }) as never

describe('when an event was last written', () => {
  const cases: readonly [string, object, number][] = [
    ['its creation', {}, 0],
    ['its last time', { lastTimestamp: '2026-01-01T00:30:00Z' }, 30],
    ['the last of a series', { eventTime: '2026-01-01T00:01:00.000000Z', series: { lastObservedTime: '2026-01-01T00:45:00.000000Z' } }, 45],
    ['not the future', { lastTimestamp: '2036-01-01T00:00:00Z' }, 60],
    ['not a null', { lastTimestamp: null, eventTime: null }, 0],
  ]
  test.each(cases)('%s', (_, more, minutes) => {
    expect(writtenMs(event('a', more), startMs + 60 * minuteMs) - startMs).toBe(minutes * minuteMs)
  })
})

describe('the sweep', () => {
  let env: VirtualEnv
  let store: Store
  let storage: Storage
  beforeEach(async () => {
    env = virtualEnv()
    store = openMemoryStore()
    storage = await openStorage(store, env)
  })
  afterEach(async () => {
    await storage.close()
    await store.close()
  })
  const put = async (name: string, expected: 'absent' | number = 'absent', more: object = {}) =>
    (await storage.put(kind, `default/${name}`, event(name, more, rfc3339(env.now())), expected))?.revision as number
  const names = async () => [...entriesOf((await storage.cache(kind)).tree, '')].map(({ object }) => object.metadata.name)

  test('deletes an event an hour after its last write, whatever that write was', async () => {
    const expiry = expireEvents(storage, kind, env)
    await put('once')
    const renewed = await put('renewed')
    await env.advance(30 * minuteMs)
    await put('renewed', renewed, { reason: 'a label, a count' })
    await put('later')
    await env.advance(30 * minuteMs - 1)
    expect(await names()).toEqual(['later', 'once', 'renewed'])
    await env.advance(1_001)
    expect(await names()).toEqual(['later', 'renewed'])
    await env.advance(30 * minuteMs)
    expect(await names()).toEqual([])
    expiry.stop()
  })

  test('goes on where a server before it stopped, and watchers see the deletions', async () => {
    for (let n = 0; n < 200; n++) await put(`old-${n}`)
    await env.advance(59 * minuteMs)
    await put('new')
    const deleted: (CacheEvent | undefined)[] = []
    ;(await storage.cache(kind)).listeners.add((changes) => deleted.push(...changes.filter(({ after }) => !after)))
    const expiry = expireEvents(storage, kind, env)
    await env.advance(2 * minuteMs)
    expect(await names()).toEqual(['new'])
    expect(deleted).toHaveLength(200)
    expect(deleted[0]?.gone?.object.metadata.resourceVersion).toBe(String(deleted[0]?.revision))
    expiry.stop()
  })

  test('does not delete what another server renewed meanwhile', async () => {
    const revision = await put('a')
    const expiry = expireEvents(storage, kind, env)
    // The other server's write is durable before this one's memory has it: the sweep still expects the old version.
    const removed: number[] = []
    const slow: Storage = {
      ...storage,
      remove: async (...args) => {
        await put('a', revision)
        removed.push((await storage.remove(...args)) ?? 0)
        return undefined
      },
    }
    expiry.stop()
    const second = expireEvents(slow, kind, env)
    await env.advance(eventTtlMs + minuteMs)
    expect(removed).toEqual([0])
    expect(await names()).toEqual(['a'])
    second.stop()
  })

  test('stops when told', async () => {
    await put('a')
    const expiry = expireEvents(storage, kind, env)
    expiry.stop()
    await env.advance(2 * eventTtlMs)
    expect(await names()).toEqual(['a'])
  })
})
