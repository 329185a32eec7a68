import type { Deployment } from '@skiff/api'
import { cronJob, endpointSlice, endpoints, job, pod, podDisruptionBudget, replicaSet, replicationController, service } from '@skiff/api'
import { cronJobController } from '../cronjob/cronjob.ts'
import { disruptionController } from '../disruption/disruption.ts'
import { endpointSliceMirroringController } from '../endpoints/mirroring.ts'
import { garbageCollector } from '../garbage/collector.ts'
import { jobController, ttlAfterFinishedController } from '../job/job.ts'
import { replicaSetController } from '../replicas/replicaset.ts'
import { replicationControllerController } from '../replicas/replicationcontroller.ts'
import { survives } from '../testing/adversity.ts'
import { storedResources, type TestCluster } from '../testing/cluster.ts'

// Each controller where calls are lost, repeated and overtake each other, and watches end: in the end everything is as in calm.
const where = { namespace: 'a', name: 'web' }
const labels = { app: 'web' }
const template = { metadata: { labels }, spec: { containers: [{ name: 'c' }] } } as never as Deployment['spec']['template']
const removeAPod = async (cluster: TestCluster) => {
  const [first] = cluster.server.all(pod)
  if (first) await cluster.client.remove(pod, { namespace: 'a', name: first.metadata.name }, { gracePeriodSeconds: 0 })
}

survives('a ReplicationController has as many pods as it wants', {
  controllers: () => [replicationControllerController()],
  happens: async (cluster) => {
    await cluster.client.create(replicationController, { metadata: where, spec: { replicas: 3, selector: labels, template } })
    for (const replicas of [6, 1, 4]) {
      await cluster.live(5_000)
      await cluster.client.patch(replicationController, where, 'merge', { spec: { replicas } })
      await cluster.live(3_000)
      await removeAPod(cluster)
    }
  },
  end: ({ server }) => {
    const { replicas, readyReplicas, availableReplicas } = server.all(replicationController)[0]?.status ?? {}
    return [server.all(pod).length, replicas, readyReplicas, availableReplicas]
  },
  expected: [4, 4, 4, 4],
})

const jobOf = (labels: Readonly<Record<string, string>>) => ({
  parallelism: 1,
  completions: 1,
  selector: { matchLabels: labels },
  template: { metadata: { labels }, spec: { containers: [{ name: 'c' }], restartPolicy: 'Never' } },
})

survives('a CronJob makes a Job a minute, each once, and forgets the old ones', {
  controllers: () => [cronJobController(), jobController()],
  options: { ends: () => 'Succeeded' },
  happens: async (cluster) => {
    const spec = {
      schedule: '* * * * *',
      concurrencyPolicy: 'Allow',
      successfulJobsHistoryLimit: 2,
      failedJobsHistoryLimit: 1,
      jobTemplate: { spec: jobOf(labels) },
    }
    await cluster.client.create(cronJob, { metadata: where, spec } as never)
    await cluster.live(6 * 60_000)
    await cluster.client.patch(cronJob, where, 'merge', { spec: { suspend: true } })
  },
  end: ({ server }) => [
    server.all(job).map(({ status }) => [status?.succeeded, status?.conditions?.at(-1)?.type]),
    server.all(cronJob)[0]?.status?.active?.length ?? 0,
  ],
  expected: [
    [
      [1, 'Complete'],
      [1, 'Complete'],
    ],
    0,
  ],
  calmMs: 300_000,
})

survives('finished Jobs go when their time is over', {
  // Who is deleted in the foreground waits for the collector.
  controllers: () => [ttlAfterFinishedController(), jobController(), garbageCollector(() => [job, pod])],
  options: { ends: () => 'Succeeded' },
  happens: async (cluster) => {
    for (const [name, ttlSecondsAfterFinished] of [
      ['now', 0],
      ['soon', 30],
      ['late', 3_600],
      ['never', undefined],
    ] as const)
      await cluster.client.create(job, {
        metadata: { namespace: 'a', name },
        spec: { ...jobOf({ job: name }), ttlSecondsAfterFinished },
      } as never)
    await cluster.live(20_000)
  },
  end: ({ server }) => server.all(job).map(({ metadata }) => metadata.name),
  expected: ['late', 'never'],
})

survives('a disruption budget counts what there is', {
  controllers: () => [disruptionController(() => storedResources), replicaSetController()],
  happens: async (cluster) => {
    const selector = { matchLabels: labels }
    await cluster.client.create(podDisruptionBudget, { metadata: where, spec: { maxUnavailable: 1, selector } })
    await cluster.client.create(replicaSet, { metadata: where, spec: { replicas: 5, selector, template } })
    for (let round = 0; round < 5; round += 1) {
      await cluster.live(4_000)
      await removeAPod(cluster)
    }
    await cluster.client.patch(replicaSet, where, 'merge', { spec: { replicas: 4 } })
  },
  end: ({ server }) => {
    const { disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods } = server.all(podDisruptionBudget)[0]?.status ?? {}
    return [disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods]
  },
  expected: [1, 4, 3, 4],
})

survives('Endpoints of users are mirrored as they are, each address once', {
  controllers: () => [endpointSliceMirroringController()],
  happens: async (cluster) => {
    const of = (...ips: string[]) => [{ addresses: ips.map((ip) => ({ ip })), ports: [{ name: 'p', port: 80 }] }]
    await cluster.client.create(service, { metadata: where, spec: { ports: [{ port: 80 }] } as never })
    await cluster.client.create(endpoints, { metadata: where, subsets: of('192.0.2.1') as never })
    for (const ips of [['192.0.2.1', '192.0.2.2'], ['2001:db8::1'], ['192.0.2.2', '192.0.2.3', '2001:db8::2']]) {
      await cluster.live(3_000)
      const held = await cluster.client.get(endpoints, where)
      await cluster.client.update(endpoints, { ...held, subsets: of(...ips) as never })
    }
    await cluster.live(3_000)
    const gone = { namespace: 'a', name: 'gone' }
    await cluster.client.create(service, { metadata: gone, spec: { ports: [{ port: 80 }] } as never })
    await cluster.client.create(endpoints, { metadata: gone, subsets: of('192.0.2.9') as never })
    await cluster.live(2_000)
    await cluster.client.remove(service, gone)
    await cluster.client.remove(endpoints, gone)
  },
  end: ({ server }) =>
    server
      .all(endpointSlice)
      .flatMap(({ addressType, endpoints: all }) => all.map(({ addresses }) => `${addressType} ${addresses.join()}`))
      .sort(),
  expected: ['IPv4 192.0.2.2', 'IPv4 192.0.2.3', 'IPv6 2001:db8::2'],
})
