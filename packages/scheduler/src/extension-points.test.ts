import { event as events, node as nodes, pod as pods } from '@skiff/api'
import { exposition } from '@skiff/machinery'
import { afterEach, describe, expect, test } from 'vitest'
import type { PluginSets, SchedulerConfiguration } from './config/configuration.ts'
import { type ClusterEvent, type Plugin, unschedulable } from './cycle/framework.ts'
import type { PluginHandle, PluginRegistry } from './profile/handle.ts'
import { nodeOf, podOf } from './testing/objects.ts'
import { type Running, running } from './testing/running.ts'

const ends: Running[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end.stop()
})
const start = async (configuration: Partial<SchedulerConfiguration>, plugins: PluginRegistry = {}): Promise<Running> => {
  const made = await running({ configuration: configuration as SchedulerConfiguration, plugins })
  ends.push(made)
  return made
}
const enabling = (...names: string[]): PluginSets => ({ multiPoint: { enabled: names.map((name) => ({ name })) } })
/** A scheduler with one more plugin, `Mine`. */
const startWith = async (plugin: Omit<Plugin, 'name'>): Promise<Running & { readonly handle: PluginHandle }> => {
  let handle: PluginHandle | undefined
  const make = (_args: unknown, given: PluginHandle): Plugin => {
    handle = given
    return { name: 'Mine', ...plugin }
  }
  const cluster = await start({ profiles: [{ plugins: enabling('Mine') }] }, { Mine: make })
  if (!handle) throw new Error('the plugin was not made')
  return Object.assign(cluster, { handle })
}
const condition = (cluster: Running, name: string) => cluster.pod(name)?.status?.conditions?.find((each) => each.type === 'PodScheduled')
const removePod = async (cluster: Running, name: string) => {
  await cluster.client.remove(pods, { namespace: 'a', name }, { gracePeriodSeconds: 0 })
  await cluster.settle()
}
const mine = (name: string) => podOf(name, { spec: { schedulerName: 'mine' } })

describe('profiles', () => {
  test('a pod is scheduled by the profile that it names; pods of none are left alone', async () => {
    const profiles = [{ schedulerName: 'default-scheduler' }, { schedulerName: 'mine', plugins: { filter: { disabled: [{ name: '*' }] } } }]
    const cluster = await start({ profiles })
    await cluster.add(
      nodeOf('n', { spec: { unschedulable: true } }),
      podOf('usual'),
      mine('free'),
      podOf('other', { spec: { schedulerName: 'third' } }),
    )
    expect(cluster.places()).toEqual({ usual: '', free: 'n', other: '' })
    const sources = cluster.server.all(events).map((each) => `${each.reportingComponent} ${each.reason}`)
    expect(sources.sort()).toEqual(['default-scheduler FailedScheduling', 'mine Scheduled'])
  })
  test('a cluster without a default profile leaves usual pods alone', async () => {
    const cluster = await start({ profiles: [{ schedulerName: 'mine' }] })
    await cluster.add(nodeOf('n'), podOf('usual'), mine('p'))
    expect(cluster.places()).toEqual({ usual: '', p: 'n' })
  })
  test('MostAllocated fills a node before it takes another; the default spreads', async () => {
    const args = { scoringStrategy: { type: 'MostAllocated', resources: [{ name: 'cpu', weight: 1 }] } }
    const balanced = { score: { disabled: [{ name: 'NodeResourcesBalancedAllocation' }, { name: 'PodTopologySpread' }] } }
    const cluster = await start({ profiles: [{ plugins: balanced, pluginConfig: [{ name: 'NodeResourcesFit', args }] }] })
    await cluster.add(nodeOf('a'), nodeOf('b'))
    for (let i = 0; i < 4; i += 1) await cluster.add(podOf(`p${i}`, { requests: { cpu: '1' } }))
    expect(new Set(Object.values(cluster.places())).size).toBe(1)
  })
  test('the backoff is the configured one', async () => {
    let failures = 1
    const intercept = ({ subresource }: { readonly subresource?: string }) => {
      if (subresource === 'binding' && failures-- > 0) throw new Error('away')
    }
    const configuration = { podInitialBackoffSeconds: 5, podMaxBackoffSeconds: 60 } as SchedulerConfiguration
    const cluster = await running({ intercept, configuration })
    ends.push(cluster)
    await cluster.add(nodeOf('n'), podOf('p'))
    await cluster.env.advance(4_500)
    expect(cluster.places()).toEqual({ p: '' })
    await cluster.env.advance(1_000)
    await cluster.settle()
    expect(cluster.places()).toEqual({ p: 'n' })
  })
})

