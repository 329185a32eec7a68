import type { ConfigMap, Resource, Secret } from '@skiff/api'
import { configMap as configMaps, secret as secrets } from '@skiff/api'
import { type Call, type Handler, isConflict } from '@skiff/client'
import { conflict, forbidden, type Refusal } from '@skiff/machinery'
import { describe, expect, test } from 'vitest'
import { controlledBy } from '../ownership.ts'
import { type TestCluster, type TestClusterOptions, testCluster } from '../testing/cluster.ts'
import { type Controller, objectController, owned } from './controller.ts'
import { create, fail, remove, requeue, type Steps, together } from './step.ts'

const target = { namespace: 'a', name: 'root' }

/** Owns as many secrets as its map says: the smallest controller that doubles what it makes when it acts on old views. */
const copies = (more: (map: ConfigMap, held: readonly Secret[]) => Steps = () => []): Controller =>
  objectController({
    name: 'copies',
    account: 'copies',
    resource: configMaps,
    watches: [owned(secrets, configMaps)],
    plan: (map, views) => {
      const held = views.view(secrets).ownedBy(map.metadata.uid)
      const missing = Number(map.data?.count) - held.length
      const draft = {
        metadata: { namespace: 'a', generateName: 'copy-', ownerReferences: [controlledBy(configMaps, map)] },
      }
      return [
        ...more(map, held),
        ...Array.from({ length: Math.max(0, missing) }, () => create(secrets, draft)),
        ...held.slice(0, Math.max(0, -missing)).map((one) => remove(secrets, one)),
      ]
    },
  })
const want = async (cluster: TestCluster, count: number) =>
  cluster.client.create(configMaps, { metadata: target, data: { count: String(count) } })
const rewant = (cluster: TestCluster, count: number) =>
  cluster.client.patch(configMaps, target, 'merge', { data: { count: String(count) } })
const made = (cluster: TestCluster) => cluster.server.all(secrets).length
const writes = (cluster: TestCluster, verb: string) => cluster.server.writes.filter((line) => line.startsWith(`${verb} secrets`)).length
const metrics = (cluster: TestCluster) => cluster.running[0]?.metrics

/** Sees every call before and after the server. */
const around =
  (see: (call: Call, go: () => ReturnType<Handler>) => ReturnType<Handler>): TestClusterOptions['around'] =>
  (handler) =>
  (call) =>
    see(call, () => handler(call))
const isCreate = ({ verb, resource }: Call) => verb === 'create' && resource === 'secrets'

/** A watch of secrets that is `late` behind. */
const lateWatch = (lateMs: () => number, sleep: (ms: number) => Promise<void>) =>
  around(async (call, go) => {
    const reply = await go()
    if (!('watch' in reply) || call.resource !== 'secrets') return reply
    const { watch } = reply
    return {
      watch: (async function* () {
        for await (const frames of watch) {
          if (lateMs() > 0) await sleep(lateMs())
          yield frames
        }
      })(),
    }
  })

describe('the barrier', () => {
  test.each([0, 50, 2_000])('views that are %i ms behind are waited for: nothing is made twice', async (lateMs) => {
    let cluster: TestCluster | undefined
    cluster = testCluster([copies()], {
      around: lateWatch(
        () => lateMs,
        (ms) => (cluster as TestCluster).env.sleep(ms),
      ),
    })
    await want(cluster, 5)
    await rewant(cluster, 6)
    await cluster.env.advance(20_000)
    expect([made(cluster), writes(cluster, 'create')]).toEqual([6, 6])
    await rewant(cluster, 2)
    await cluster.env.advance(20_000)
    expect([made(cluster), writes(cluster, 'delete')]).toEqual([2, 4])
    expect(metrics(cluster)).toMatchObject({ failures: 0, doubts: 0 })
    await cluster.stop()
  })

  test('a view that stays behind is listed afresh', async () => {
    let lateMs = 60_000
    let cluster: TestCluster | undefined
    cluster = testCluster([copies()], {
      around: lateWatch(
        () => lateMs,
        (ms) => (cluster as TestCluster).env.sleep(ms),
      ),
    })
    await want(cluster, 3)
    await cluster.env.advance(1_000)
    await rewant(cluster, 4)
    await cluster.env.advance(30_000)
    expect([made(cluster), writes(cluster, 'create')]).toEqual([4, 4])
    lateMs = 0
    await cluster.env.advance(60_000)
    await cluster.stop()
  })

  test('is taken when a step failed midway too', async () => {
    let refusals = 3
    let cluster: TestCluster | undefined
    cluster = testCluster([copies()], {
      around: (handler) => async (call) => {
        if (isCreate(call) && writes(cluster as TestCluster, 'create') === 2 && refusals > 0) {
          refusals -= 1
          throw forbidden(call, '', 'exceeded quota')
        }
        return handler(call)
      },
      rates: { delay: 1, maxDelayMs: 400 },
    })
    await want(cluster, 5)
    await cluster.env.advance(30_000)
    expect([made(cluster), writes(cluster, 'create')]).toEqual([5, 5])
    expect(metrics(cluster)?.failures).toBe(3)
    await cluster.stop()
  })

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('seed %i: replies that are lost are found out about', async (seed) => {
    const cluster = testCluster([copies()], {
      seed,
      rates: { lostReply: 0.3, lostCall: 0.1, delay: 0.5, maxDelayMs: 500, cutWatch: 0.1, repeat: 0.1, expiredWatch: 0.05 },
    })
    await want(cluster, 8)
    await cluster.env.advance(100_000)
    expect(writes(cluster, 'create')).toBe(8)
    cluster.faults.stop()
    await rewant(cluster, 3)
    await cluster.env.advance(100_000)
    expect([made(cluster), writes(cluster, 'create'), writes(cluster, 'delete')]).toEqual([3, 8, 5])
    await cluster.stop()
  })

  test('while the list fails too, no plan is made', async () => {
    let isDown = false
    const cluster = testCluster([copies()], {
      around: around(async (call, go) => {
        if (isDown) throw new Error('connection refused')
        const reply = await go()
        if (isCreate(call) && made(cluster) === 2) {
          isDown = true
          throw new Error('connection reset')
        }
        return reply
      }),
    })
    await want(cluster, 4)
    await cluster.env.advance(20_000)
    const plans = metrics(cluster)?.plans
    await cluster.env.advance(60_000)
    expect(metrics(cluster)?.plans).toBe(plans)
    expect(metrics(cluster)?.doubts).toBeGreaterThan(0)
    isDown = false
    await cluster.env.advance(60_000)
    expect([made(cluster), writes(cluster, 'create')]).toEqual([4, 4])
    await cluster.stop()
  })
})

