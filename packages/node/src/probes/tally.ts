import type { Probe } from '@skiff/api'
import type { ProbeResult } from '../pods/memory.ts'

/** How often in a row a probe gave the same answer, and what stands since it was often enough. */
export interface Tally {
  readonly last?: ProbeResult
  readonly run: number
  readonly standing?: ProbeResult
}

export const freshTally: Tally = { run: 0 }

/** Counts one more answer. */
export const counted = (tally: Tally, result: ProbeResult, probe: Probe): Tally => {
  const run = tally.last === result ? tally.run + 1 : 1
  const needed = result === 'failure' ? (probe.failureThreshold ?? 3) : (probe.successThreshold ?? 1)
  if (run >= needed) return { last: result, run, standing: result }
  return { ...tally, last: result, run }
}
