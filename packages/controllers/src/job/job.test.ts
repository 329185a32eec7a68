import type { Job, Pod } from '@skiff/api'
import { job, pod } from '@skiff/api'
import { describe, expect, test } from 'vitest'
import { type TestCluster, type TestClusterOptions, testCluster } from '../testing/cluster.ts'
import { make, status, target } from '../testing/jobs.ts'
import { formatIndexes, parseIndexes } from './indexes.ts'
import { jobController, ttlAfterFinishedController } from './job.ts'

const start = (options: TestClusterOptions = {}) => testCluster([jobController(), ttlAfterFinishedController()], options)
const conditions = (cluster: TestCluster) =>
  status(cluster)?.conditions?.map(({ type, status: value, reason, message }) => `${type}=${value} ${reason}: ${message}`)
const succeed = () => 'Succeeded' as const
const change = async (cluster: TestCluster, spec: Partial<Job['spec']>) => {
  const held = await cluster.client.get(job, target)
  return cluster.client.update(job, { ...held, spec: { ...held.spec, ...spec } })
}

describe('a Job', () => {
  test('runs as many at once as it may, until enough succeeded', async () => {
    let most = 0
    const cluster = start({ ends: succeed })
    await make(cluster, { parallelism: 2, completions: 5 })
    for (let n = 0; n < 60; n += 1) {
      await cluster.live(250)
      most = Math.max(most, cluster.server.all(pod).filter((one) => !one.status?.phase || one.status.phase === 'Running').length)
    }
    expect(most).toBe(2)
    expect(cluster.server.all(pod)).toHaveLength(5)
    expect(cluster.server.all(pod).every((one) => !one.metadata.finalizers?.length)).toBe(true)
    expect(status(cluster)).toMatchObject({ succeeded: 5, ready: 0, terminating: 0, uncountedTerminatedPods: {} })
    expect(status(cluster)?.active).toBeUndefined()
    expect(status(cluster)?.completionTime).toBeDefined()
    expect(conditions(cluster)).toEqual([
      'SuccessCriteriaMet=True CompletionsReached: Reached expected number of succeeded pods',
      'Complete=True CompletionsReached: Reached expected number of succeeded pods',
    ])
    expect(cluster.events()).toContain('Normal Completed: Job completed x1')
    await cluster.stop()
  })

  test('gives up after its limit of failures, waiting longer each time', async () => {
    const cluster = start({ ends: () => 'Failed' })
    await make(cluster, { backoffLimit: 2 })
    await cluster.live(5_000)
    expect(cluster.server.all(pod)).toHaveLength(1)
    await cluster.live(8_000)
    expect(cluster.server.all(pod)).toHaveLength(2)
    await cluster.live(40_000)
    expect(cluster.server.all(pod)).toHaveLength(3)
    expect(status(cluster)).toMatchObject({ failed: 3 })
    expect(conditions(cluster)).toEqual([
      'FailureTarget=True BackoffLimitExceeded: Job has reached the specified backoff limit',
      'Failed=True BackoffLimitExceeded: Job has reached the specified backoff limit',
    ])
    expect(cluster.events()).toContain('Warning BackoffLimitExceeded: Job has reached the specified backoff limit x1')
    await cluster.stop()
  })

  test('past its deadline stops its pods and has failed when they are gone', async () => {
    const cluster = start()
    await make(cluster, { activeDeadlineSeconds: 10, parallelism: 2, completions: 2 })
    await cluster.live(5_000)
    expect(status(cluster)).toMatchObject({ active: 2, ready: 2 })
    await cluster.live(15_000)
    expect(cluster.server.all(pod)).toEqual([])
    expect(conditions(cluster)?.at(-1)).toBe('Failed=True DeadlineExceeded: Job was active longer than specified deadline')
    expect(status(cluster)?.failed).toBe(2)
    await cluster.stop()
  })

  test('suspended stops, and goes on when resumed', async () => {
    const cluster = start()
    await make(cluster, { parallelism: 2, completions: 2 })
    await cluster.live(3_000)
    await change(cluster, { suspend: true })
    await cluster.live(3_000)
    expect(cluster.server.all(pod)).toEqual([])
    expect(conditions(cluster)).toEqual(['Suspended=True JobSuspended: Job suspended'])
    const before = status(cluster)?.startTime
    await change(cluster, { suspend: false })
    await cluster.live(3_000)
    expect(status(cluster)).toMatchObject({ active: 2 })
    expect(conditions(cluster)).toEqual(['Suspended=False JobResumed: Job resumed'])
    expect(status(cluster)?.startTime).not.toBe(before)
    await cluster.stop()
  })

  test('ends no earlier than it started, though the clock was set back', async () => {
    let isEnding = false
    const cluster = start({ ends: () => (isEnding ? 'Succeeded' : undefined) })
    await make(cluster)
    await cluster.live(2_000)
    const startTime = '2030-01-01T00:00:00Z'
    const held = await cluster.client.get(job, target)
    await cluster.client.update(job, { ...held, status: { ...held.status, startTime } }, { subresource: 'status' })
    isEnding = true
    await cluster.live(3_000)
    expect(status(cluster)).toMatchObject({ succeeded: 1, startTime, completionTime: startTime })
    await cluster.stop()
  })

  test('an index that is done stays so, though the status could not be written', async () => {
    let isDown = false
    const around: TestClusterOptions['around'] = (handler) => (call) => {
      if (isDown && call.verb === 'update' && call.resource === 'jobs') throw new Error('connection refused')
      return handler(call)
    }
    const cluster = start({ around, ends: () => (isDown ? 'Succeeded' : undefined) })
    await make(cluster, { completionMode: 'Indexed', parallelism: 2, completions: 2 })
    await cluster.live(2_000)
    isDown = true
    await cluster.live(30_000)
    isDown = false
    await cluster.live(60_000)
    expect(status(cluster)).toMatchObject({ succeeded: 2, completedIndexes: '0,1' })
    expect(cluster.server.all(pod)).toHaveLength(2)
    await cluster.stop()
  })

  test('a pod that goes with its finalizer is counted once, however late the watch tells that it is gone', async () => {
    let cluster: TestCluster | undefined
    let lateMs = 0
    let updates = 0
    const around: TestClusterOptions['around'] = (handler) => async (call) => {
      if (call.verb === 'update' && call.resource === 'jobs') updates += 1
      // Else it would be counted for ever.
      if (updates > 50) throw new Error('too many updates')
      const reply = await handler(call)
      if (!('watch' in reply) || call.resource !== 'pods') return reply
      const { watch } = reply
      return {
        watch: (async function* () {
          for await (const frames of watch) {
            await cluster?.env.sleep(lateMs)
            yield frames
          }
        })(),
      }
    }
    cluster = start({ around })
    await make(cluster, { backoffLimit: 100 })
    await cluster.live(2_000)
    const [first] = cluster.server.all(pod)
    lateMs = 3_000
    await cluster.client.remove(pod, { namespace: 'a', name: first?.metadata.name ?? '' })
    await cluster.live(60_000)
    expect(status(cluster)).toMatchObject({ active: 1, failed: 1 })
    await cluster.stop()
  })

  test('pods that are too many are not counted as failed', async () => {
    const cluster = start()
    await make(cluster, { parallelism: 3, completions: 3, backoffLimit: 0 })
    await cluster.live(3_000)
    await change(cluster, { parallelism: 1 })
    await cluster.live(5_000)
    expect(cluster.server.all(pod)).toHaveLength(1)
    expect(status(cluster)).toMatchObject({ active: 1, terminating: 0 })
    expect(status(cluster)?.failed).toBeUndefined()
    await cluster.stop()
  })

  test('pods that it was made to let go keep no finalizer of it', async () => {
    const cluster = start()
    await make(cluster)
    await cluster.live(2_000)
    await cluster.client.remove(job, target)
    const [held] = cluster.server.all(pod) as [Pod]
    const { ownerReferences: _owners, ...metadata } = held.metadata
    await cluster.client.update(pod, { ...held, metadata: { ...metadata, finalizers: ['batch.kubernetes.io/job-tracking'] } } as never)
    await cluster.live(1_000)
    expect(cluster.server.all(pod)[0]?.metadata.finalizers ?? []).toEqual([])
    await cluster.stop()
  })

  test('without completions is done when one succeeded and none runs', async () => {
    let succeeding = false
    const cluster = start({ ends: () => (succeeding ? 'Succeeded' : undefined) })
    const held = await make(cluster, { parallelism: 3 })
    const { completions: _completions, ...spec } = held.spec
    await cluster.client.update(job, { ...held, spec })
    await cluster.live(3_000)
    expect(cluster.server.all(pod).length).toBeGreaterThanOrEqual(1)
    succeeding = true
    await cluster.live(5_000)
    expect(conditions(cluster)?.at(-1)).toMatch(/^Complete=True/)
    await cluster.stop()
  })

  test('is removed with its pods after its time to live', async () => {
    const cluster = start({ ends: succeed })
    await make(cluster, { ttlSecondsAfterFinished: 30 })
    await cluster.live(20_000)
    expect(cluster.server.all(job)).toHaveLength(1)
    await cluster.live(20_000)
    expect(cluster.server.all(job)[0]?.metadata.deletionTimestamp).toBeDefined()
    expect(cluster.server.all(job)[0]?.metadata.finalizers).toEqual(['foregroundDeletion'])
    await cluster.stop()
  })

  test('that is gone holds none of its pods', async () => {
    const cluster = start()
    await make(cluster)
    await cluster.live(2_000)
    expect(cluster.server.all(pod)[0]?.metadata.finalizers).toEqual(['batch.kubernetes.io/job-tracking'])
    await cluster.client.remove(job, target)
    await cluster.live(1_000)
    expect(cluster.server.all(pod)[0]?.metadata.finalizers ?? []).toEqual([])
    await cluster.stop()
  })

  test('managed by another controller is left alone', async () => {
    const cluster = start()
    await make(cluster, { managedBy: 'example.com/other' })
    await cluster.live(2_000)
    expect(cluster.server.all(pod)).toEqual([])
    await cluster.stop()
  })
})

