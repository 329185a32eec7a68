import { configMap } from '@skiff/api'
import type { KubeObject } from '@skiff/machinery'
import { keyOf, seededRandom } from '@skiff/machinery'
import { describe, expect, test } from 'vitest'
import type { Handler } from './call.ts'
import { type Client, connect } from './client.ts'
import { type FaultRates, withFaults } from './testing/faults.ts'
import { createMemoryServer } from './testing/memory-server.ts'
import { virtualEnv } from './testing/virtual-env.ts'
import type { View, ViewChange } from './view.ts'
import { createViews } from './views.ts'

const identity = { name: 'test', groups: [] }
const setUp = (seed = 1) => {
  const env = virtualEnv(seed)
  const server = createMemoryServer(env, [configMap])
  const client = connect(server.handler, identity)
  return { env, server, client }
}
const names = (view: View): string[] => [...view.list()].map(keyOf).sort()
const make = (client: Client, name: string, extra: object = {}) =>
  client.create(configMap, { metadata: { namespace: 'a', name, ...extra }, data: { n: '0' } })

describe('a view', () => {
  test('holds what was there, follows what changes, and shares the objects of a near server', async () => {
    const { env, client, server } = setUp()
    await make(client, 'one')
    const views = createViews(client, env)
    const view = views.view(configMap)
    await views.synced()
    await make(client, 'two')
    await env.settle()
    expect(names(view)).toEqual(['a/one', 'a/two'])
    await client.remove(configMap, { namespace: 'a', name: 'one' })
    await env.settle()
    expect(names(view)).toEqual(['a/two'])
    expect(view.get('a/two')).toBe(server.all(configMap)[0])
    await views.close()
  })

  test('tells a late subscriber what is there, then every change once', async () => {
    const { env, client } = setUp()
    await make(client, 'one')
    const views = createViews(client, env)
    const view = views.view(configMap)
    await views.synced()
    const told: string[] = []
    const stop = view.subscribe(({ key, before, after }) => told.push(`${before ? (after ? 'changed' : 'gone') : 'new'} ${key}`))
    const two = await make(client, 'two')
    await client.update(configMap, { ...two, data: { n: '1' } })
    await client.remove(configMap, { namespace: 'a', name: 'two' })
    await env.settle()
    stop()
    await make(client, 'three')
    await env.settle()
    expect(told).toEqual(['new a/one', 'new a/two', 'changed a/two', 'gone a/two'])
    await views.close()
  })

  test('lists again when its revision is too old, and tells the difference', async () => {
    const { env, client, server } = setUp()
    await make(client, 'stays')
    await make(client, 'goes')
    let cut = false
    const gate: Handler = async (call) => {
      if (cut) throw new Error('connection refused')
      return server.handler(call)
    }
    const views = createViews(connect(gate, identity), env)
    const view = views.view(configMap)
    await views.synced()
    await env.settle()
    const told: ViewChange<KubeObject>[] = []
    view.subscribe((change) => told.push(change))
    told.length = 0
    cut = true
    server.cutHistory()
    await client.remove(configMap, { namespace: 'a', name: 'goes' })
    await make(client, 'comes')
    server.cutHistory()
    await env.advance(500)
    expect(names(view)).toEqual(['a/goes', 'a/stays'])
    cut = false
    await env.advance(60_000)
    expect(told.map(({ key, after }) => `${key} ${after ? 'here' : 'gone'}`)).toEqual(['a/comes here', 'a/goes gone'])
    await views.close()
  })

  test('finds objects by owner and by index, before and after they change', async () => {
    const { env, client } = setUp()
    const owned = (uid: string) => ({ ownerReferences: [{ apiVersion: 'v1', kind: 'X', name: 'x', uid }] })
    const first = await make(client, 'first', { ...owned('u1'), labels: { app: 'red' } })
    await make(client, 'second', { ...owned('u1'), labels: { app: 'blue' } })
    const views = createViews(client, env)
    const view = views.view(configMap)
    view.addIndex('app', (object) => [object.metadata.labels?.app ?? ''])
    await views.synced()
    await env.settle()
    expect(view.ownedBy('u1').map(keyOf)).toEqual(['a/first', 'a/second'])
    expect(view.indexed('app', 'red').map(keyOf)).toEqual(['a/first'])
    await client.update(configMap, { ...first, metadata: { ...first.metadata, labels: { app: 'blue' }, ownerReferences: [] } })
    await env.settle()
    expect(view.ownedBy('u1').map(keyOf)).toEqual(['a/second'])
    expect(view.indexed('app', 'red')).toEqual([])
    expect(view.indexed('app', 'blue').map(keyOf).sort()).toEqual(['a/first', 'a/second'])
    expect(() => view.indexed('nothing', 'x')).toThrow('no index nothing')
    await views.close()
  })

  test('reached: true when the revision came, false when the deadline came first', async () => {
    const { env, client, server } = setUp()
    const views = createViews(client, env)
    const view = views.view(configMap)
    await views.synced()
    const made = await make(client, 'one')
    expect(await view.reached(Number(made.metadata.resourceVersion), 1_000)).toBe(true)
    const never = view.reached(server.revision + 1, 1_000)
    await env.advance(1_000)
    expect(await never).toBe(false)
    await views.close()
  })

  test('of a kind that is not served is empty, and fills once it is', async () => {
    const { env, client, server } = setUp()
    let served = false
    const handler: Handler = async (call) => server.handler(served ? call : { ...call, resource: 'unknown' })
    const views = createViews(connect(handler, identity), env)
    const view = views.view(configMap)
    await views.synced()
    expect(view.size).toBe(0)
    await make(client, 'one')
    served = true
    await env.advance(60_000)
    expect(names(view)).toEqual(['a/one'])
    await views.close()
  })
})

