import { event, lease } from '@skiff/api'
import { expect, test } from 'vitest'
import type { Handler } from './call.ts'
import { campaign } from './campaign.ts'
import { connect } from './client.ts'
import { runElection } from './leader.ts'
import { withFaults } from './testing/faults.ts'
import { createMemoryServer } from './testing/memory-server.ts'
import { virtualEnv } from './testing/virtual-env.ts'

const setUp = (seed = 1) => {
  const env = virtualEnv(seed)
  const server = createMemoryServer(env, [lease, event])
  const log: string[] = []
  const leading = new Set<string>()
  const join = (holder: string, handler: Handler = server.handler, releaseOnStop = false) => {
    const stop = new AbortController()
    const ended = runElection(connect(handler, { name: holder, groups: [] }), env, {
      namespace: 'kube-system',
      name: 'lock',
      holder,
      signal: stop.signal,
      releaseOnStop,
      onLeading: (signal) => {
        leading.add(holder)
        log.push(`${holder} leads`)
        signal.addEventListener('abort', () => {
          leading.delete(holder)
          log.push(`${holder} stops`)
        })
      },
    })
    return { stop: () => stop.abort(), ended }
  }
  return { env, server, log, leading, join }
}
const spec = (server: ReturnType<typeof setUp>['server']) => server.all(lease)[0]?.spec

test('the first one leads and renews; the second waits the whole lease after the first is gone', async () => {
  const { env, server, log, join } = setUp()
  const a = join('a')
  await env.settle()
  const b = join('b')
  await env.advance(60_000)
  expect(log).toEqual(['a leads'])
  expect(spec(server)).toMatchObject({
    holderIdentity: 'a',
    leaseDurationSeconds: 15,
    leaseTransitions: 0,
    acquireTime: '2025-01-01T00:00:00.000000Z',
  })
  a.stop()
  await a.ended
  await env.advance(10_000)
  expect(log).toEqual(['a leads', 'a stops'])
  await env.advance(20_000)
  expect(log).toEqual(['a leads', 'a stops', 'b leads'])
  expect(spec(server)).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 })
  b.stop()
  await b.ended
})

test('a released lease is taken at the next try', async () => {
  const { env, log, join } = setUp()
  const a = join('a', undefined, true)
  await env.settle()
  const b = join('b')
  await env.advance(5_000)
  a.stop()
  await a.ended
  await env.advance(5_000)
  expect(log).toEqual(['a leads', 'a stops', 'b leads'])
  b.stop()
  await b.ended
})

test('a leader that is cut off stops before another may lead, even when its calls hang', async () => {
  const { env, server, log, leading, join } = setUp()
  let cut = false
  const a = join('a', (call) => (cut ? new Promise(() => {}) : server.handler(call)))
  await env.settle()
  const b = join('b')
  await env.advance(4_000)
  cut = true
  for (let n = 0; n < 400; n += 1) {
    await env.advance(100)
    expect(leading.size).toBeLessThanOrEqual(1)
  }
  await a.ended
  expect(log).toEqual(['a leads', 'a stops', 'b leads'])
  b.stop()
  await b.ended
})

test.each([1, 2, 3, 4])('seed %i: never two leaders on a bad network', async (seed) => {
  const { env, server, leading, join, log } = setUp(seed)
  const faulty = withFaults(server.handler, env, seed, { lostCall: 0.4, lostReply: 0.3, delay: 0.5, maxDelayMs: 8_000 })
  const members = ['a', 'b', 'c'].map((holder) => join(holder, faulty.handler))
  for (let n = 0; n < 1_500; n += 1) {
    await env.advance(200)
    expect(leading.size).toBeLessThanOrEqual(1)
  }
  expect(log.length).toBeGreaterThan(0)
  faulty.stop()
  for (const member of members) member.stop()
  await env.advance(60_000)
  await Promise.all(members.map((member) => member.ended))
})

test('who is elected and cannot do the work gives the lease up, so that another one does it', async () => {
  const { env, server } = setUp()
  const done: string[] = []
  const join = (holder: string, lead: () => Promise<() => Promise<void>>) =>
    campaign(
      connect(server.handler, { name: holder, groups: [] }),
      env,
      { namespace: 'kube-system', name: 'lock', holder, component: 'part' },
      lead,
    )
  const broken = join('broken', async () => {
    done.push('broken')
    throw new Error('cannot')
  })
  await env.advance(100)
  const sound = join('sound', async () => {
    done.push('sound')
    return async () => {}
  })
  await env.advance(30_000)
  expect(done).toEqual(['broken', 'sound'])
  expect(spec(server)?.holderIdentity).toBe('sound')
  const stopped = Promise.all([broken.stop(), sound.stop()])
  await env.advance(10_000)
  await stopped
  expect(server.all(event).map(({ reason, message, source }) => `${source?.component} ${reason}: ${message}`)).toEqual([
    'part LeaderElection: broken became leader',
    'part LeaderElection: broken stopped leading',
    'part LeaderElection: sound became leader',
    'part LeaderElection: sound stopped leading',
  ])
})
