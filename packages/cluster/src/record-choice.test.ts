import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import type { ClusterRecord } from './record.ts'
import { choosePort, newRecord, refuseChanges, withChanges } from './record-choice.ts'

const held: ClusterRecord = {
  format: 1,
  name: 'one',
  runtime: 'simulated',
  controlPlaneOnly: false,
  apiPort: 7000,
  nodes: [
    { name: 'one-node-1', number: 1 },
    { name: 'one-node-2', number: 2, stopped: true },
  ],
  ranges: { pods: '10.244.0.0/16', services: '10.96.0.0/16', links: '10.200.0.0/24' },
  controllers: ['*'],
  server: { pid: 1, startTicks: '1' },
  ready: true,
}
const planeOnly: ClusterRecord = { ...held, controlPlaneOnly: true, nodes: [] }
const simulated: ClusterRecord = { ...planeOnly, simulatedNodes: 10 }
const name = 'one'

test('without options a stopped cluster starts as it was; its old process is forgotten', () => {
  const { server: _server, ready: _ready, ...rest } = held
  expect(withChanges(held, { name })).toEqual(rest)
})

test('more nodes come after those that are there, and controllers and port are taken over', () => {
  const next = withChanges(held, { name, nodes: 4, controllers: '*,-job', apiPort: 7001 })
  expect(next.nodes.map(({ name, stopped }) => [name, stopped])).toEqual([
    ['one-node-1', undefined],
    ['one-node-2', true],
    ['one-node-3', undefined],
    ['one-node-4', undefined],
  ])
  expect([next.controllers, next.apiPort]).toEqual([['*', '-job'], 7001])
})

test('removed API versions stay asked for until they are asked away', () => {
  const asked = withChanges(held, { name, legacyApis: true })
  expect(withChanges(asked, { name }).legacyApis).toBe(true)
  expect(withChanges(asked, { name, legacyApis: false }).legacyApis).toBe(false)
  expect(withChanges(held, { name, enableBootstrapTokenAuth: true }).bootstrapTokens).toBe(true)
})

test('how patient a cluster is with its nodes stays until another patience is asked for', () => {
  const asked = withChanges(held, { name, nodeMonitorGracePeriod: '5s', nodeEvictionRate: '2' })
  expect(asked.nodeFlags).toEqual({ nodeMonitorGracePeriod: '5s', nodeEvictionRate: '2' })
  expect(withChanges(asked, { name, nodeEvictionRate: '3' }).nodeFlags).toEqual({ nodeMonitorGracePeriod: '5s', nodeEvictionRate: '3' })
  expect(withChanges(held, { name })).not.toHaveProperty('nodeFlags')
  refuseChanges(asked, { name, nodeEvictionRate: '2' })
  expect(() => refuseChanges(asked, { name, nodeEvictionRate: '3' })).toThrow('then `skiff up --name one --node-eviction-rate 3`')
})

test.each([
  [{ nodeMonitorGracePeriod: '5' }, 'invalid argument "5" for "--node-monitor-grace-period" flag: time: invalid duration "5"'],
  [{ nodeStartupGracePeriod: '0s' }, 'invalid argument "0s" for "--node-startup-grace-period" flag: it must be longer than nothing'],
  [{ unhealthyZoneThreshold: '-1' }, 'invalid argument "-1" for "--unhealthy-zone-threshold" flag: it is a number from 0 on'],
  [{ largeClusterSizeThreshold: '1.5' }, 'for "--large-cluster-size-threshold" flag: it is a whole number from 0 on'],
  [{ defaultNotReadyTolerationSeconds: '' }, 'for "--default-not-ready-toleration-seconds" flag: it is a whole number from 0 on'],
])('patience with nodes that cannot be read: %#', (options, sentence) => {
  expect(() => withChanges(held, { name, ...options })).toThrow(sentence)
  expect(() => refuseChanges(held, { name, ...options })).toThrow(sentence)
})

test.each([
  [held, { nodes: 1 }, 'cluster one has 2 nodes, and nodes can only be added'],
  [held, { nodes: 0 }, '--nodes takes a whole number from 1 to 200'],
  [held, { runtime: 'containerd' }, 'cluster one was made with --runtime simulated'],
  [held, { controlPlaneOnly: true }, 'cluster one was made with nodes'],
  [planeOnly, { nodes: 1 }, 'cluster one was made with --control-plane-only'],
  [held, { simulatedNodes: 10 }, 'cluster one was made without simulated nodes'],
  [simulated, { simulatedNodes: 9 }, 'cluster one has 10 simulated nodes, and nodes can only be added'],
  [simulated, { nodes: 1 }, '--simulated-nodes are all the nodes there are'],
])('what a cluster is cannot be changed, stopped or running: %#', (record, options, sentence) => {
  expect(() => withChanges(record, { name, ...options })).toThrow(sentence)
  expect(() => refuseChanges(record, { name, ...options })).toThrow(sentence)
})

test.each([
  [{ nodes: 3 }, 'cluster one runs with 2 nodes; `skiff down --keep-data --name one` first, then `skiff up --name one --nodes 3`'],
  [{ apiPort: 1234 }, 'cluster one runs with port 7000;'],
  [{ controllers: 'job' }, 'cluster one runs with --controllers *;'],
  [{ featureGates: 'WatchList=true' }, 'cluster one runs with no --feature-gates;'],
  [{ runtimeConfig: 'api/beta=true' }, 'cluster one runs with no --runtime-config;'],
  [{ serviceClusterIpRange: '10.96.0.0/16,fd00::/112' }, 'cluster one runs with --service-cluster-ip-range 10.96.0.0/16;'],
  [{ serviceNodePortRange: '20000-20100' }, 'cluster one runs with no --service-node-port-range;'],
  [{ maxRequestsInflight: 7 }, 'cluster one runs with other limits of requests;'],
  [{ legacyApis: true }, "cluster one runs with today's API versions alone;"],
  [{ enableBootstrapTokenAuth: true }, 'cluster one runs with no bootstrap tokens;'],
])('a running cluster is not changed: %j', (options, sentence) => expect(() => refuseChanges(held, { name, ...options })).toThrow(sentence))

