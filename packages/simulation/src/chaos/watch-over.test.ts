import {
  cronJob,
  csiNode,
  daemonSet,
  deployment,
  job,
  namespace,
  node,
  type Pod,
  persistentVolume,
  persistentVolumeClaim,
  pod,
  podDisruptionBudget,
  type Resource,
  replicaSet,
  statefulSet,
  storageClass,
} from '@skiff/api'
import { connect, createMemoryServer, virtualEnv } from '@skiff/client'
import { rfc3339 } from '@skiff/machinery'
import { expect, test } from 'vitest'
import { createCalm } from './watch/calm.ts'
import { createIssued } from './watch/placements.ts'
import { watchOver } from './watch-over.ts'

// Each thing that may at no time be is made to be, and must be found.

const resources = [
  ...[cronJob, csiNode, daemonSet, deployment, job, namespace, node, persistentVolume, persistentVolumeClaim, pod],
  ...[podDisruptionBudget, replicaSet, statefulSet, storageClass],
] as unknown as readonly Resource[]

const start = async () => {
  const env = virtualEnv(1)
  const server = createMemoryServer(env, resources)
  const client = connect(server.handler, { name: 'test', groups: [] })
  const calm = createCalm(env)
  const watched = await watchOver({ client, env, live: env.advance }, calm, createIssued())
  // From then on everybody is taken to know what happens.
  await env.advance(400_000)
  const make = <T>(resource: T, name: string, rest: object = {}, metadata: object = {}): Promise<{ metadata: { uid: string } }> =>
    client.create(resource as Resource, { metadata: { name, namespace: 'a', ...metadata }, ...rest } as never) as never
  const say = async (resource: unknown, name: string, status: object): Promise<void> => {
    const held = await client.get(resource as Resource, { namespace: 'a', name })
    await client.update(resource as Resource, { ...held, status } as never, { subresource: 'status' })
  }
  const owned = async (kind: string, owner: { metadata: { uid: string } }, name: string, spec: object = {}, more: object = {}) =>
    make(
      pod,
      name,
      { spec },
      { ownerReferences: [{ apiVersion: 'v1', kind, name: 'owner', uid: owner.metadata.uid, controller: true }], ...more },
    )
  const bind = (name: string, nodeName: string) =>
    client.create(pod, { metadata: {}, target: { name: nodeName } } as never, { namespace: 'a', name, subresource: 'binding' })
  const addNode = (taints: readonly object[] = []) =>
    client.create(node, { metadata: { name: 'n' }, spec: { taints }, status: { allocatable: { cpu: '1', pods: '9' } } } as never)
  return { env, client, calm, watched, make, say, owned, bind, addNode }
}
type Cluster = Awaited<ReturnType<typeof start>>

const ready = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] }
const marked = (reason: string) => ({ ...ready, conditions: [...ready.conditions, { type: 'DisruptionTarget', status: 'True', reason }] })
const index = (at: string) => ({ annotations: { 'batch.kubernetes.io/job-completion-index': at } })
const unreachable = (timeAdded: string) => ({ key: 'node.kubernetes.io/unreachable', effect: 'NoExecute', timeAdded })
const tolerating = { tolerations: [{ operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 60 }] }
const scheduled = (at: string, uid: string) => ({
  annotations: { 'batch.kubernetes.io/cronjob-scheduled-timestamp': at },
  ownerReferences: [{ apiVersion: 'batch/v1', kind: 'CronJob', name: 'tick', uid, controller: true }],
})
const settled = (cluster: Cluster) => cluster.env.advance(40_000)

