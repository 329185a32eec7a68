import type { CronJob, Job } from '@skiff/api'
import { cronJob, job, pod } from '@skiff/api'
import { rfc3339 } from '@skiff/machinery'
import { describe, expect, test } from 'vitest'
import { jobController } from '../job/job.ts'
import { type TestCluster, type TestClusterOptions, testCluster } from '../testing/cluster.ts'
import { sentences } from '../testing/sentences.ts'
import { cronJobController } from './cronjob.ts'
import { planCronJob } from './plan.ts'

const target = { namespace: 'a', name: 'tick' }
const minuteMs = 60_000

const template = {
  metadata: { labels: { job: 'tick' }, annotations: { note: 'x' } },
  spec: {
    parallelism: 1,
    completions: 1,
    selector: { matchLabels: { job: 'tick' } },
    template: { metadata: { labels: { job: 'tick' } }, spec: { containers: [{ name: 'c' }], restartPolicy: 'Never' } },
  },
}
const make = (cluster: TestCluster, spec: Partial<CronJob['spec']> = {}) =>
  cluster.client.create(cronJob, {
    metadata: target,
    spec: {
      schedule: '* * * * *',
      concurrencyPolicy: 'Allow',
      suspend: false,
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 1,
      jobTemplate: template as never,
      ...spec,
    },
  })

const start = (options: TestClusterOptions = {}) => testCluster([cronJobController(), jobController()], options)
const status = (cluster: TestCluster) => cluster.server.all(cronJob)[0]?.status
const jobNames = (cluster: TestCluster) =>
  cluster.server
    .all(job)
    .map((one) => one.metadata.name)
    .sort()
const nameAt = (atMs: number) => `tick-${Math.trunc(atMs / minuteMs)}`
const untilMinute = (cluster: TestCluster) => cluster.live(minuteMs - (cluster.env.now() % minuteMs) + 1_000)

describe('a CronJob', () => {
  test('whose schedule is changed starts nothing that the new one would have asked for before', async () => {
    const cluster = start()
    await make(cluster, { schedule: '0 0 1 7 *' })
    await cluster.env.advance(25 * minuteMs)
    const held = await cluster.client.get(cronJob, target)
    await cluster.client.update(cronJob, { ...held, spec: { ...held.spec, schedule: '*/10 * * * *' } })
    await cluster.live(2_000)
    expect(jobNames(cluster)).toEqual([])
    await cluster.live(5 * minuteMs)
    const dueMs = Math.trunc(cluster.env.now() / (10 * minuteMs)) * 10 * minuteMs
    expect(jobNames(cluster)).toEqual([nameAt(dueMs)])
    await cluster.stop()
  })

  test('makes a Job when it is due, tells of it and keeps books', async () => {
    const cluster = start()
    await make(cluster)
    await untilMinute(cluster)
    const dueMs = Math.trunc(cluster.env.now() / minuteMs) * minuteMs
    const made = cluster.server.all(job)[0] as Job
    expect(made.metadata).toMatchObject({
      name: nameAt(dueMs),
      labels: { job: 'tick' },
      annotations: { note: 'x', 'batch.kubernetes.io/cronjob-scheduled-timestamp': rfc3339(dueMs) },
      ownerReferences: [{ apiVersion: 'batch/v1', kind: 'CronJob', name: 'tick', controller: true, blockOwnerDeletion: true }],
    })
    expect(made.spec).toMatchObject(template.spec)
    expect(status(cluster)).toEqual({
      active: [
        expect.objectContaining({ kind: 'Job', apiVersion: 'batch/v1', namespace: 'a', name: nameAt(dueMs), uid: made.metadata.uid }),
      ],
      lastScheduleTime: rfc3339(dueMs),
    })
    expect(cluster.events()).toContain(`Normal SuccessfulCreate: Created job ${nameAt(dueMs)} x1`)
    await cluster.stop()
  })

  test('sees Jobs end and keeps the last few of each kind', async () => {
    let fails = false
    const cluster = start({ ends: () => (fails ? 'Failed' : 'Succeeded') })
    const one = { ...template, spec: { ...template.spec, backoffLimit: 0 } }
    await make(cluster, { successfulJobsHistoryLimit: 2, jobTemplate: one as never })
    await untilMinute(cluster)
    const firstMs = Math.trunc(cluster.env.now() / minuteMs) * minuteMs
    await cluster.live(3 * minuteMs)
    expect(jobNames(cluster)).toEqual([nameAt(firstMs + 2 * minuteMs), nameAt(firstMs + 3 * minuteMs)])
    expect(status(cluster)?.active).toBeUndefined()
    expect(status(cluster)?.lastSuccessfulTime).toBe(cluster.server.all(job).at(-1)?.status?.completionTime)
    expect(cluster.events()).toEqual(
      expect.arrayContaining([
        `Normal SawCompletedJob: Saw completed job: ${nameAt(firstMs)}, condition: Complete x1`,
        `Normal SuccessfulDelete: Deleted job ${nameAt(firstMs)} x1`,
      ]),
    )
    fails = true
    await cluster.live(3 * minuteMs)
    expect(jobNames(cluster)).toEqual([2, 3, 6].map((n) => nameAt(firstMs + n * minuteMs)))
    expect(cluster.events()).toContain(`Normal SawCompletedJob: Saw completed job: ${nameAt(firstMs + 4 * minuteMs)}, condition: Failed x1`)
    await cluster.stop()
  })

  test('suspended makes none, and resumed makes only the last one it missed', async () => {
    const cluster = start()
    await make(cluster, { suspend: true })
    await cluster.live(5 * minuteMs)
    expect(jobNames(cluster)).toEqual([])
    await cluster.client.patch(cronJob, target, 'merge', { spec: { suspend: false } })
    await cluster.live(1_000)
    expect(jobNames(cluster)).toEqual([nameAt(cluster.env.now() - 1_000)])
    await cluster.stop()
  })

  test('of an unknown time zone says so and makes none', async () => {
    const cluster = start()
    await make(cluster, { timeZone: 'Moon/Crater' })
    await cluster.live(2 * minuteMs)
    expect(jobNames(cluster)).toEqual([])
    expect(cluster.events()[0]).toMatch(/^Warning UnknownTimeZone: invalid timeZone: "Moon\/Crater": unknown time zone Moon\/Crater/)
    await cluster.stop()
  })

  test('that forbids concurrency waits for the end of the one before', async () => {
    let ends = false
    const cluster = start({ ends: () => (ends ? 'Succeeded' : undefined) })
    await make(cluster, { concurrencyPolicy: 'Forbid' })
    await untilMinute(cluster)
    const firstMs = Math.trunc(cluster.env.now() / minuteMs) * minuteMs
    await cluster.live(2.5 * minuteMs)
    expect(jobNames(cluster)).toEqual([nameAt(firstMs)])
    expect(cluster.events().find((line) => line.includes('JobAlreadyActive'))).toMatch(
      /^Normal JobAlreadyActive: Not starting job because prior execution is running and concurrency policy is Forbid x\d/,
    )
    ends = true
    await cluster.live(5_000)
    expect(jobNames(cluster)).toEqual([nameAt(firstMs), nameAt(firstMs + 2 * minuteMs)])
    await cluster.stop()
  })

  test('that replaces removes the one before, with its pods', async () => {
    const cluster = start()
    await make(cluster, { concurrencyPolicy: 'Replace' })
    await untilMinute(cluster)
    const firstMs = Math.trunc(cluster.env.now() / minuteMs) * minuteMs
    await cluster.live(minuteMs)
    expect(jobNames(cluster)).toEqual([nameAt(firstMs + minuteMs)])
    expect(status(cluster)?.active?.map(({ name }) => name)).toEqual([nameAt(firstMs + minuteMs)])
    expect(cluster.events()).toContain(`Normal SuccessfulDelete: Deleted job ${nameAt(firstMs)} x1`)
    await cluster.stop()
  })

  test('misses a Job that somebody removed, and does not count one made by hand', async () => {
    const cluster = start()
    const held = await make(cluster, { schedule: '0 0 1 1 *' })
    const owner = { apiVersion: 'batch/v1', kind: 'CronJob', name: 'tick', uid: held.metadata.uid, controller: true }
    await cluster.client.create(job, {
      metadata: { namespace: 'a', name: 'by-hand', ownerReferences: [owner] },
      spec: template.spec as never,
    })
    const gone = { kind: 'Job', apiVersion: 'batch/v1', namespace: 'a', name: 'gone', uid: 'nobody' }
    await cluster.client.patch(cronJob, { ...target, subresource: 'status' }, 'merge', { status: { active: [gone] } })
    await cluster.live(2_000)
    expect(status(cluster)?.active).toBeUndefined()
    const events = cluster.events().map((line) => line.replace(/ x\d+$/, ''))
    expect(events).toContain('Normal MissingJob: Active job went missing: gone')
    expect(events).toContain('Warning UnexpectedJob: Saw a job that the controller did not create or forgot: by-hand')
    expect(cluster.server.all(pod).length).toBeGreaterThan(0)
    await cluster.stop()
  })
})