describe('the runner', () => {
  test('tries again what failed, later each time', async () => {
    const triedMs: number[] = []
    let cluster: TestCluster | undefined
    cluster = testCluster([copies()], {
      around: around((call, go) => {
        if (!isCreate(call)) return go()
        triedMs.push((cluster as TestCluster).env.monotonicMs())
        throw forbidden(call, '', 'no')
      }),
    })
    await want(cluster, 1)
    await cluster.env.advance(1_000)
    const waits = triedMs.slice(1).map((ms, at) => ms - (triedMs[at] ?? 0))
    expect(waits).toEqual([5, 10, 20, 40, 80, 160, 320])
    await cluster.stop()
  })

  test('tells conflicts from failures, and leaves a namespace that goes in peace', async () => {
    let answer: (call: Call) => Refusal = (call) => conflict(call, 'x', 'the object has been modified')
    let refusing = true
    const cluster = testCluster([copies()], {
      around: around((call, go) => {
        if (!isCreate(call) || !refusing) return go()
        const error = answer(call)
        if (isConflict(error)) refusing = false
        throw error
      }),
    })
    await want(cluster, 1)
    await cluster.env.advance(1_000)
    expect(metrics(cluster)).toMatchObject({ conflicts: 1, failures: 0 })
    expect(made(cluster)).toBe(1)
    refusing = true
    answer = (call) => forbidden(call, '', 'unable to create new content in namespace a because it is being terminated')
    await rewant(cluster, 2)
    await cluster.env.advance(1_000)
    const plans = metrics(cluster)?.plans
    await cluster.env.advance(100_000)
    expect(metrics(cluster)).toMatchObject({ conflicts: 1, failures: 0, plans })
    await cluster.stop()
  })

  test('works on a key once at a time, and on others meanwhile', async () => {
    const open = new Map<string, number>()
    let most = 0
    let atOnce = 0
    let cluster: TestCluster | undefined
    cluster = testCluster([copies()], {
      around: around(async (call, go) => {
        if (!isCreate(call) || !('object' in (call.body ?? {}))) return go()
        const owner = (call.body as { object: Secret }).object.metadata.ownerReferences?.[0]?.name ?? ''
        open.set(owner, (open.get(owner) ?? 0) + 1)
        most = Math.max(most, open.get(owner) ?? 0)
        atOnce = Math.max(atOnce, [...open.values()].filter((count) => count > 0).length)
        await (cluster as TestCluster).env.sleep(100)
        open.set(owner, (open.get(owner) ?? 0) - 1)
        return go()
      }),
    })
    for (const name of ['one', 'two', 'three'])
      await cluster.client.create(configMaps, { metadata: { namespace: 'a', name }, data: { count: '3' } })
    for (let n = 0; n < 5; n += 1) {
      await cluster.env.advance(90)
      await cluster.client.patch(configMaps, { namespace: 'a', name: 'one' }, 'merge', { data: { n: String(n) } })
    }
    await cluster.env.advance(5_000)
    expect([most, atOnce, made(cluster)]).toEqual([1, 3, 9])
    await cluster.stop()
  })

  test('plans again at the time asked for, and never more than half a day ahead', async () => {
    const plannedMs: number[] = []
    let cluster: TestCluster | undefined
    cluster = testCluster([
      copies(() => {
        plannedMs.push((cluster as TestCluster).env.monotonicMs())
        return [requeue(plannedMs.length === 1 ? 7_000 : 90 * 86_400_000)]
      }),
    ])
    await want(cluster, 0)
    await cluster.env.advance(8_000)
    expect(plannedMs).toEqual([0, 7_000])
    await cluster.env.advance(13 * 3_600_000)
    expect(plannedMs).toEqual([0, 7_000, 7_000 + 12 * 3_600_000])
    await cluster.stop()
  })

  test('stops in the middle of its work, and does nothing after', async () => {
    let cluster: TestCluster | undefined
    cluster = testCluster([copies()], {
      around: around(async (call, go) => {
        if (isCreate(call)) await (cluster as TestCluster).env.sleep(1_000)
        return go()
      }),
    })
    await want(cluster, 5)
    await cluster.env.advance(1_500)
    await cluster.stop()
    const after = made(cluster)
    expect(after).toBeLessThan(5)
    await cluster.env.advance(60_000)
    expect(made(cluster)).toBe(after)
  })

  test('follows kinds that come and go', async () => {
    const thing: Resource = { group: 'example.com', version: 'v1', kind: 'Thing', plural: 'things', namespaced: true }
    let isServed = false
    const seen: string[] = []
    const watcher: Controller = {
      name: 'watcher',
      account: 'watcher',
      component: 'watcher',
      dynamic: true,
      watches: () => (isServed ? [{ resource: thing as Resource<never>, keys: ({ key }: { key: string }) => [key] }] : []),
      plan: (key) => {
        seen.push(key)
        return []
      },
    }
    const cluster = testCluster([watcher], { extra: [thing] })
    const make = (name: string) => cluster.client.create(thing, { metadata: { namespace: 'a', name } })
    await make('before')
    await cluster.env.advance(6_000)
    expect(seen).toEqual([])
    isServed = true
    await cluster.env.advance(6_000)
    expect(seen).toEqual(['a/before'])
    isServed = false
    await cluster.env.advance(6_000)
    await make('after')
    await cluster.env.advance(6_000)
    expect(seen).toEqual(['a/before'])
    await cluster.stop()
  })
})