describe('an indexed Job', () => {
  test('gives each index to one pod, again when it fails', async () => {
    const failed = new Set<string>()
    const cluster = start({
      ends: (one) => {
        const index = one.metadata.labels?.['batch.kubernetes.io/job-completion-index'] ?? ''
        if (index !== '1' || failed.size > 0) return 'Succeeded'
        failed.add(one.metadata.name)
        return 'Failed'
      },
    })
    await make(cluster, { completionMode: 'Indexed', parallelism: 3, completions: 4 })
    await cluster.live(3_000)
    const made = cluster.server.all(pod).find((one) => one.metadata.generateName === 'work-0-') as Pod
    expect(made.metadata.annotations).toEqual({ 'batch.kubernetes.io/job-completion-index': '0' })
    expect(made.spec).toMatchObject({
      hostname: 'work-0',
      containers: [
        {
          env: [
            {
              name: 'JOB_COMPLETION_INDEX',
              valueFrom: { fieldRef: { fieldPath: "metadata.labels['batch.kubernetes.io/job-completion-index']" } },
            },
          ],
        },
      ],
    })
    await cluster.live(30_000)
    expect(status(cluster)).toMatchObject({ succeeded: 4, failed: 1, completedIndexes: '0-3' })
    expect(conditions(cluster)?.at(-1)).toMatch(/^Complete=True/)
    await cluster.stop()
  })

  test('may be done early by its success policy', async () => {
    const cluster = start({
      ends: (one) => (one.metadata.labels?.['batch.kubernetes.io/job-completion-index'] === '0' ? 'Succeeded' : undefined),
    })
    await make(cluster, {
      completionMode: 'Indexed',
      parallelism: 3,
      completions: 3,
      successPolicy: { rules: [{ succeededIndexes: '0' }] },
    })
    await cluster.live(10_000)
    expect(conditions(cluster)).toEqual([
      'SuccessCriteriaMet=True SuccessPolicy: Matched rules at index 0',
      'Complete=True SuccessPolicy: Matched rules at index 0',
    ])
    await cluster.stop()
  })
})

