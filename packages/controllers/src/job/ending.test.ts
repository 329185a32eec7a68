import type { Job, Pod } from '@skiff/api'
import { job, pod } from '@skiff/api'
import { describe, expect, test } from 'vitest'
import { leastActive } from '../replicas/rank.ts'
import { type TestCluster, type TestClusterOptions, testCluster } from '../testing/cluster.ts'
import { make, status, target } from '../testing/jobs.ts'
import { failuresWith, nextTryMs } from './backoff.ts'
import { jobController } from './job.ts'
import { jobPod, strayPods } from './job-pods.ts'
import { tallyOf } from './tally.ts'

const label = 'batch.kubernetes.io/job-completion-index'
const start = (options: TestClusterOptions = {}) => testCluster([jobController()], options)
const types = (cluster: TestCluster) => status(cluster)?.conditions?.map(({ type, status: value }) => `${type}=${value}`)
const ofIndex =
  (index: string, phase: 'Succeeded' | 'Failed') =>
  (one: Pod): typeof phase | undefined =>
    one.metadata.labels?.[label] === index ? phase : undefined

describe('pods that still run when their Job ends', () => {
  test('count as failed where it fails, also where only ended pods are replaced', async () => {
    const cluster = start({ ends: ofIndex('0', 'Failed') })
    await make(cluster, {
      completionMode: 'Indexed',
      parallelism: 3,
      completions: 3,
      backoffLimit: 0,
      podReplacementPolicy: 'Failed',
    })
    await cluster.live(5_000)
    expect(status(cluster)).toMatchObject({ failed: 3 })
    expect(types(cluster)).toEqual(['FailureTarget=True', 'Failed=True'])
    await cluster.stop()
  })

  test('are not counted where it succeeds', async () => {
    const cluster = start({ ends: ofIndex('0', 'Succeeded') })
    const rules = [{ succeededIndexes: '0' }]
    await make(cluster, { completionMode: 'Indexed', parallelism: 3, completions: 3, successPolicy: { rules } })
    await cluster.live(5_000)
    expect(status(cluster)).toMatchObject({ succeeded: 1 })
    expect(status(cluster)?.failed).toBeUndefined()
    expect(types(cluster)).toEqual(['SuccessCriteriaMet=True', 'Complete=True'])
    await cluster.stop()
  })

  test('may not be removed: then nothing is said to be over', async () => {
    const around: TestClusterOptions['around'] = (handler) => (call) => {
      if (call.verb === 'delete' && call.resource === 'pods') throw new Error('connection refused')
      return handler(call)
    }
    const cluster = start({ around })
    await make(cluster, { activeDeadlineSeconds: 2 })
    await cluster.live(6_000)
    expect(types(cluster) ?? []).toEqual([])
    expect(cluster.server.all(pod)[0]?.metadata.finalizers).toEqual(['batch.kubernetes.io/job-tracking'])
    await cluster.stop()
  })
})

test('a pod that cannot be made is tried again after a second, and then ever later', async () => {
  let tries = 0
  const around: TestClusterOptions['around'] = (handler) => (call) => {
    if (call.verb !== 'create' || call.resource !== 'pods') return handler(call)
    tries += 1
    throw new Error('connection refused')
  }
  const cluster = start({ around })
  await make(cluster)
  await cluster.live(20_000)
  // After 0, 1, 3, 7 and 15 s, and once more where its own status woke it.
  expect(tries).toBeGreaterThanOrEqual(4)
  expect(tries).toBeLessThanOrEqual(7)
  await cluster.stop()
})

test('a pod that is deleted is a failure: its successor waits', async () => {
  const cluster = start()
  await make(cluster)
  await cluster.live(2_000)
  await cluster.client.remove(pod, { namespace: 'a', name: cluster.server.all(pod)[0]?.metadata.name ?? '' })
  await cluster.live(5_000)
  expect(cluster.server.all(pod)).toEqual([])
  expect(status(cluster)).toMatchObject({ failed: 1 })
  await cluster.live(10_000)
  expect(cluster.server.all(pod)).toHaveLength(1)
  await cluster.stop()
})

