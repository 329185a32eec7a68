import type { Pod, ResourceQuota } from '@skiff/api'
import { configMap, coversPod, persistentVolumeClaim, pod, podRequests, podUsage, resourceQuota, service } from '@skiff/api'
import { conflict } from '@skiff/machinery'
import { expect, test } from 'vitest'
import { storedResources, testCluster } from '../testing/cluster.ts'
import { resourceQuotaController } from './quota.ts'

const makePod = (spec: object, metadata: object = {}, status: object = {}): Pod =>
  ({ metadata: { name: 'p', ...metadata }, spec: { containers: [], ...spec }, status }) as unknown as Pod
const asking = (requests: object, limits: object = {}, more: object = {}) => ({ name: 'c', resources: { requests, limits }, ...more })

test('what is used is counted over all kinds, and again when things come, change and go', async () => {
  const cluster = testCluster([resourceQuotaController(() => storedResources)])
  const hard = {
    pods: '10',
    'requests.cpu': '2',
    'limits.memory': '1Gi',
    'count/configmaps': '5',
    configmaps: '5',
    'services.nodeports': '3',
    'requests.storage': '10Gi',
    'fast.storageclass.storage.k8s.io/persistentvolumeclaims': '2',
    'count/deployments.apps': '4',
  }
  await cluster.client.create(resourceQuota, { metadata: { namespace: 'a', name: 'q' }, spec: { hard } })
  await cluster.client.create(configMap, { metadata: { namespace: 'a', name: 'm' } })
  await cluster.client.create(configMap, { metadata: { namespace: 'b', name: 'elsewhere' } })
  const ports = [{ port: 80 }, { port: 81 }]
  await cluster.client.create(service, { metadata: { namespace: 'a', name: 's' }, spec: { type: 'NodePort', ports } as never })
  const storage = { storageClassName: 'fast', resources: { requests: { storage: '3Gi' } } }
  await cluster.client.create(persistentVolumeClaim, { metadata: { namespace: 'a', name: 'c' }, spec: storage as never })
  for (const name of ['p1', 'p2'])
    await cluster.client.create(pod, {
      metadata: { namespace: 'a', name },
      spec: { containers: [asking({ cpu: '300m' }, { memory: '128Mi' })] as never },
    })
  await cluster.env.advance(1_000)
  const used = () => cluster.server.all(resourceQuota)[0]?.status?.used
  expect(used()).toEqual({
    pods: '2',
    'requests.cpu': '600m',
    'limits.memory': '256Mi',
    'count/configmaps': '1',
    configmaps: '1',
    'services.nodeports': '2',
    'requests.storage': '3Gi',
    'fast.storageclass.storage.k8s.io/persistentvolumeclaims': '1',
    'count/deployments.apps': '0',
  })
  const held = await cluster.client.get(pod, { namespace: 'a', name: 'p1' })
  await cluster.client.update(pod, { ...held, status: { phase: 'Succeeded' } }, { subresource: 'status' })
  await cluster.client.remove(configMap, { namespace: 'a', name: 'm' })
  await cluster.env.advance(1_000)
  expect(used()).toMatchObject({ pods: '1', 'requests.cpu': '300m', configmaps: '0' })
  await cluster.stop()
})

test('node ports of a load balancer count where they are given or asked for', async () => {
  const cluster = testCluster([resourceQuotaController(() => storedResources)])
  const hard = { 'services.nodeports': '9', 'services.loadbalancers': '9' }
  await cluster.client.create(resourceQuota, { metadata: { namespace: 'a', name: 'q' }, spec: { hard } })
  const ports = [{ port: 80, nodePort: 30_080 }, { port: 81 }]
  const make = (name: string, more: object) =>
    cluster.client.create(service, { metadata: { namespace: 'a', name }, spec: { type: 'LoadBalancer', ports, ...more } as never })
  await make('given', {})
  await make('asked', { allocateLoadBalancerNodePorts: false })
  await cluster.env.advance(1_000)
  expect(cluster.server.all(resourceQuota)[0]?.status?.used).toEqual({ 'services.nodeports': '3', 'services.loadbalancers': '2' })
  await cluster.stop()
})

test('init containers count as the most that is asked at once, sidecars stay, overhead is added', () => {
  const spec = {
    initContainers: [asking({ cpu: '1' }, {}, { restartPolicy: 'Always' }), asking({ cpu: '3' })],
    containers: [asking({ cpu: '1' }), asking({ cpu: '500m', 'example.com/gpu': '1' })],
    overhead: { cpu: '100m' },
  }
  expect(podRequests(makePod(spec))).toEqual({ cpu: '4100m', 'example.com/gpu': '1' })
  expect(podUsage(makePod(spec), 0)).toMatchObject({ pods: '1', cpu: '4100m', 'requests.cpu': '4100m', 'requests.example.com/gpu': '1' })
  expect(podUsage(makePod(spec, {}, { phase: 'Failed' }), 0)).toEqual({ 'count/pods': '1' })
})

test.each<[string, object, Pod, boolean]>([
  ['no scope', {}, makePod({}), true],
  ['best effort', { scopes: ['BestEffort'] }, makePod({ containers: [asking({})] }), true],
  ['not best effort', { scopes: ['BestEffort'] }, makePod({ containers: [asking({ cpu: '1' })] }), false],
  [
    'terminating',
    { scopes: ['Terminating', 'NotBestEffort'] },
    makePod({ activeDeadlineSeconds: 5, containers: [asking({ cpu: '1' })] }),
    true,
  ],
  ['all scopes must hold', { scopes: ['Terminating', 'BestEffort'] }, makePod({ containers: [asking({})] }), false],
  [
    'priority',
    { scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }] } },
    makePod({ priorityClassName: 'high' }),
    true,
  ],
  [
    'another priority',
    { scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }] } },
    makePod({}),
    false,
  ],
  ['no priority', { scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'DoesNotExist' }] } }, makePod({}), true],
])('a quota covers a pod: %s', (_why, spec, one, expected) => {
  expect(coversPod({ spec } as ResourceQuota, one)).toBe(expected)
})

test('a count that is refused for a while is written soon after, however often it was', async () => {
  let isRefusing = true
  const cluster = testCluster([resourceQuotaController(() => storedResources)], {
    around: (handler) => (call) => {
      if (isRefusing && call.verb === 'update' && call.resource === 'resourcequotas') throw conflict(call, 'q', 'charges are being written')
      return handler(call)
    },
  })
  await cluster.client.create(resourceQuota, { metadata: { namespace: 'a', name: 'q' }, spec: { hard: { pods: '1' } } })
  await cluster.env.advance(200_000)
  isRefusing = false
  await cluster.env.advance(1_000)
  expect(cluster.server.all(resourceQuota)[0]?.status?.used).toEqual({ pods: '0' })
  await cluster.stop()
})