describe('an indexed Job with a limit for each index', () => {
  const label = 'batch.kubernetes.io/job-completion-index'
  const indexed = { completionMode: 'Indexed', backoffLimit: 2 ** 31 - 1, backoffLimitPerIndex: 1 } as const
  const failing =
    (...indexes: string[]) =>
    (one: Pod) =>
      indexes.includes(one.metadata.labels?.[label] ?? '') ? ('Failed' as const) : ('Succeeded' as const)

  test('gives up only the index that fails, and fails in the end', async () => {
    const cluster = start({ ends: failing('1') })
    await make(cluster, { ...indexed, parallelism: 3, completions: 4 })
    await cluster.live(5_000)
    expect(status(cluster)).toMatchObject({ completedIndexes: '0,2,3', failedIndexes: '', succeeded: 3 })
    const ofIndex = () => cluster.server.all(pod).filter((one) => one.metadata.labels?.[label] === '1')
    // Kept, since it carries the number of failures.
    expect(ofIndex().map((one) => one.metadata.finalizers)).toEqual([['batch.kubernetes.io/job-tracking']])
    await cluster.live(30_000)
    expect(
      ofIndex()
        .map((one) => one.metadata.annotations?.['batch.kubernetes.io/job-index-failure-count'])
        .sort(),
    ).toEqual(['0', '1'])
    expect(ofIndex().every((one) => !one.metadata.finalizers?.length)).toBe(true)
    expect(status(cluster)).toMatchObject({ completedIndexes: '0,2,3', failedIndexes: '1', succeeded: 3, failed: 2 })
    expect(conditions(cluster)).toEqual([
      'FailureTarget=True FailedIndexes: Job has failed indexes',
      'Failed=True FailedIndexes: Job has failed indexes',
    ])
    await cluster.stop()
  })

  test('each index waits for its own failures', async () => {
    const cluster = start({ ends: failing('0') })
    await make(cluster, { ...indexed, backoffLimitPerIndex: 5, parallelism: 1, completions: 1 })
    const tries = () => cluster.server.all(pod).length
    await cluster.live(8_000)
    expect(tries()).toBe(1)
    await cluster.live(6_000)
    expect(tries()).toBe(2)
    await cluster.live(15_000)
    expect(tries()).toBe(2)
    await cluster.live(10_000)
    expect(tries()).toBe(3)
    await cluster.stop()
  })

  test('ends at once when too many indexes failed', async () => {
    const cluster = start({ ends: (one) => (failing('0', '1')(one) === 'Failed' ? 'Failed' : undefined) })
    await make(cluster, { ...indexed, backoffLimitPerIndex: 0, maxFailedIndexes: 1, parallelism: 4, completions: 4 })
    await cluster.live(10_000)
    expect(status(cluster)).toMatchObject({ failedIndexes: '0,1' })
    expect(conditions(cluster)?.at(-1)).toBe(
      'Failed=True MaxFailedIndexesExceeded: Job has exceeded the specified maximal number of failed indexes',
    )
    await cluster.stop()
  })

  test('an index may fail by the failure policy, and what is ignored does not count', async () => {
    const rules = [{ action: 'FailIndex', onExitCodes: { operator: 'In', values: [1] } }] as never
    const cluster = start({ ends: failing('0') })
    await make(cluster, { ...indexed, backoffLimitPerIndex: 5, completions: 2, parallelism: 2, podFailurePolicy: { rules } })
    await cluster.live(10_000)
    expect(status(cluster)).toMatchObject({ failedIndexes: '0', completedIndexes: '1', failed: 1 })
    await cluster.stop()
    const ignore = [{ action: 'Ignore', onExitCodes: { operator: 'In', values: [1] } }] as never
    const other = start({ ends: failing('0') })
    await make(other, { ...indexed, backoffLimitPerIndex: 0, completions: 1, podFailurePolicy: { rules: ignore } })
    await other.live(35_000)
    const last = other.server.all(pod).at(-1)?.metadata.annotations
    expect(other.server.all(pod).length).toBeGreaterThan(1)
    expect(last?.['batch.kubernetes.io/job-index-failure-count']).toBe('0')
    expect(status(other)).toMatchObject({ failedIndexes: '' })
    await other.stop()
  })
})

