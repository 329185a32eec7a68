import { cronJob as cronJobs, job as jobs } from '@skiff/api'
import { controllerOf, keyOf } from '@skiff/machinery'
import { type Controller, objectController, owned } from '../runner/controller.ts'
import { planCronJob } from './plan.ts'

export const cronJobController = (): Controller => {
  /** Those whose schedule was changed, and when: the first plan after it sets the time. As upstream's, it is lost with the process. */
  const moved = new Map<string, number | undefined>()
  return objectController({
    name: 'cronjob-controller',
    account: 'cronjob-controller',
    resource: cronJobs,
    watches: [owned(jobs, cronJobs)],
    concerns: ({ key, before, after }) => {
      const isMoved = before?.spec.schedule !== after?.spec.schedule || before?.spec.timeZone !== after?.spec.timeZone
      if (before && after && isMoved) moved.set(key, undefined)
      return true
    },
    plan: (cron, views, nowMs) => {
      const { uid } = cron.metadata
      const key = keyOf(cron)
      if (moved.has(key)) moved.set(key, moved.get(key) ?? nowMs)
      const mine = views
        .view(jobs)
        .ownedBy(uid)
        .filter((job) => controllerOf(job)?.uid === uid)
      return planCronJob(cron, mine, nowMs, moved.get(key))
    },
    gone: (key) => {
      moved.delete(key)
      return []
    },
  })
}
