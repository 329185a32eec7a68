import type { Deployment, Job, Pod } from '@skiff/api'
import { controllerRevision, cronJob, daemonSet, deployment, job, pod, podDisruptionBudget, replicaSet, statefulSet } from '@skiff/api'
import { rfc3339 } from '@skiff/machinery'
import { afterEach, describe, expect, test } from 'vitest'
import { type RealCluster, type RealClusterOptions, realCluster } from '../testing/real-cluster.ts'

let running: RealCluster | undefined
const start = async (options: RealClusterOptions = {}) => {
  running = await realCluster(options)
  await running.live(2_000)
  return running
}
afterEach(async () => {
  const troubled = running?.troubled()
  await running?.stop()
  running = undefined
  expect(troubled ?? []).toEqual([])
})

const web = { namespace: 'default', name: 'web' }
const selector = { matchLabels: { app: 'web' } }
const template = (image = 'web:1', spec: object = {}) =>
  ({ metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image }], ...spec } }) as never
const deploy = (cluster: RealCluster, spec: Partial<Deployment['spec']> = {}) =>
  cluster.client.create(deployment, { metadata: web, spec: { replicas: 3, selector, template: template(), ...spec } })
const setImage = (cluster: RealCluster, image: string) =>
  cluster.client.patch(deployment, web, 'strategic', { spec: { template: { spec: { containers: [{ name: 'web', image }] } } } })
const status = async (cluster: RealCluster) => (await cluster.client.get(deployment, web)).status
const told = async (cluster: RealCluster) =>
  (await status(cluster))?.conditions?.map(({ type, status: value, reason }) => `${type}=${value} ${reason}`)
const images = async (cluster: RealCluster) =>
  [...new Set((await cluster.list(pod, 'default')).map((one) => one.spec.containers[0]?.image))].sort()
const sets = async (cluster: RealCluster) =>
  (await cluster.list(replicaSet, 'default'))
    .map(
      (set) =>
        `${set.spec.template?.spec?.containers[0]?.image} r${set.metadata.annotations?.['deployment.kubernetes.io/revision']} ${set.spec.replicas}`,
    )
    .sort()

