import type { Job, Pod } from '@skiff/api'
import { job as jobs, pod as pods } from '@skiff/api'
import type { Views } from '@skiff/client'
import { controllerOf, keyOf } from '@skiff/machinery'
import { claim } from '../ownership.ts'
import { candidatePods, orphanIndex } from '../pods.ts'
import { type Controller, controllerKey, objectController, owned } from '../runner/controller.ts'
import { ask, read, remove, requeue, type Step, type Steps, targetOf } from '../runner/step.ts'
import { selectorOf, selects } from '../selector.ts'
import type { Failed } from './backoff.ts'
import { planJob } from './plan.ts'
import { isTracked, trackingFinalizer } from './tally.ts'
import { releaseAll } from './track.ts'
import { isFinished } from './verdict.ts'

const podsOf = (key: string, views: Views): readonly Pod[] => views.view(pods).indexed('job', key)

const manager = 'kubernetes.io/job-controller'

const plan = (job: Job, views: Views, nowMs: number, failed: Failed): Steps => {
  const held = podsOf(keyOf(job), views)
  // Pods of an earlier Job of this name: nobody counts them any more.
  const strangers = held.filter((pod) => !pod.metadata.ownerReferences?.some((one) => one.uid === job.metadata.uid))
  if (job.spec.managedBy !== undefined && job.spec.managedBy !== manager) return releaseAll(strangers)
  if (isFinished(job)) return [...releaseAll(held), forget(keyOf(job), failed)]
  const candidates = candidatePods(views, job.metadata.namespace ?? '', job.metadata.uid)
  const matches = selectorOf(job.spec.selector)
  const { mine, steps } = claim(jobs, job, pods, candidates, (pod) => matches(pod.metadata.labels), [trackingFinalizer])
  if (steps.length > 0) return steps
  return [...releaseAll(strangers), ...planJob(job, mine, nowMs, failed)]
}

const forget = (key: string, failed: Failed): Step => ask('forget the failures', async () => failed.delete(key), {})

/** Stands for all pods of a namespace whose Job let them go, such as by orphaning; no Job has an empty name. */
const strayKey = (namespace: string): string => `${namespace}/`

const release = (key: string, views: Views): Steps =>
  releaseAll(key.endsWith('/') ? views.view(pods).indexed('stray', key) : podsOf(key, views))

export const jobController = (): Controller => {
  const failed: Failed = new Map()
  return objectController({
    name: 'job-controller',
    account: 'job-controller',
    backoff: { baseMs: 1_000, maxMs: 60_000 },
    resource: jobs,
    watches: [
      owned(pods, jobs, {
        indexes: {
          ...orphanIndex,
          job: (pod) => {
            const key = controllerKey(pod, jobs)
            return key === undefined ? [] : [key]
          },
          stray: (pod) => (isTracked(pod) && !controllerOf(pod) ? [strayKey(pod.metadata.namespace ?? '')] : []),
        },
        orphans: ({ after }, views) => [
          ...[...views.view(jobs).list(after?.metadata.namespace ?? '')]
            .filter((job) => selects(job.spec.selector, after?.metadata.labels))
            .map(keyOf),
          ...(after && isTracked(after) ? [strayKey(after.metadata.namespace ?? '')] : []),
        ],
      }),
    ],
    plan: (job, views, nowMs) => plan(job, views, nowMs, failed),
    // Without their Job nobody counts the pods: their finalizer must not hold them.
    gone: (key, views) => [...release(key, views), forget(key, failed)],
  })
}

const finishedAtMs = (job: Job): number =>
  Math.max(
    ...(job.status?.conditions ?? [])
      .filter((one) => (one.type === 'Complete' || one.type === 'Failed') && one.status === 'True')
      .map((one) => Date.parse(one.lastTransitionTime ?? '')),
  )

/** Removes a finished Job, with its pods, after the time that it names. The API is asked once more: the time may have been raised. */
export const planTtl = (job: Job, nowMs: number): Steps => {
  const seconds = job.spec.ttlSecondsAfterFinished
  if (seconds === undefined || !isFinished(job) || job.metadata.deletionTimestamp !== undefined) return []
  const dueMs = finishedAtMs(job) + seconds * 1_000
  if (dueMs > nowMs) return [requeue(dueMs - nowMs)]
  const done = (fresh: Job | undefined): Steps => {
    if (!fresh || fresh.metadata.uid !== job.metadata.uid || fresh.spec.ttlSecondsAfterFinished !== seconds) return []
    return [remove(jobs, fresh, { propagationPolicy: 'Foreground', sameVersion: true })]
  }
  return [read(jobs, targetOf(job), { done })]
}

export const ttlAfterFinishedController = (): Controller =>
  objectController({
    name: 'ttl-after-finished-controller',
    account: 'ttl-after-finished-controller',
    resource: jobs,
    plan: (job, _views, nowMs) => planTtl(job, nowMs),
  })
