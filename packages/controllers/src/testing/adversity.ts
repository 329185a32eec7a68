import type { FaultRates } from '@skiff/client'
import { expect, test } from 'vitest'
import type { Controller } from '../runner/controller.ts'
import { type TestCluster, type TestClusterOptions, testCluster } from './cluster.ts'

/** What users and nodes do to a cluster, and what it must come to, whatever becomes of the controllers' calls meanwhile. */
export interface Adversity {
  readonly controllers: () => readonly Controller[]
  readonly options?: Omit<TestClusterOptions, 'seed' | 'rates'>
  readonly happens: (cluster: TestCluster) => Promise<void>
  readonly end: (cluster: TestCluster) => unknown
  readonly expected: unknown
  /** How long the calm after it is, in which failed plans are made again. */
  readonly calmMs?: number
}

const rates: FaultRates = {
  lostCall: 0.1,
  lostReply: 0.1,
  conflict: 0.1,
  delay: 0.3,
  maxDelayMs: 500,
  repeat: 0.1,
  cutWatch: 0.1,
  expiredWatch: 0.03,
}
// Longer than the longest wait that failures in a row have led to.
const usualCalmMs = 150_000

/** One test a seed; seed 0 has no faults, and says that the end is right. */
export const survives = (name: string, { controllers, options = {}, happens, end, expected, calmMs = usualCalmMs }: Adversity): void => {
  test.each([0, 1, 2, 3])(`${name} (seed %i)`, async (seed) => {
    const cluster = testCluster(controllers(), { ...options, seed: seed + 1, rates: seed === 0 ? {} : rates })
    try {
      await happens(cluster)
      cluster.faults.stop()
      await cluster.live(calmMs)
      expect(end(cluster)).toEqual(expected)
    } finally {
      await cluster.stop()
    }
  })
}