test('limits of requests are kept in the record, and given anew to a stopped cluster', () => {
  const first = withChanges(held, { name, maxRequestsInflight: 7 })
  const second = withChanges(first, { name, enablePriorityAndFairness: 'false' })
  expect(second.requestLimits).toEqual({ readOnly: 7, fair: false })
  expect(() => refuseChanges(second, { name, maxRequestsInflight: 7 })).not.toThrow()
})

test('features and versions are kept in the record, and given anew to a stopped cluster', () => {
  const first = withChanges(held, { name, featureGates: 'WatchList=true', runtimeConfig: 'api/beta=true' })
  const second = withChanges(first, { name, featureGates: '' })
  expect([second.featureGates, second.runtimeConfig]).toEqual(['', 'api/beta=true'])
})

test.each([
  [{ featureGates: 'X=true' }, 'invalid argument "X=true" for "--feature-gates" flag: unrecognized feature gate: X'],
  [{ runtimeConfig: 'x/v1' }, 'unknown api groups x'],
  [{ maxRequestsInflight: -1 }, '--max-requests-inflight takes a whole number; 0 is no limit'],
  [{ enablePriorityAndFairness: 'yes' }, 'invalid argument "yes" for "--enable-priority-and-fairness" flag'],
  [{ serviceClusterIpRange: '10.97.0.0/16' }, 'cluster one has the service range 10.96.0.0/16, to which only a second family can be added'],
  [{ serviceClusterIpRange: '10.96.0.0' }, '--service-cluster-ip-range 10.96.0.0: "10.96.0.0" is no range'],
  [{ serviceClusterIpRange: '10.96.0.0/16,10.97.0.0/16' }, 'one range, or one of each family divided by a comma'],
  [{ serviceClusterIpRange: 'fd00::/112,10.96.0.0/16' }, 'the first range must be of IPv4'],
  [{ serviceClusterIpRange: '10.96.0.0/30' }, 'the prefix of an IPv4 range has 8 to 28 bits'],
  [{ serviceNodePortRange: '40000-30000' }, '--service-node-port-range 40000-30000: ports as first-last'],
])('what nobody knows is refused before anything starts: %j', (options, sentence) => {
  expect(() => withChanges(held, { name, ...options })).toThrow(sentence)
  expect(() => refuseChanges(held, { name, ...options })).toThrow(sentence)
})

test('a second family of service addresses is added to a stopped cluster, and a new one has the ranges asked for', async () => {
  const both = '10.96.0.0/16,fd00:10:96::/112'
  expect(withChanges(held, { name, serviceClusterIpRange: both }).serviceRange).toBe(both)
  const asked = { name, runtime: 'simulated', serviceClusterIpRange: '10.50.0.0/20,fd00::/112', serviceNodePortRange: '20000-20100' }
  const made = await newRecord(asked, () => {})
  expect(made).toMatchObject({
    ranges: { services: '10.50.0.0/20' },
    serviceRange: asked.serviceClusterIpRange,
    nodePortRange: '20000-20100',
  })
})

test('a running cluster asked for what it has is left as it is', () => {
  refuseChanges(held, { name, nodes: 2, apiPort: 7000, controllers: '*', runtime: 'simulated' })
  refuseChanges(planeOnly, { name, controlPlaneOnly: true })
})

test('a new cluster has one node unless told; the names of further clusters carry theirs', async () => {
  const record = await newRecord({ name, runtime: 'simulated', legacyApis: true }, () => {})
  expect(record).toMatchObject({
    legacyApis: true,
    nodes: [{ name: 'one-node-1', number: 1 }],
    apiPort: 0,
    controllers: ['*'],
  })
  await expect(newRecord({ name, simulatedNodes: 0 }, () => {})).rejects.toThrow('--simulated-nodes takes a whole number from 1')
  await expect(newRecord({ name, simulatedNodes: 5, runtime: 'containerd' }, () => {})).rejects.toThrow('run no containers')
  expect(await newRecord({ name, simulatedNodes: 5 }, () => {})).toMatchObject({ controlPlaneOnly: true, nodes: [], simulatedNodes: 5 })
  expect(withChanges(simulated, { name, simulatedNodes: 20 })).toMatchObject({ simulatedNodes: 20 })
  await expect(newRecord({ name, controlPlaneOnly: true, nodes: 2 }, () => {})).rejects.toThrow('leave --nodes away')
  await expect(newRecord({ name, runtime: 'docker' }, () => {})).rejects.toThrow('there is no runtime "docker"')
})

test('a port that was named must be free', async () => {
  const program = createServer().listen(0, '127.0.0.1')
  await new Promise((listening) => program.once('listening', listening))
  const { port } = program.address() as { port: number }
  await expect(choosePort({ ...held, apiPort: port })).rejects.toThrow(`port ${port} is taken by another program`)
  await new Promise((closed) => program.close(closed))
  expect((await choosePort({ ...held, apiPort: port })).apiPort).toBe(port)
  await expect(choosePort({ ...held, apiPort: 70_000 })).rejects.toThrow('--api-port takes')
})