describe('steps', () => {
  const run = async (steps: Steps, options: TestClusterOptions = {}) => {
    let isFirst = true
    const once: Controller = objectController({
      name: 'once',
      account: 'once',
      resource: configMaps,
      plan: () => {
        if (!isFirst) return []
        isFirst = false
        return steps
      },
    })
    const cluster = testCluster([once], options)
    await want(cluster, 0)
    await cluster.env.advance(5_000)
    const names = cluster.server.all(secrets).map((one) => one.metadata.name)
    await cluster.stop()
    return names
  }
  const one = (name: string, follow = {}) => create(secrets, { metadata: { namespace: 'a', name } }, follow)
  const refuse = (...names: string[]) => ({
    around: around((call, go) => {
      const name = call.body && 'object' in call.body ? (call.body.object as Secret).metadata.name : ''
      if (isCreate(call) && names.includes(name)) throw forbidden(call, name, 'no')
      return go()
    }),
  })

  test('after a failure none follows', async () => {
    expect(await run([one('a'), one('b'), one('c')], refuse('b'))).toEqual(['a'])
    expect(await run([one('a'), fail(new Error('enough')), one('c')])).toEqual(['a'])
  })
  test('a failure that is answered for is none', async () => {
    expect(await run([one('a', { failed: () => [one('instead')] }), one('b')], refuse('a'))).toEqual(['b', 'instead'])
  })
  test('what follows a step comes before the next step', async () => {
    expect(await run([one('a', { done: (made: Secret) => [one(`${made.metadata.name}-then`)] }), one('b')])).toEqual(['a', 'a-then', 'b'])
  })
  test('together, all are tried, and the first failure counts', async () => {
    expect(await run([together([one('a'), one('b'), one('c')]), one('d')], refuse('a'))).toEqual(['b', 'c'])
  })
  test('a slow start ends with the batch that failed, and says what was left out', async () => {
    const outcomes: string[] = []
    const steps = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((name) => one(name))
    const after = (ended: readonly { readonly error?: unknown; readonly skipped?: true }[]): Steps => {
      outcomes.push(...ended.map(({ error, skipped }) => (skipped ? 'skipped' : error ? 'failed' : 'done')))
      return []
    }
    expect(await run([together(steps, { slowStart: true, after })], refuse('b'))).toEqual(['a', 'c'])
    expect(outcomes).toEqual(['done', 'failed', 'done', ...Array.from({ length: 5 }, () => 'skipped')])
  })
  test('removing what is gone, or another one of its name, does no harm', async () => {
    const gone = { apiVersion: 'v1', kind: 'Secret', metadata: { namespace: 'a', name: 'x', uid: 'old', resourceVersion: '1' } } as Secret
    expect(await run([remove(secrets, gone), one('x')])).toEqual(['x'])
    expect(await run([one('x'), remove(secrets, gone, {}, { failed: () => [one('kept')] })])).toEqual(['kept', 'x'])
  })
})