describe('PreEnqueue', () => {
  test('a pod that a plugin holds back is not tried, until an event that the plugin names', async () => {
    let open = false
    const cluster = await startWith({
      preEnqueue: () => (open ? undefined : 'not yet'),
      reactsTo: ['other'],
      hint: (event) => event.on === 'other',
    })
    await cluster.add(nodeOf('n'), podOf('p'))
    expect(cluster.events()).toEqual([])
    open = true
    await cluster.add(nodeOf('n2'))
    expect(cluster.places()).toEqual({ p: '' })
    cluster.handle.happened({ on: 'other', resource: 'example.com/quota' })
    await cluster.settle()
    expect(cluster.places().p).not.toBe('')
  })
})

test('QueueSort: a plugin of one own orders the queue', async () => {
  const plugins = { queueSort: { enabled: [{ name: 'Mine' }], disabled: [{ name: '*' }] } }
  const byName: Plugin = { name: 'Mine', goesFirst: (a, b) => a.pod.key > b.pod.key }
  const cluster = await start({ profiles: [{ plugins }] }, { Mine: () => byName })
  await Promise.all(['p1', 'p2', 'p3'].map((name) => cluster.client.create(pods, podOf(name, { requests: { cpu: '3' } }))))
  await cluster.settle()
  await cluster.add(nodeOf('n'))
  await cluster.env.advance(2_000)
  await cluster.settle()
  expect(cluster.places()).toEqual({ p1: '', p2: '', p3: 'n' })
})

describe('Filter and Score', () => {
  const onlyOn = (wanted: string): Omit<Plugin, 'name'> => ({
    begin: (_pod, { snapshot }) => ({
      filter: (slot) => (snapshot.node(slot)?.name === wanted ? undefined : unschedulable('Mine', 'node(s) were not mine')),
    }),
  })
  test('a refusal names the reason, and any event tries the pod again', async () => {
    const cluster = await startWith(onlyOn('late'))
    await cluster.add(nodeOf('n'), podOf('p'))
    expect(condition(cluster, 'p')?.message).toBe(
      '0/1 nodes are available: 1 node(s) were not mine. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.',
    )
    await cluster.add(nodeOf('late'))
    expect(cluster.places()).toEqual({ p: 'late' })
  })
  test('a score decides with its weight', async () => {
    const likes: Plugin = {
      name: 'Mine',
      begin: (_pod, { snapshot }) => ({ score: (slot) => (snapshot.node(slot)?.name === 'liked' ? 100 : 0) }),
    }
    const plugins = { score: { enabled: [{ name: 'Mine', weight: 1000 }] } }
    const cluster = await start({ profiles: [{ plugins }] }, { Mine: () => likes })
    await cluster.add(nodeOf('a'), nodeOf('b'), nodeOf('liked'), podOf('there', { on: 'liked', requests: { cpu: '3' } }), podOf('p'))
    expect(cluster.places().p).toBe('liked')
  })
})

