import { serviceAccount as accounts, apiService, node as nodes, podMetrics, pod as pods } from '@skiff/api'
import { isRefusal, rfc3339, systemEnv } from '@skiff/machinery'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Meter, NodeConnection } from '../parts/node-directory.ts'
import { administrator, startTestServer, type TestServer } from '../testing/start.ts'
import type { NodeUsage } from './node-usage.ts'

// A node's agent: what its two containers used so far grows by half a core and a tenth of one.
let api: TestServer
let looks = 0
let uid = ''
const startMs = Date.parse('2025-01-01T00:00:00Z')
const usage = async (): Promise<NodeUsage> => {
  looks += 1
  const time = new Date(startMs + looks * 10_000).toISOString()
  const container = (name: string, cores: number, workingSetBytes: number) => ({
    name,
    startTime: rfc3339(startMs),
    cpu: { time, usageCoreNanoSeconds: looks * 10 * cores * 1e9 },
    memory: { workingSetBytes },
  })
  const containers = [container('a', 0.5, 20 * 2 ** 20), container('b', 0.1, 1000)]
  const { cpu, memory } = container('', 0.6, 20 * 2 ** 20 + 1000)
  return {
    node: { startTime: rfc3339(startMs), cpu, memory },
    pods: [{ podRef: { name: 'p', namespace: 'default', uid }, containers }],
  }
}
/** A node that is played, whose pods use what they are said to. */
const meter: Meter = {
  has: (name) => name === 'played',
  of: ({ spec }) => spec.containers.map(({ name }) => ({ name, cpuMilli: 250, memoryBytes: 2 ** 20 })),
}
const env = { ...systemEnv(), sleep: (ms: number, signal?: AbortSignal) => systemEnv().sleep(ms / 100, signal) }

beforeAll(async () => {
  const connection = (name: string) => (name === 'n1' ? ({ usage } as unknown as NodeConnection) : undefined)
  api = await startTestServer({ env, more: { metrics: true, nodes: { connection, meter } } })
  for (const name of ['n1', 'silent', 'played']) await api.near.create(nodes, { metadata: { name, labels: { name } }, spec: {} })
  await api.near.create(accounts, { metadata: { namespace: 'default', name: 'default' } })
  for (const [name, nodeName] of [
    ['p', 'n1'],
    ['pending', 'n1'],
    ['q', 'played'],
  ] as const) {
    const made = await api.near.create(pods, {
      metadata: { namespace: 'default', name, labels: { app: name } },
      spec: { nodeName, containers: [{ name: 'a', image: 'i' }] },
    } as never)
    if (name === 'pending') continue
    if (name === 'p') uid = made.metadata.uid
    await api.near.update(pods, { ...made, status: { phase: 'Running' } } as never, { subresource: 'status' })
  }
}, 20_000)
afterAll(async () => api?.close())

const root = '/apis/metrics.k8s.io/v1beta1'

test('what pods and nodes use', async () => {
  const list = await api.raw('GET', `${root}/pods?labelSelector=app%3Dp`)
  expect(list.body).toMatchObject({ kind: 'PodMetricsList', apiVersion: 'metrics.k8s.io/v1beta1', metadata: {} })
  expect(list.body.items).toEqual([
    {
      metadata: { name: 'p', namespace: 'default', labels: { app: 'p' }, creationTimestamp: expect.any(String) },
      timestamp: '2025-01-01T00:00:20Z',
      window: '10s',
      containers: [
        { name: 'a', usage: { cpu: '500m', memory: '20Mi' } },
        { name: 'b', usage: { cpu: '100m', memory: '1k' } },
      ],
    },
  ])
  const node = await api.raw('GET', `${root}/nodes/n1`)
  expect(node.body).toMatchObject({
    kind: 'NodeMetrics',
    metadata: { name: 'n1', labels: { name: 'n1' } },
    usage: { cpu: '600m', memory: '20972520' },
  })
  const all = await api.raw('GET', `${root}/nodes`)
  expect(all.body.items.map((each: { metadata: { name: string } }) => each.metadata.name)).toEqual(['n1', 'played'])
  // Fresh for a while: nobody asks the agent again.
  expect(looks).toBe(2)
})

