import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { type CampaignOptions, quickLease } from '@skiff/client'
import { parseDurationMs } from '@skiff/machinery'
import { completeConfiguration, type SchedulerConfiguration } from '@skiff/scheduler'

/** Who a process is in elections, as upstream's components call themselves. */
export const uniqueHolder = (): string => `${hostname()}_${randomUUID()}`

export interface SchedulerElection extends Omit<CampaignOptions, 'holder'> {
  readonly leaderElect: boolean
}

/**
 * The election of schedulers as their configuration has it. Times that it leaves out are shorter than upstream's 15 s, 10 s and 2 s, by which
 * another one may take longer than 15 s to act.
 */
export const schedulerElection = (configuration: SchedulerConfiguration | undefined): SchedulerElection => {
  const { leaderElect, resourceNamespace, resourceName, ...times } = completeConfiguration(configuration).leaderElection
  const { leaseDuration, renewDeadline, retryPeriod } = configuration?.leaderElection ?? {}
  const isTimed = [leaseDuration, renewDeadline, retryPeriod].some((time) => time !== undefined)
  return {
    leaderElect,
    namespace: resourceNamespace,
    name: resourceName,
    ...(isTimed
      ? {
          leaseMs: parseDurationMs(times.leaseDuration),
          renewDeadlineMs: parseDurationMs(times.renewDeadline),
          retryMs: parseDurationMs(times.retryPeriod),
        }
      : quickLease),
  }
}