describe('Reserve, Permit, Bind and PostBind', () => {
  test('a plugin may take the decision back at Reserve; all give back what they reserved', async () => {
    const log: string[] = []
    const cluster = await startWith({
      reactsTo: ['node-added'],
      begin: () => ({ reserve: () => unschedulable('Mine', 'out of licences'), unreserve: () => void log.push('unreserved') }),
    })
    await cluster.add(nodeOf('n'), podOf('p'))
    expect(log).toEqual(['unreserved'])
    expect(condition(cluster, 'p')).toMatchObject({ reason: 'Unschedulable', message: '0/1 nodes are available: 1 out of licences.' })
  })
  test('Permit denies', async () => {
    const cluster = await startWith({ reactsTo: [], begin: () => ({ permit: () => ({ deny: 'not today' }) }) })
    await cluster.add(nodeOf('n'), podOf('p'))
    expect(cluster.places()).toEqual({ p: '' })
    expect(condition(cluster, 'p')?.message).toBe('0/1 nodes are available: 1 not today.')
  })
  test('Permit lets pods wait for each other: a gang goes in together', async () => {
    const size = 3
    const cluster = await startWith({
      begin: (pod) => ({
        permit: () => {
          const waiting = [...cluster.handle.waitingPods.list()]
          if (waiting.length + 1 < size) return { waitMs: 60_000 }
          for (const each of waiting) each.allow('Mine')
          expect(pod.uid).toBeDefined()
          return undefined
        },
      }),
    })
    await cluster.add(nodeOf('n'), podOf('p1'), podOf('p2'))
    expect(cluster.places()).toEqual({ p1: '', p2: '' })
    await cluster.add(podOf('p3'))
    expect(cluster.places()).toEqual({ p1: 'n', p2: 'n', p3: 'n' })
  })
  test('a wait ends after its time, with the room given back', async () => {
    const cluster = await startWith({
      reactsTo: [],
      begin: ({ pod }) => ({ permit: () => (pod.metadata.name === 'p' ? { waitMs: 10_000 } : undefined) }),
    })
    await cluster.add(nodeOf('n'), podOf('p', { requests: { cpu: '3' } }), podOf('next', { requests: { cpu: '3' } }))
    expect(cluster.places()).toEqual({ p: '', next: '' })
    await cluster.env.advance(10_000)
    await cluster.settle()
    expect(condition(cluster, 'p')?.message).toBe('0/1 nodes are available: 1 rejected due to timeout after waiting 10s at plugin Mine.')
    expect(cluster.places()).toEqual({ p: '', next: 'n' })
  })
  test('a pod that is deleted while it waits gives its room back', async () => {
    const cluster = await startWith({
      reactsTo: [],
      begin: ({ pod }) => ({ permit: () => (pod.metadata.name === 'p' ? { waitMs: 60_000 } : undefined) }),
    })
    await cluster.add(nodeOf('n'), podOf('p', { requests: { cpu: '3' } }), podOf('next', { requests: { cpu: '3' } }))
    await removePod(cluster, 'p')
    expect(cluster.places()).toEqual({ next: 'n' })
    expect([...cluster.handle.waitingPods.list()]).toEqual([])
  })
  test('a scheduler that stops tells the pods that wait nothing', async () => {
    const cluster = await startWith({ begin: () => ({ permit: () => ({ waitMs: 60_000 }) }) })
    await cluster.add(nodeOf('n'), podOf('p'))
    await cluster.stop()
    expect(condition(cluster, 'p')).toBeUndefined()
  })
  test('what happened while a pod waited is not lost when it is rejected', async () => {
    let denied = true
    const cluster = await startWith({
      reactsTo: ['node-added'],
      begin: () => ({ permit: () => (denied ? { waitMs: 60_000 } : undefined) }),
    })
    await cluster.add(nodeOf('n'), podOf('p'))
    await cluster.add(nodeOf('n2'))
    denied = false
    for (const waiting of [...cluster.handle.waitingPods.list()]) waiting.reject('Mine', 'no')
    await cluster.settle()
    await cluster.env.advance(1_000)
    await cluster.settle()
    expect(cluster.places().p).not.toBe('')
  })
  test('a plugin binds in place of the default, and is told when it is done', async () => {
    const log: string[] = []
    const cluster = await start(
      {
        profiles: [
          {
            plugins: {
              bind: { enabled: [{ name: 'Mine' }, { name: 'DefaultBinder' }], disabled: [{ name: '*' }] },
              postBind: { enabled: [{ name: 'Mine' }] },
            },
          },
        ],
      },
      {
        Mine: (_args, { client }) => ({
          name: 'Mine',
          bind: async (pod, nodeName) => {
            // Left to the next binder.
            if (pod.metadata.name === 'p2') return false
            log.push(`bind ${pod.metadata.name}`)
            await client.patch(pods, { namespace: 'a', name: pod.metadata.name }, 'merge', { spec: { nodeName } })
            return true
          },
          postBind: (pod, nodeName) => void log.push(`bound ${pod.metadata.name} to ${nodeName}`),
        }),
      },
    )
    await cluster.add(nodeOf('n'), podOf('p1'), podOf('p2'))
    expect(cluster.places()).toEqual({ p1: 'n', p2: 'n' })
    expect(log.sort()).toEqual(['bind p1', 'bound p1 to n', 'bound p2 to n'])
  })
})

test('PostFilter: the first plugin that nominates a node ends the search', async () => {
  const told: string[] = []
  const cluster = await start(
    { profiles: [{ plugins: { postFilter: { enabled: [{ name: 'Mine' }] } } }] },
    {
      Mine: () => ({
        name: 'Mine',
        postFilter: (pod, { nodeCount }) => {
          told.push(`${pod.key} of ${nodeCount}`)
          return { text: 'autoscaler: a node is on its way.' }
        },
      }),
    },
  )
  await cluster.add(nodeOf('n'), podOf('p', { requests: { cpu: '5' } }))
  expect(told).toEqual(['a/p of 1'])
  expect(condition(cluster, 'p')?.message).toBe(
    '0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling., autoscaler: a node is on its way.',
  )
})