test('what is played uses what it is said to', async () => {
  const pod = await api.raw('GET', `${root}/namespaces/default/pods/q`)
  expect(pod.body).toMatchObject({ window: '15s', containers: [{ name: 'a', usage: { cpu: '250m', memory: '1Mi' } }] })
  const node = await api.raw('GET', `${root}/nodes/played`)
  expect(node.body.usage).toEqual({ cpu: '250m', memory: '1Mi' })
  expect(looks).toBe(2)
})

test('selectors, names and tables', async () => {
  const chosen = async (query: string) => (await api.raw('GET', `${root}/namespaces/default/pods?${query}`)).body.items.length
  expect([await chosen('labelSelector=app%3Dp'), await chosen('labelSelector=app%3Dx')]).toEqual([1, 0])
  expect([await chosen('fieldSelector=metadata.name%3Dp'), await chosen('fieldSelector=metadata.name%3Dx')]).toEqual([1, 0])
  const gone = await api.raw('GET', `${root}/namespaces/default/pods/pending`)
  expect([gone.status, gone.body.message]).toEqual([404, 'podmetrics.metrics.k8s.io "default/pending" not found'])
  const table = await api.raw('GET', `${root}/pods`, undefined, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' })
  expect(table.body.columnDefinitions.map((each: { name: string }) => each.name)).toEqual(['Name', 'cpu', 'memory', 'Window'])
  expect(table.body.rows[0].cells).toEqual(['p', '600m', expect.any(String), '10s'])
  expect((await api.raw('POST', `${root}/nodes`, '{}')).status).toBe(405)
})

test('discovery tells of it, its APIService is local, and who may view may see it', async () => {
  const { body } = await api.raw('GET', root)
  expect(body.resources.map((each: { name: string }) => each.name)).toEqual(['nodes', 'pods'])
  const service = await api.near.get(apiService, { name: 'v1beta1.metrics.k8s.io' })
  expect(service).toMatchObject({
    spec: { groupPriorityMinimum: 100, versionPriority: 100 },
    status: { conditions: [{ type: 'Available', status: 'True', reason: 'Local' }] },
  })
  const role = await api.raw('GET', '/apis/rbac.authorization.k8s.io/v1/clusterroles/system:aggregated-metrics-reader')
  expect(role.body.metadata.labels).toMatchObject({ 'rbac.authorization.k8s.io/aggregate-to-view': 'true' })
})

test('a metrics server of the user answers in its place, and when it goes this one does again', async () => {
  const name = 'v1beta1.metrics.k8s.io'
  const held = await api.near.get(apiService, { name })
  const service = { namespace: 'kube-system', name: 'metrics-server', port: 443 }
  await api.near.update(apiService, { ...held, spec: { ...held.spec, service, insecureSkipTLSVerify: true } } as never)
  const far = await api.raw('GET', `${root}/nodes`)
  expect([far.status, far.text]).toEqual([503, 'service unavailable\n'])
  const near = await api.near.list(podMetrics).catch((error) => (isRefusal(error) ? error.code : error))
  expect(near).toBe(503)
  const stranger = api.server.client({ ...administrator, groups: [] })
  await expect(stranger.list(podMetrics)).rejects.toThrow('pods.metrics.k8s.io is forbidden: User "admin" cannot list')
  await api.near.remove(apiService, { name })
  for (let turn = 0; (await api.raw('GET', `${root}/nodes`)).status !== 200 && turn < 50; turn += 1) await systemEnv().sleep(20)
  expect((await api.near.list(podMetrics)).items.length).toBe(2)
  const back = async () => (await api.near.get(apiService, { name })).metadata.labels
  expect(await back()).toMatchObject({ 'kube-aggregator.kubernetes.io/automanaged': 'onstart' })
})