test('an adopted pod is counted as well, and one that is let go keeps no finalizer', async () => {
  const cluster = start()
  const spec = { containers: [{ name: 'c' }] } as never
  await cluster.client.create(pod, { metadata: { namespace: 'a', name: 'own', labels: { job: 'work' } }, spec })
  await make(cluster, { manualSelector: true })
  await cluster.live(1_000)
  const held = cluster.server.all(pod)[0] as Pod
  expect(held.metadata.finalizers).toEqual(['batch.kubernetes.io/job-tracking'])
  await cluster.client.update(pod, { ...held, metadata: { ...held.metadata, labels: {} } })
  await cluster.live(1_000)
  const own = cluster.server.all(pod).find(({ metadata }) => metadata.name === 'own')
  expect([own?.metadata.finalizers ?? [], own?.metadata.ownerReferences ?? []]).toEqual([[], []])
  await cluster.stop()
})

test('a Job that is resumed keeps the place of its condition', async () => {
  const cluster = start({ ends: () => 'Succeeded' })
  await make(cluster, { suspend: true })
  await cluster.live(1_000)
  expect(types(cluster)).toEqual(['Suspended=True'])
  const held = await cluster.client.get(job, target)
  await cluster.client.update(job, { ...held, spec: { ...held.spec, suspend: false } })
  await cluster.live(5_000)
  expect(types(cluster)).toEqual(['Suspended=False', 'SuccessCriteriaMet=True', 'Complete=True'])
  await cluster.stop()
})

const podOf = (name: string, more: object = {}, state: object = { phase: 'Running' }): Pod =>
  ({
    metadata: { name, uid: name, creationTimestamp: '2025-01-01T00:00:00Z', finalizers: ['batch.kubernetes.io/job-tracking'], ...more },
    spec: { nodeName: 'n', containers: [{ name: 'c' }] },
    status: state,
  }) as unknown as Pod
const indexed = (completions: number) =>
  ({
    metadata: { name: 'x'.repeat(60) },
    spec: { completions, completionMode: 'Indexed', template: { spec: { containers: [] } } },
  }) as unknown as Job
const at = (index: number) => ({ annotations: { [label]: String(index) } })

test('of several pods of an index the most useful one stays, and indexes beyond the end have none', () => {
  const ready = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2025-01-01T00:00:00Z' }] }
  const all = [podOf('idle', at(0)), podOf('ready', at(0), ready), podOf('alone', at(1)), podOf('beyond', at(2)), podOf('none')]
  const strays = strayPods(indexed(2), tallyOf(indexed(2), all))
  expect(strays.map(({ metadata }) => metadata.name)).toEqual(['beyond', 'none', 'idle'])
})

test('the younger goes first, by ready time and then by age; costs do not matter', () => {
  const cost = { annotations: { 'controller.kubernetes.io/pod-deletion-cost': '-5' } }
  const young = { creationTimestamp: '2025-01-02T00:00:00Z' }
  expect(leastActive([podOf('old', cost), podOf('young', young)]).map(({ metadata }) => metadata.name)).toEqual(['young', 'old'])
})

test('pods with an index that there is not are let go uncounted', () => {
  const tally = tallyOf(indexed(1), [podOf('a', at(1), { phase: 'Failed' }), podOf('b', at(0), { phase: 'Failed' })])
  expect([tally.freshFailed, tally.failed, tally.release.length]).toEqual([['b'], 1, 2])
})

test('a status lists no more than it may hold', () => {
  const all = Array.from({ length: 600 }, (_, n) => podOf(`p${n}`, {}, { phase: 'Succeeded' }))
  const tally = tallyOf({ metadata: { name: 'j' }, spec: { completions: 600, template: {} } } as unknown as Job, all)
  expect([tally.freshSucceeded.length, tally.release.length, tally.isPartial, tally.succeeded]).toEqual([500, 500, true, 600])
})

test('the index of a long name is kept', () => {
  expect(jobPod(indexed(12), 11, undefined).metadata.generateName).toBe(`${'x'.repeat(54)}-11-`)
})

test('failures in a row wait longer, and a success ends the row', () => {
  const ended = (second: number) => podOf('p', { creationTimestamp: `2025-01-01T00:00:0${second}Z` }, { phase: 'Failed' })
  const zeroMs = Date.parse('2025-01-01T00:00:00Z')
  const two = failuresWith(undefined, [], [ended(1), ended(2)])
  expect(nextTryMs(two) - zeroMs).toBe(22_000)
  expect(nextTryMs(failuresWith(two, [], [ended(3)])) - zeroMs).toBe(43_000)
  expect(nextTryMs(failuresWith(two, [ended(3)], [ended(4)])) - zeroMs).toBe(14_000)
  expect(nextTryMs(failuresWith(two, [ended(4)], [ended(3)]))).toBe(0)
  expect(failuresWith(two, [], [])).toBe(two)
})