const scenes: readonly [string, (cluster: Cluster) => Promise<unknown>][] = [
  [
    'a/p was bound to n at 460000 ms against: taint',
    async ({ addNode, make, bind, env }) => {
      await addNode([{ key: 'team', effect: 'NoSchedule' }])
      await env.advance(60_000)
      await make(pod, 'p', { spec: { containers: [] } })
      await bind('p', 'n')
    },
  ],
  [
    'a/q was bound to n at 520000 ms against: cpu',
    async ({ addNode, make, bind, env }) => {
      await addNode()
      for (const name of ['p', 'q']) {
        await env.advance(60_000)
        await make(pod, name, { spec: { containers: [{ name: 'c', resources: { requests: { cpu: '600m' } } }] } })
        await bind(name, 'n')
      }
    },
  ],
  [
    'a/p lives again',
    async ({ make, say }) => {
      await make(pod, 'p', { spec: {} })
      await say(pod, 'p', { phase: 'Succeeded' })
      await say(pod, 'p', { phase: 'Running' })
    },
  ],
  [
    'claim a/c was made anew',
    async ({ client, make, env }) => {
      await make(persistentVolumeClaim, 'c')
      await env.advance(1_000)
      await client.remove(persistentVolumeClaim, { namespace: 'a', name: 'c' })
      await make(persistentVolumeClaim, 'c')
    },
  ],
  [
    'a/q is pod 2 of a ReplicaSet of 1',
    async ({ make, owned, env }) => {
      const set = await make(replicaSet, 'set', { spec: { replicas: 1 } })
      await owned('ReplicaSet', set, 'p')
      await env.advance(1_000)
      await owned('ReplicaSet', set, 'q')
    },
  ],
  [
    'the ReplicaSets of web are to have 3 pods of at most 2',
    async ({ make }) => {
      const spec = { replicas: 1, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } }
      const { metadata } = await make(deployment, 'web', { spec })
      const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: metadata.uid, controller: true }]
      await make(replicaSet, 'set', { spec: { replicas: 3 } }, { ownerReferences })
    },
  ],
  [
    'a/q is pod 2 of its DaemonSet on n',
    async ({ make, owned, env }) => {
      const set = await make(daemonSet, 'set')
      await owned('DaemonSet', set, 'p', { nodeName: 'n' })
      await env.advance(1_000)
      await owned('DaemonSet', set, 'q', { nodeName: 'n' })
    },
  ],
  [
    'a/db-1 came before ordinal 0 stood',
    async ({ make, owned }) => owned('StatefulSet', await make(statefulSet, 'db', { spec: { replicas: 2 } }), 'db-1'),
  ],
  [
    'a/work counts 2 that succeeded and 0 that failed of 1 and 0 pods',
    async ({ make, owned, say, env }) => {
      await owned('Job', await make(job, 'work', { spec: { parallelism: 1 } }), 'p')
      await say(pod, 'p', { phase: 'Succeeded' })
      await env.advance(1_000)
      await say(job, 'work', { succeeded: 2 })
    },
  ],
  [
    'a/q does again what index 3 has done',
    async ({ make, owned, say, env }) => {
      const work = await make(job, 'work', { spec: { parallelism: 1 } })
      await owned('Job', work, 'p', {}, index('3'))
      await say(pod, 'p', { phase: 'Succeeded' })
      await env.advance(60_000)
      await owned('Job', work, 'q', {}, index('3'))
    },
  ],
  [
    'a/q is pod 2 of a Job that runs fewer',
    async ({ make, owned, env }) => {
      const work = await make(job, 'work', { spec: { parallelism: 1 } })
      await owned('Job', work, 'p')
      await env.advance(1_000)
      await owned('Job', work, 'q')
    },
  ],
  [
    'a/p is for a Job that has ended',
    async ({ make, owned, say, env }) => {
      const work = await make(job, 'work', { spec: { parallelism: 1 } })
      await env.advance(1_000)
      await say(job, 'work', { conditions: [{ type: 'Complete', status: 'True' }] })
      await env.advance(60_000)
      await owned('Job', work, 'p')
    },
  ],
  [
    'a/two runs beside a/one, though its CronJob says Forbid',
    async ({ make, env }) => {
      const { metadata } = await make(cronJob, 'tick', { spec: { concurrencyPolicy: 'Forbid' } })
      await make(job, 'one', { spec: {} }, scheduled('1', metadata.uid))
      await env.advance(60_000)
      await make(job, 'two', { spec: {} }, scheduled('2', metadata.uid))
    },
  ],
  [
    'a/two is started a second time for 1',
    async ({ make }) => {
      const { metadata } = await make(cronJob, 'tick', { spec: { concurrencyPolicy: 'Allow' } })
      await make(job, 'one', { spec: {} }, scheduled('1', metadata.uid))
      await make(job, 'two', { spec: {} }, scheduled('1', metadata.uid))
    },
  ],
  [
    'a/p was driven off n before its time',
    async ({ addNode, make, say, env }) => {
      await addNode([unreachable(rfc3339(env.now()))])
      await make(pod, 'p', { spec: { nodeName: 'n', containers: [], ...tolerating } })
      await env.advance(50_000)
      await say(pod, 'p', marked('DeletionByTaintManager'))
    },
  ],
  [
    'a/p stays on n past its tolerations',
    async ({ addNode, make, env }) => {
      await addNode([unreachable(rfc3339(env.now()))])
      await make(pod, 'p', { spec: { nodeName: 'n', containers: [], ...tolerating } })
      await env.advance(140_000)
    },
  ],
  [
    'a/db-0 was given up, though it may still run on n',
    async ({ addNode, make, owned, client, watched, env }) => {
      await addNode()
      await owned('StatefulSet', await make(statefulSet, 'db', { spec: {} }), 'db-0', { nodeName: 'n', containers: [] })
      watched.losses.died('n')
      // Past the time that a node which is not there is looked for.
      await env.advance(400_000)
      await client.remove(pod, { namespace: 'a', name: 'db-0' }, { gracePeriodSeconds: 0 })
    },
  ],
  [
    'the pod p-uid is deleted again',
    async ({ make, client, watched, env }) => {
      await make(pod, 'p', { spec: { nodeName: 'n', containers: [] } }, { uid: 'p-uid' })
      const { metadata } = (await client.get(pod, { namespace: 'a', name: 'p' })) as Pod
      await client.remove(pod, { namespace: 'a', name: 'p' }, { gracePeriodSeconds: 30 })
      await env.advance(60_000)
      const common = { group: '', version: 'v1', query: {}, identity: { name: 'test', groups: [] } }
      watched.see({ ...common, verb: 'delete', resource: 'pods', body: { object: { preconditions: { uid: metadata.uid } } } })
      watched.wrong.push(...watched.wrong.splice(0).map((text) => text.replace(metadata.uid, 'p-uid')))
    },
  ],
  [
    'a/p was evicted, though a/web needed it',
    async ({ make, say, env }) => {
      await make(podDisruptionBudget, 'web', { spec: { minAvailable: 2, selector: { matchLabels: { app: 'web' } } } })
      for (const name of ['p', 'q']) {
        await make(pod, name, { spec: { nodeName: 'n', containers: [] } }, { labels: { app: 'web' } })
        await say(pod, name, ready)
      }
      await env.advance(400_000)
      await say(pod, 'p', marked('EvictionByEvictionAPI'))
    },
  ],
]

test.each(scenes)('%s', async (complaint, play) => {
  const cluster = await start()
  await play(cluster)
  await settled(cluster)
  expect(cluster.watched.wrong).toContain(complaint)
  await cluster.watched.stop()
})
