import { cronJob as cronJobs, job as jobs } from '@skiff/api'
import { controllerOf } from '@skiff/machinery'
import { type Controller, objectController, owned } from '../runner/controller.ts'
import { planCronJob } from './plan.ts'

export const cronJobController = (): Controller =>
  objectController({
    name: 'cronjob-controller',
    account: 'cronjob-controller',
    resource: cronJobs,
    watches: [owned(jobs, cronJobs)],
    plan: (cron, views, nowMs) => {
      const { uid } = cron.metadata
      const mine = views
        .view(jobs)
        .ownedBy(uid)
        .filter((job) => controllerOf(job)?.uid === uid)
      return planCronJob(cron, mine, nowMs)
    },
  })