describe('the pod failure policy', () => {
  const exit = (action: 'FailJob' | 'Ignore') => ({
    rules: [{ action, onExitCodes: { operator: 'In' as const, values: [1] } }],
  })
  test('ends the Job at once', async () => {
    const cluster = start({ ends: () => 'Failed' })
    await make(cluster, { podFailurePolicy: exit('FailJob') })
    await cluster.live(5_000)
    expect(conditions(cluster)?.at(-1)).toMatch(
      /^Failed=True PodFailurePolicy: Container c for pod a\/work-\w+ failed with exit code 1 matching FailJob rule at index 0$/,
    )
    await cluster.stop()
  })
  test('or does not count the failure', async () => {
    let tries = 0
    const cluster = start({
      ends: () => {
        tries += 1
        return tries > 3 ? 'Succeeded' : 'Failed'
      },
    })
    await make(cluster, { backoffLimit: 0, podFailurePolicy: exit('Ignore') })
    await cluster.live(300_000)
    expect(conditions(cluster)?.at(-1)).toMatch(/^Complete=True/)
    expect(status(cluster)?.failed).toBeUndefined()
    await cluster.stop()
  })
})

test.each<[string, number[]]>([
  ['', []],
  ['1', [1]],
  ['1,2', [1, 2]],
  ['0-2,4,7-9', [0, 1, 2, 4, 7, 8, 9]],
])('indexes %s', (text, indexes) => {
  expect(parseIndexes(text, 100)).toEqual(indexes)
  expect(formatIndexes([...indexes].reverse())).toBe(text)
})

test.each([1, 2, 3, 4, 5])('seed %i: on a bad network each pod is counted exactly once', async (seed) => {
  let failures = 0
  const cluster = start({
    seed,
    rates: { lostCall: 0.1, conflict: 0.15, delay: 0.3, maxDelayMs: 300, cutWatch: 0.1, repeat: 0.1 },
    ends: (one) => (one.metadata.name.charCodeAt(5) % 4 === 0 ? 'Failed' : 'Succeeded'),
  })
  await make(cluster, { parallelism: 4, completions: 12, backoffLimit: 1_000 })
  await cluster.live(400_000)
  cluster.faults.stop()
  await cluster.live(1_500_000)
  const phases = cluster.server.all(pod).map((one) => one.status?.phase)
  failures = phases.filter((phase) => phase === 'Failed').length
  expect(status(cluster)?.succeeded).toBe(phases.filter((phase) => phase === 'Succeeded').length)
  expect(status(cluster)?.failed ?? 0).toBe(failures)
  expect(conditions(cluster)?.at(-1)).toMatch(/^Complete=True/)
  await cluster.stop()
})