describe('a Deployment', () => {
  test('rolls out without going below its availability, and back again', async () => {
    const cluster = await start()
    await deploy(cluster, { replicas: 4 })
    await cluster.live(6_000)
    expect(await status(cluster)).toMatchObject({
      replicas: 4,
      readyReplicas: 4,
      availableReplicas: 4,
      updatedReplicas: 4,
      observedGeneration: 1,
    })
    expect(await told(cluster)).toEqual(['Available=True MinimumReplicasAvailable', 'Progressing=True NewReplicaSetAvailable'])
    await setImage(cluster, 'web:2')
    let fewest = 9
    let most = 0
    for (let second = 0; second < 25; second += 1) {
      await cluster.live(1_000)
      const all = (await cluster.list(pod, 'default')).filter((one) => !one.metadata.deletionTimestamp)
      fewest = Math.min(
        fewest,
        all.filter((one) => one.status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True')).length,
      )
      most = Math.max(most, all.length)
    }
    expect([fewest, most]).toEqual([3, 5])
    expect(await images(cluster)).toEqual(['web:2'])
    expect(await sets(cluster)).toEqual(['web:1 r1 0', 'web:2 r2 4'])
    await setImage(cluster, 'web:1')
    await cluster.live(25_000)
    expect(await sets(cluster)).toEqual(['web:1 r3 4', 'web:2 r2 0'])
    const back = (await cluster.list(replicaSet, 'default')).find((set) => set.spec.replicas === 4)
    expect(back?.metadata.annotations?.['deployment.kubernetes.io/revision-history']).toBe('1')
    expect((await cluster.client.get(deployment, web)).metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('3')
  })

  test('tells when it does not get on, and recovers by an undo', async () => {
    const cluster = await start({ healthy: (one) => one.spec.containers[0]?.image !== 'web:bad' })
    await deploy(cluster, { progressDeadlineSeconds: 30 })
    await cluster.live(6_000)
    await setImage(cluster, 'web:bad')
    await cluster.live(20_000)
    expect(await told(cluster)).toContain('Progressing=True ReplicaSetUpdated')
    await cluster.live(25_000)
    expect(await told(cluster)).toEqual(['Available=True MinimumReplicasAvailable', 'Progressing=False ProgressDeadlineExceeded'])
    expect((await status(cluster))?.conditions?.[1]?.message).toMatch(/^ReplicaSet "web-[a-z0-9]+" has timed out progressing\.$/)
    await setImage(cluster, 'web:1')
    await cluster.live(10_000)
    expect(await told(cluster)).toEqual(['Available=True MinimumReplicasAvailable', 'Progressing=True NewReplicaSetAvailable'])
    expect(await images(cluster)).toEqual(['web:1'])
  })

  test('recreates: all old pods go before the first new one comes', async () => {
    const cluster = await start()
    await deploy(cluster, { strategy: { type: 'Recreate' } })
    await cluster.live(6_000)
    await setImage(cluster, 'web:2')
    for (let second = 0; second < 15; second += 1) {
      await cluster.live(1_000)
      expect((await images(cluster)).length).toBeLessThan(2)
    }
    expect(await images(cluster)).toEqual(['web:2'])
  })

  test('paused notes changes, and rolls them out as one when resumed', async () => {
    const cluster = await start()
    await deploy(cluster)
    await cluster.live(6_000)
    await cluster.client.patch(deployment, web, 'merge', { spec: { paused: true } })
    await setImage(cluster, 'web:2')
    await cluster.live(5_000)
    await setImage(cluster, 'web:3')
    await cluster.live(5_000)
    expect(await sets(cluster)).toEqual(['web:1 r1 3'])
    expect(await told(cluster)).toContain('Progressing=Unknown DeploymentPaused')
    await cluster.client.patch(deployment, web, 'merge', { spec: { paused: false } })
    await cluster.live(15_000)
    expect(await sets(cluster)).toEqual(['web:1 r1 0', 'web:3 r2 3'])
  })

  test('keeps as many old sets as it is told', async () => {
    const cluster = await start()
    await deploy(cluster, { replicas: 1, revisionHistoryLimit: 1 })
    for (const image of ['web:2', 'web:3', 'web:4']) {
      await cluster.live(8_000)
      await setImage(cluster, image)
    }
    await cluster.live(8_000)
    expect(await sets(cluster)).toEqual(['web:3 r3 0', 'web:4 r4 1'])
  })
})

describe('a StatefulSet', () => {
  test('makes its pods in order, updates from the last one, and keeps their names', async () => {
    const cluster = await start()
    await cluster.client.create(statefulSet, {
      metadata: web,
      spec: { replicas: 3, serviceName: 'web', selector, template: template() } as never,
    })
    await cluster.live(15_000)
    expect((await cluster.list(pod, 'default')).map((one) => one.metadata.name)).toEqual(['web-0', 'web-1', 'web-2'])
    await cluster.client.patch(statefulSet, web, 'strategic', {
      spec: { template: { spec: { containers: [{ name: 'web', image: 'web:2' }] } } },
    })
    await cluster.live(30_000)
    expect(await images(cluster)).toEqual(['web:2'])
    const { status: now } = await cluster.client.get(statefulSet, web)
    expect(now).toMatchObject({ replicas: 3, readyReplicas: 3, updatedReplicas: 3, availableReplicas: 3, currentReplicas: 3 })
    expect(now?.currentRevision).toBe(now?.updateRevision)
    expect(await cluster.list(controllerRevision, 'default')).toHaveLength(2)
  })
})

describe('a DaemonSet', () => {
  test('has a pod on each node, and rolls one node after the other', async () => {
    const cluster = await start({ nodes: ['n1', 'n2', 'n3'] })
    await cluster.client.create(daemonSet, { metadata: web, spec: { selector, template: template() } as never })
    await cluster.live(3_000)
    const pinned = (one: Pod) =>
      one.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms[0]?.matchFields?.[0]?.values?.[0]
    expect((await cluster.list(pod, 'default')).map(pinned).sort()).toEqual(['n1', 'n2', 'n3'])
    await cluster.client.patch(daemonSet, web, 'strategic', {
      spec: { template: { spec: { containers: [{ name: 'web', image: 'web:2' }] } } },
    })
    await cluster.live(20_000)
    expect(await images(cluster)).toEqual(['web:2'])
    expect((await cluster.client.get(daemonSet, web)).status).toMatchObject({
      desiredNumberScheduled: 3,
      currentNumberScheduled: 3,
      updatedNumberScheduled: 3,
      numberReady: 3,
      numberAvailable: 3,
    })
  })
})

describe('a CronJob', () => {
  test('makes Jobs that complete, and forgets the old ones', async () => {
    const cluster = await start({ ends: () => 'Succeeded' })
    await cluster.client.create(cronJob, {
      metadata: web,
      spec: {
        schedule: '*/1 * * * *',
        timeZone: 'Europe/Berlin',
        successfulJobsHistoryLimit: 1,
        jobTemplate: { spec: { template: template('web:1', { restartPolicy: 'Never' }) } },
      } as never,
    })
    await cluster.live(200_000)
    const jobs: readonly Job[] = await cluster.list(job, 'default')
    expect(jobs).toHaveLength(1)
    expect(jobs[0]?.metadata.annotations?.['batch.kubernetes.io/cronjob-scheduled-timestamp']).toMatch(/^2025-01-01T01:0\d:00\+01:00$/)
    expect(jobs[0]?.status).toMatchObject({ succeeded: 1, ready: 0 })
    expect(jobs[0]?.status?.conditions?.map(({ type }) => type)).toEqual(['SuccessCriteriaMet', 'Complete'])
    const { status: now } = await cluster.client.get(cronJob, web)
    expect(now).toEqual({ lastScheduleTime: expect.any(String), lastSuccessfulTime: jobs[0]?.status?.completionTime })
    expect((await cluster.list(pod, 'default')).map((one) => one.status?.phase)).toEqual(['Succeeded'])
  })

  test('its finished Jobs go after their time to live', async () => {
    const cluster = await start({ ends: () => 'Succeeded' })
    await cluster.client.create(job, {
      metadata: web,
      spec: { ttlSecondsAfterFinished: 20, template: template('web:1', { restartPolicy: 'Never' }) } as never,
    })
    await cluster.live(10_000)
    expect(await cluster.list(job, 'default')).toHaveLength(1)
    await cluster.live(25_000)
    expect(await cluster.list(job, 'default')).toEqual([])
    expect(await cluster.list(pod, 'default')).toEqual([])
  })
})

describe('a disruption budget', () => {
  test('lets evictions through one by one', async () => {
    const cluster = await start()
    await deploy(cluster)
    await cluster.client.create(podDisruptionBudget, { metadata: web, spec: { maxUnavailable: 1, selector } })
    await cluster.live(6_000)
    const [first, second] = (await cluster.list(pod, 'default')).map((one) => one.metadata.name) as [string, string]
    const evict = (name: string) =>
      cluster.client.create(pod, { metadata: { namespace: 'default', name } } as never, {
        namespace: 'default',
        name,
        subresource: 'eviction',
      })
    await evict(first)
    const { status: spent } = await cluster.client.get(podDisruptionBudget, web)
    expect(spent).toMatchObject({ disruptionsAllowed: 0, disruptedPods: { [first]: rfc3339(cluster.env.now()) } })
    await expect(evict(second)).rejects.toThrow("Cannot evict pod as it would violate the pod's disruption budget.")
    await cluster.live(10_000)
    expect((await cluster.client.get(podDisruptionBudget, web)).status).toMatchObject({
      disruptionsAllowed: 1,
      currentHealthy: 3,
      expectedPods: 3,
    })
    await evict(second)
  })
})
