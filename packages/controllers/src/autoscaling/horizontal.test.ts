import type { HorizontalPodAutoscaler, Pod, ReplicaSet, Resource } from '@skiff/api'
import { horizontalPodAutoscaler as autoscalers, pod as pods, replicaSet as replicaSets } from '@skiff/api'
import type { Handler } from '@skiff/client'
import { forbidden, Refusal, rfc3339 } from '@skiff/machinery'
import { describe, expect, test } from 'vitest'
import { replicaSetController } from '../replicas/replicaset.ts'
import { storedResources, type TestCluster, type TestClusterOptions, testCluster } from '../testing/cluster.ts'
import { horizontalPodAutoscalerController } from './horizontal.ts'

const widgets: Resource = { group: 'example.com', version: 'v1', kind: 'Widget', plural: 'widgets', namespaced: true }

/** Pods share `load`, in thousandths of a core, as a metrics server would tell it. */
const start = (load: () => number, options: TestClusterOptions = {}): TestCluster => {
  let cluster: TestCluster
  const around =
    (handler: Handler): Handler =>
    async (call) => {
      if (call.group !== 'metrics.k8s.io') return handler(call)
      const running = cluster.server.all(pods).filter(({ status }: Pod) => status?.phase === 'Running')
      const items = running.map(({ metadata }) => ({
        metadata,
        timestamp: rfc3339(cluster.env.now()),
        window: '15s',
        containers: [{ name: 'c', usage: { cpu: `${Math.round(load() / running.length)}m` } }],
      }))
      return { status: 200, object: { items } }
    }
  const controllers = [horizontalPodAutoscalerController(() => [...storedResources, widgets]), replicaSetController()]
  cluster = testCluster(controllers, { around, extra: [widgets], ...options })
  return cluster
}

const workload = (cluster: TestCluster, resource: Resource = replicaSets, name = 'web', app = 'web') =>
  cluster.client.create(resource, {
    metadata: { namespace: 'a', name },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app } },
      template: { metadata: { labels: { app } }, spec: { containers: [{ name: 'c', resources: { requests: { cpu: '100m' } } }] } },
    },
  } as never)
const autoscaler = (cluster: TestCluster, spec: Partial<HorizontalPodAutoscaler['spec']> = {}, name = 'web') =>
  cluster.client.create(autoscalers, {
    metadata: { namespace: 'a', name },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web' },
      minReplicas: 1,
      maxReplicas: 10,
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } }],
      ...spec,
    },
  } as never)
const size = (cluster: TestCluster) => (cluster.server.all(replicaSets)[0] as ReplicaSet).spec.replicas
const conditions = (cluster: TestCluster) =>
  cluster.server.all(autoscalers)[0]?.status?.conditions?.map(({ type, status, reason }) => `${type} ${status} ${reason}`)
// As long as pods that start are not counted.
const minuteMs = 60_000

