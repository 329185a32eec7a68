import type { SchedulerConfiguration } from '@skiff/scheduler'
import { expect, test } from 'vitest'
import { schedulerElection, uniqueHolder } from './election.ts'

const where = { leaderElect: true, namespace: 'kube-system', name: 'kube-scheduler' }

test.each([
  ['of no configuration', undefined, { ...where, leaseMs: 8_000, renewDeadlineMs: 5_000, retryMs: 1_500 }],
  [
    'with another name',
    { leaderElection: { resourceName: 'mine', resourceNamespace: 'ops' } },
    { leaderElect: true, namespace: 'ops', name: 'mine', leaseMs: 8_000, renewDeadlineMs: 5_000, retryMs: 1_500 },
  ],
  [
    'with a time of its own',
    { leaderElection: { leaseDuration: '30s' } },
    { ...where, leaseMs: 30_000, renewDeadlineMs: 10_000, retryMs: 2_000 },
  ],
  [
    'without one',
    { leaderElection: { leaderElect: false } },
    { ...where, leaderElect: false, leaseMs: 8_000, renewDeadlineMs: 5_000, retryMs: 1_500 },
  ],
])('the election %s', (_, configuration, expected) => {
  expect(schedulerElection(configuration as SchedulerConfiguration | undefined)).toEqual(expected)
})

// A follower sees a renewal one try late, and what became of it another: with chance a try is 2.2 times its time.
test('another one leads within 15 s of a death', () => {
  const { leaseMs = 0, retryMs = 0 } = schedulerElection(undefined)
  expect(leaseMs + 2 * 2.2 * retryMs).toBeLessThan(15_000)
})

test('no two holders are alike', () => {
  expect(uniqueHolder()).not.toBe(uniqueHolder())
})