test('a score beyond 100 is an error, as upstream', async () => {
  const cluster = await startWith({ begin: () => ({ score: (slot) => slot * 200 }) })
  await cluster.add(nodeOf('n1'), nodeOf('n2'), podOf('p'))
  expect(condition(cluster, 'p')).toMatchObject({
    reason: 'SchedulerError',
    message:
      'applying score defaultWeights on Score plugins: plugin "Mine" returns an invalid score 200, it should in the range of [0, 100] after normalizing',
  })
})

test.each([
  [{ One: [] }, "node(s) didn't satisfy plugin One"],
  [{ Two: ['n'], One: ['m'] }, "node(s) didn't satisfy plugin(s) [One Two] simultaneously"],
  [{ One: ['gone'] }, "1 node(s) didn't satisfy plugin(s) [One]"],
])('nodes that plugins name: %j', async (named, text) => {
  const plugins = Object.fromEntries(
    Object.entries(named).map(([name, only]) => [name, () => ({ name, points: ['preFilter' as const], begin: () => ({ only }) })]),
  )
  const enabled = Object.keys(named).map((name) => ({ name }))
  const cluster = await start({ profiles: [{ plugins: { preFilter: { enabled } } }] }, plugins)
  await cluster.add(nodeOf('n'), podOf('p'))
  const notHelpful = 'preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.'
  expect(cluster.pod('p')?.status?.conditions?.[0]?.message).toBe(`0/1 nodes are available: ${text}. ${notHelpful}`)
})

test('plugins that look at annotations and conditions of nodes see them change', async () => {
  const seen: ClusterEvent['on'][] = []
  const cluster = await startWith({
    reactsTo: ['node-updated'],
    hint: (event) => {
      seen.push(event.on)
      return event.on === 'node-updated' && event.changed.annotations
    },
    begin: (_pod, { snapshot }) => ({
      filter: (slot) => (snapshot.node(slot)?.node.metadata.annotations?.ready ? undefined : unschedulable('Mine', 'node(s) were cold')),
    }),
  })
  await cluster.add(nodeOf('n'), podOf('p'))
  await cluster.client.patch(nodes, { name: 'n' }, 'merge', { metadata: { annotations: { ready: 'yes' } } })
  await cluster.settle()
  expect(seen).toEqual(['node-updated'])
  expect(cluster.places()).toEqual({ p: 'n' })
})

test('metrics, by upstream names', async () => {
  const cluster = await start({})
  await cluster.add(
    nodeOf('n'),
    podOf('p'),
    podOf('big', { requests: { cpu: '9' } }),
    podOf('gated', { spec: { schedulingGates: [{ name: 'a' }] } }),
  )
  const text = exposition(cluster.metrics())
  for (const line of [
    'scheduler_schedule_attempts_total{profile="default-scheduler",result="scheduled"} 1',
    'scheduler_schedule_attempts_total{profile="default-scheduler",result="unschedulable"} 1',
    'scheduler_scheduling_attempt_duration_seconds_count{profile="default-scheduler",result="scheduled"} 1',
    'scheduler_pod_scheduling_sli_duration_seconds_count{attempts="1"} 1',
    'scheduler_framework_extension_point_duration_seconds_count{extension_point="Filter",profile="default-scheduler",status="Success"} 2',
    'scheduler_queue_incoming_pods_total{event="UnschedulablePodAdd",queue="active"} 2',
    'scheduler_queue_incoming_pods_total{event="UnschedulablePodAdd",queue="unschedulable"} 1',
    'scheduler_queue_incoming_pods_total{event="ScheduleAttemptFailure",queue="unschedulable"} 1',
    'scheduler_pending_pods{queue="gated"} 1',
    'scheduler_pending_pods{queue="unschedulable"} 1',
    'scheduler_unschedulable_pods{plugin="NodeResourcesFit",profile="default-scheduler"} 1',
    'scheduler_preemption_attempts_total 1',
    'scheduler_scheduler_cache_size{type="nodes"} 1',
    'scheduler_cache_size{type="nodes"} 1',
    'scheduler_cache_size{type="pods"} 1',
  ])
    expect(text).toContain(line)
})