const rates: FaultRates = {
  lostCall: 0.1,
  lostReply: 0.1,
  delay: 0.5,
  maxDelayMs: 300,
  repeat: 0.2,
  cutWatch: 0.2,
  expiredWatch: 0.1,
}

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  'seed %i: whatever the network does, the view ends as the server is, and changes chain',
  async (seed) => {
    const { env, server } = setUp(seed)
    const faulty = withFaults(server.handler, env, seed, rates)
    const client = connect(server.handler, identity)
    const views = createViews(connect(faulty.handler, identity), env)
    const view = views.view(configMap)
    // A mirror that only hears changes must never see one that does not follow from what it heard before.
    const mirror = new Map<string, KubeObject>()
    let newest = 0
    view.subscribe(({ key, before, after }) => {
      expect(mirror.get(key)).toBe(before)
      if (after) mirror.set(key, after)
      else mirror.delete(key)
      newest = Math.max(newest, Number(after?.metadata.resourceVersion ?? 0))
    })
    const random = seededRandom(seed)
    for (let round = 0; round < 200; round += 1) {
      const name = `c${Math.floor(random() * 12)}`
      const held = server.all(configMap).find((object) => object.metadata.name === name)
      if (!held) await make(client, name)
      else if (random() < 0.4) await client.remove(configMap, { namespace: 'a', name })
      else await client.update(configMap, { ...held, data: { n: String(round) } })
      if (random() < 0.05) server.cutHistory()
      if (random() < 0.05) void view.refresh().catch(() => {})
      await env.advance(random() * 200)
    }
    faulty.stop()
    await env.advance(120_000)
    expect([...view.list()].map((object) => [keyOf(object), object.metadata.resourceVersion]).sort()).toEqual(
      server.all(configMap).map((object) => [keyOf(object), object.metadata.resourceVersion]),
    )
    expect(mirror.size).toBe(view.size)
    expect(view.revision).toBeGreaterThanOrEqual(newest)
    await views.close()
  },
)
