import { deployment as deployments, lease as leases, node as nodes, pod as pods } from '@skiff/api'
import { type Call, type Client, campaign, connect, createViews, type Handler } from '@skiff/client'
import { startScheduler } from '@skiff/scheduler'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startControllers } from '../start.ts'
import { type RealCluster, realCluster } from '../testing/real-cluster.ts'

// Two processes with controllers and scheduler over one API server: one leads, and one of them crashes.
let cluster: RealCluster
const closers: (() => Promise<void>)[] = []
beforeEach(async () => {
  cluster = await realCluster({ enabled: ['serviceaccount'] })
  for (const name of ['n1', 'n2']) {
    const room = { cpu: '4', memory: '8Gi', pods: '110' }
    await cluster.client.patch(nodes, { name }, 'merge', { spec: { taints: null } })
    await cluster.client.patch(nodes, { name, subresource: 'status' }, 'merge', { status: { allocatable: room, capacity: room } })
  }
})
afterEach(async () => {
  const closed = Promise.all(closers.splice(0).map((close) => close()))
  for (let turn = 0; turn < 60; turn += 1) {
    await cluster.env.settle()
    await cluster.env.advance(1_000)
  }
  await closed
  await cluster.stop()
})

interface Process {
  /** From now on nothing of it reaches the server, and nothing comes back. */
  crash(): void
  /** What it made or changed besides its leases, with the time. */
  readonly writes: { readonly what: string; readonly atMs: number }[]
}

const start = async (holder: string): Promise<Process> => {
  const { api, env } = cluster
  let isUp = true
  const writes: Process['writes'] = []
  const handler: Handler = async (call: Call) => {
    if (!isUp) return new Promise<never>(() => {})
    if (!['get', 'list', 'watch'].includes(call.verb) && call.resource !== 'leases' && call.resource !== 'events')
      writes.push({
        what: `${call.verb} ${call.resource}${call.subresource ? `/${call.subresource}` : ''} ${call.name ?? ''}`,
        atMs: env.now(),
      })
    const reply = await api.handler(call)
    return isUp ? reply : new Promise<never>(() => {})
  }
  const as = (name: string): Client => connect(handler, { name, groups: ['system:authenticated'] })
  const controllers = await startControllers({
    client: as('system:kube-controller-manager'),
    env,
    enabled: ['deployment', 'replicaset'],
    resources: () => [],
    election: { holder },
  })
  const client = as('system:kube-scheduler')
  const election = { namespace: 'kube-system', name: 'kube-scheduler', holder }
  const scheduling = campaign(client, env, election, async () => {
    const views = createViews(client, env)
    const scheduler = await startScheduler({ client, views, env })
    return async () => {
      await scheduler.stop()
      await views.close()
    }
  })
  closers.push(async () => {
    // What hangs for ever hangs here too: a crashed process is never stopped in order.
    if (!isUp) return
    await Promise.all([scheduling.stop(), controllers.stop()])
  })
  return {
    writes,
    crash: () => {
      isUp = false
    },
  }
}

/** Time in small steps, so that a takeover is seen when it comes. */
const pass = async (ms: number): Promise<void> => {
  for (let passed = 0; passed < ms; passed += 250) {
    for (let turn = 0; turn < 12; turn += 1) await cluster.env.settle()
    await cluster.env.advance(250)
  }
}
const addWorkload = (name: string, replicas: number) =>
  cluster.client.create(deployments, {
    metadata: { namespace: 'default', name },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
    },
  } as never)
const podsOf = async (name: string) => (await cluster.list(pods, 'default')).filter(({ metadata }) => metadata.labels?.app === name)
const holders = async () =>
  (await cluster.list(leases, 'kube-system'))
    .filter(({ metadata }) => metadata.name.startsWith('kube-'))
    .map(({ spec }) => spec.holderIdentity)

test.each([0, 700, 1_400])(
  'one leads; when it crashes the other acts within 15 s, and nothing is done twice (%i ms after a renewal)',
  async (offsetMs) => {
    await cluster.live(2_000)
    const [one, two] = [await start('one'), await start('two')]
    await pass(5_000)
    await addWorkload('before', 4)
    await pass(3_000 + offsetMs)
    const leader = one.writes.length > 0 ? one : two
    const follower = leader === one ? two : one
    expect(follower.writes).toEqual([])
    expect((await podsOf('before')).map(({ spec }) => Boolean(spec.nodeName))).toEqual([true, true, true, true])
    // In the middle of work.
    await addWorkload('during', 6)
    for (let turn = 0; turn < 3; turn += 1) await cluster.env.settle()
    const crashedMs = cluster.env.now()
    leader.crash()
    await addWorkload('after', 3)
    await pass(25_000)
    for (const [name, size] of [
      ['before', 4],
      ['during', 6],
      ['after', 3],
    ] as const) {
      const found = await podsOf(name)
      expect([name, found.length, found.every(({ spec }) => spec.nodeName)]).toEqual([name, size, true])
    }
    const firsts = ['create pods', 'create pods/binding'].map(
      (what) => follower.writes.find((write) => write.what.startsWith(what))?.atMs ?? 0,
    )
    for (const atMs of firsts) expect(atMs - crashedMs).toBeLessThanOrEqual(15_000)
    // Each pod was bound once, by whomever.
    const bindings = [...leader.writes, ...follower.writes].filter(({ what }) => what.startsWith('create pods/binding'))
    expect(bindings.length).toBe(13)
    expect(await holders()).toEqual(leader === one ? ['two', 'two'] : ['one', 'one'])
  },
)

test('who stops in order gives way at once', async () => {
  await cluster.live(2_000)
  await start('one')
  await pass(1_000)
  const two = await start('two')
  await pass(3_000)
  const stopped = (closers.shift() as () => Promise<void>)()
  await pass(6_000)
  await stopped
  await addWorkload('w', 2)
  await pass(3_000)
  expect(two.writes.filter(({ what }) => what.startsWith('create pods/binding')).length).toBe(2)
})