const at = (text: string) => Date.parse(text)
const cronOf = (spec: Partial<CronJob['spec']>, status: CronJob['status'] = {}) =>
  ({
    metadata: { namespace: 'a', name: 'tick', uid: 'u', creationTimestamp: '2024-01-01T00:00:30Z' },
    spec: { schedule: '*/5 * * * *', concurrencyPolicy: 'Allow', jobTemplate: { spec: {} }, ...spec },
    status,
  }) as unknown as CronJob
const plan = (spec: Partial<CronJob['spec']>, now: string, status?: CronJob['status']) =>
  sentences(planCronJob(cronOf(spec, status), [], at(now)))

describe('what is due', () => {
  test('too late a start is told of and left out', () => {
    expect(plan({ startingDeadlineSeconds: 20 }, '2024-01-01T00:06:00Z')).toEqual(['requeue 240100'])
    const wide = plan({ startingDeadlineSeconds: 90 }, '2024-01-01T00:06:00Z')
    expect(wide).toEqual(['requeue 240100', 'create jobs tick-28401125'])
  })
  test('after a long pause only the last is started, with a warning', () => {
    const steps = plan({}, '2024-02-01T00:07:00Z')
    expect(steps).toEqual([
      'requeue 180100',
      'event Warning TooManyMissedTimes: too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew',
      `create jobs tick-${at('2024-02-01T00:05:00Z') / minuteMs}`,
    ])
  })
  test('what was started is not started twice', () => {
    expect(plan({}, '2024-01-01T00:06:00Z', { lastScheduleTime: '2024-01-01T00:05:00Z' })).toEqual(['requeue 240100'])
  })
  test('an interval keeps its beat', () => {
    const last = { lastScheduleTime: '2024-01-01T00:01:10Z' }
    expect(plan({ schedule: '@every 90s' }, '2024-01-01T00:02:00Z', last)).toEqual(['requeue 40100'])
    expect(plan({ schedule: '@every 90s' }, '2024-01-01T00:02:41Z', last)).toEqual(['requeue 89100', 'create jobs tick-28401122'])
    expect(plan({ schedule: '@every 90s', startingDeadlineSeconds: 1 }, '2024-01-01T00:03:40Z', last)).toEqual(['requeue 30100'])
  })
})