describe('an autoscaler', () => {
  test('grows its target under load, holds it for five minutes, then lets it shrink', async () => {
    let load = 400
    const cluster = start(() => load)
    await workload(cluster)
    await autoscaler(cluster)
    await cluster.live(7 * minuteMs)
    expect(size(cluster)).toBe(8)
    expect(cluster.events()).toContain(
      'Normal SuccessfulRescale: New size: 4; reason: cpu resource utilization (percentage of request) above target x1',
    )
    load = 50
    await cluster.live(4 * minuteMs)
    expect(size(cluster)).toBe(8)
    expect(conditions(cluster)).toEqual([
      'AbleToScale True ScaleDownStabilized',
      'ScalingActive True ValidMetricFound',
      'ScalingLimited False DesiredWithinRange',
    ])
    await cluster.live(2 * minuteMs)
    expect(size(cluster)).toBe(1)
    await cluster.stop()
  })

  test.each([1, 2, 3, 4])('finds its size over lost, repeated and reordered calls (seed %i)', async (seed) => {
    const cluster = start(() => 300, {
      seed,
      rates: { lostCall: 0.1, lostReply: 0.1, conflict: 0.1, repeat: 0.1, delay: 0.2, maxDelayMs: 2_000, cutWatch: 0.02 },
    })
    await workload(cluster)
    await autoscaler(cluster)
    await cluster.live(10 * minuteMs)
    cluster.faults.stop()
    await cluster.live(3 * minuteMs)
    expect(size(cluster)).toBe(6)
    expect(cluster.server.all(pods).length).toBe(6)
    await cluster.stop()
  })

  test('scales what a definition gives a scale', async () => {
    const cluster = start(() => 0)
    await workload(cluster, widgets, 'w')
    await autoscaler(cluster, { minReplicas: 3, scaleTargetRef: { apiVersion: 'example.com/v1', kind: 'Widget', name: 'w' } })
    await cluster.live(20_000)
    expect((cluster.server.all(widgets)[0] as unknown as ReplicaSet).spec.replicas).toBe(3)
    await cluster.stop()
  })

  test('tells when its target takes no new size, and keeps what it said of metrics before', async () => {
    const around = (handler: Handler): Handler => {
      const metrics = { metadata: { name: 'web', namespace: 'a' }, timestamp: rfc3339(0), window: '15s' }
      return async (call) => {
        if (call.group === 'metrics.k8s.io')
          return { status: 200, object: { items: [{ ...metrics, containers: [{ name: 'c', usage: { cpu: '400m' } }] }] } }
        if (call.subresource === 'scale' && call.verb === 'update') throw forbidden(call, 'web', 'not now')
        return handler(call)
      }
    }
    const cluster = start(() => 0, { around })
    await workload(cluster)
    await autoscaler(cluster, { minReplicas: 5 })
    await cluster.live(20_000)
    expect(conditions(cluster)).toEqual(['AbleToScale False FailedUpdateScale'])
    const status = cluster.server.all(autoscalers)[0]?.status
    expect([status?.currentReplicas, status?.desiredReplicas ?? 0, status?.currentMetrics]).toEqual([2, 0, undefined])
    expect(cluster.events()).toContainEqual(
      expect.stringMatching(
        /^Warning FailedRescale: New size: 5; reason: Current number of replicas below Spec.MinReplicas; error: .*not now/,
      ),
    )
    await cluster.stop()
  })

  test('tells of a target that is not there, or is of no known kind', async () => {
    const cluster = start(() => 0)
    await autoscaler(cluster)
    await autoscaler(cluster, { scaleTargetRef: { apiVersion: 'x.io/v1', kind: 'Nope', name: 'n' } }, 'nope')
    await cluster.live(20_000)
    expect(cluster.events()).toEqual([
      expect.stringMatching(/^Warning FailedGetScale: no matches for kind "Nope" in group "x.io" x\d/),
      expect.stringMatching(/^Warning FailedGetScale: replicasets.apps "web" not found x\d/),
    ])
    expect(conditions(cluster)).toEqual(['AbleToScale False FailedGetScale'])
    await cluster.stop()
  })

  test('leaves pods alone that another autoscaler knows as its own', async () => {
    const cluster = start(() => 400)
    await workload(cluster)
    await workload(cluster, widgets, 'w')
    await autoscaler(cluster)
    await autoscaler(cluster, { scaleTargetRef: { apiVersion: 'example.com/v1', kind: 'Widget', name: 'w' } }, 'other')
    await cluster.live(minuteMs)
    expect(cluster.events().join()).toContain(
      'Warning AmbiguousSelector: pods by selector app=web are controlled by multiple HPAs: [{other a} {web a}]',
    )
    expect(conditions(cluster)?.[1]).toBe('ScalingActive False AmbiguousSelector')
    await cluster.stop()
  })

  test('tells when metrics are not served', async () => {
    const around =
      (handler: Handler): Handler =>
      async (call) => {
        if (call.group.endsWith('metrics.k8s.io')) throw new Refusal(404, 'NotFound', 'the server could not find the requested resource')
        return handler(call)
      }
    const metrics = [
      { type: 'Resource', resource: { name: 'cpu', target: { type: 'AverageValue', averageValue: '1' } } },
      { type: 'Pods', pods: { metric: { name: 'packets' }, target: { type: 'AverageValue', averageValue: '1' } } },
      { type: 'External', external: { metric: { name: 'queue' }, target: { type: 'Value', value: '1' } } },
    ]
    const cluster = start(() => 0, { around })
    await workload(cluster)
    await autoscaler(cluster, { metrics } as never)
    await cluster.live(10_000)
    const served = 'the server could not find the requested resource'
    expect(cluster.events().filter((each) => each.startsWith('Warning FailedGet'))).toEqual([
      `Warning FailedGetResourceMetric: failed to get cpu usage: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: ${served} (get pods.metrics.k8s.io) x1`,
      'Warning FailedGetPodsMetric: unable to get metric packets: unable to fetch metrics from custom metrics API: no known available metric versions found x1',
      `Warning FailedGetExternalMetric: unable to get external metric a/queue/nil: unable to fetch metrics from external metrics API: ${served} (get queue.external.metrics.k8s.io) x1`,
    ])
    await cluster.stop()
  })
})
