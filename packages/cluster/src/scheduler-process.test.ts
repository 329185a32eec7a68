import * as api from '@skiff/api'
import { connect, createMemoryServer, virtualEnv } from '@skiff/client'
import { exposition } from '@skiff/machinery'
import { afterEach, expect, test } from 'vitest'
import { serveHealth } from './health-server.ts'
import { runScheduler } from './scheduler-process.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})
const core = [api.event, api.namespace, api.node, api.pod, api.service, api.replicationController, api.persistentVolume, api.lease]
const storage = [api.persistentVolumeClaim, api.storageClass, api.csiNode, api.csiDriver, api.csiStorageCapacity, api.volumeAttachment]

const setUp = async () => {
  const env = virtualEnv(1)
  const server = createMemoryServer(env, [...core, ...storage, api.replicaSet, api.statefulSet, api.podDisruptionBudget])
  const client = connect(server.handler, { name: 'test', groups: [] })
  const status = { allocatable: { cpu: '4', memory: '8Gi', pods: '110' } }
  await client.create(api.node, { metadata: { name: 'n' }, spec: {}, status })
  const add = async (name: string) => {
    const spec = { schedulerName: 'default-scheduler', containers: [{ name: 'main' }] }
    await client.create(api.pod, { metadata: { name, namespace: 'a' }, spec })
    for (let turn = 0; turn < 6; turn += 1) await env.settle()
    return server.all(api.pod).find((each) => each.metadata.name === name)?.spec.nodeName ?? ''
  }
  const join = (holder: string, more: object = {}) => {
    const stopping = new AbortController()
    const running = runScheduler({ client, env, plugins: {}, holder, signal: stopping.signal, ...more })
    running.done.catch(() => {})
    return { ...running, stop: () => stopping.abort() }
  }
  return { env, server, add, join }
}

test('of two schedulers one acts; when it stops, the other takes over', async () => {
  const { env, server, add, join } = await setUp()
  const first = join('first')
  await env.settle()
  const second = join('second')
  await env.advance(5_000)
  expect([first.leads(), second.leads()]).toEqual([true, false])
  expect(await add('p1')).toBe('n')
  expect(server.all(api.lease).map(({ metadata, spec }) => [metadata.namespace, metadata.name, spec.holderIdentity])).toEqual([
    ['kube-system', 'kube-scheduler', 'first'],
  ])
  first.stop()
  await first.done
  await env.advance(15_000)
  expect([first.leads(), second.leads()]).toEqual([false, true])
  expect(await add('p2')).toBe('n')
  second.stop()
  await second.done
})

test('without an election it schedules at once, and tells of itself', async () => {
  const { env, add, join } = await setUp()
  const alone = join('alone', { configuration: { leaderElection: { leaderElect: false } } })
  await env.settle()
  expect(await add('p')).toBe('n')
  expect(exposition(alone.metrics())).toContain('scheduler_schedule_attempts_total{profile="default-scheduler",result="scheduled"} 1')
  const close = await serveHealth(alone, 0)
  ends.push(close)
  const read = async (path: string) => (await fetch(`http://127.0.0.1:${close.port}${path}`)).text()
  expect(await read('/healthz')).toBe('ok')
  expect(await read('/readyz?verbose')).toBe('[+]shutdown ok\n[+]sched-handler-sync ok\nreadyz check passed\n')
  expect(await read('/livez?verbose')).toBe('[+]ping ok\nlivez check passed\n')
  expect(JSON.parse(await read('/configz'))).toMatchObject({ componentconfig: { LeaderElection: { LeaderElect: false } } })
  expect(await read('/metrics')).toContain('scheduler_pending_pods{queue="active"} 0')
  alone.stop()
  expect(await read('/readyz')).toBe('[-]shutdown failed: reason withheld\n[+]sched-handler-sync ok\nreadyz check failed\n')
  expect(await read('/readyz/shutdown')).toBe('internal server error: process is shutting down\n')
  expect(await read('/readyz?exclude=shutdown')).toBe('ok')
  await alone.done
})

test('a configuration whose plugins do not exist ends it with upstream text', async () => {
  const { env, join } = await setUp()
  const profiles = [{ plugins: { filter: { enabled: [{ name: 'Nobody' }] } } }]
  const broken = join('broken', { configuration: { profiles } })
  await env.advance(5_000)
  await expect(broken.done).rejects.toThrow(
    'initializing profiles: creating profile for scheduler name default-scheduler: FilterPlugin "Nobody" does not exist',
  )
})
