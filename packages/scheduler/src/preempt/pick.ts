import type { PodInfo } from '../snapshot/pod-info.ts'
import type { NodeInfo } from '../snapshot/snapshot.ts'
import { startMs } from './importance.ts'

/** A node that would take the pod once `victims` are gone; the most important victim first. */
export interface Candidate {
  readonly node: NodeInfo
  readonly victims: readonly PodInfo[]
  /** How many of them a disruption budget protects. */
  readonly broken: number
  /** Upstream's order of costs, the next one deciding between equals of those before it. */
  readonly costs: readonly number[]
}

// Priorities may be negative: raised so that more victims never weigh less.
const raise = 2 ** 31

export const candidateOf = (node: NodeInfo, victims: readonly PodInfo[], broken: number): Candidate => {
  const highest = victims[0]?.priority ?? Number.NEGATIVE_INFINITY
  let sum = 0
  let beganMs = Number.POSITIVE_INFINITY
  for (const victim of victims) {
    sum += victim.priority + raise
    // Rather the pods that began last: of the most important victims, the one that began first is the latest.
    if (victim.priority === highest) beganMs = Math.min(beganMs, startMs(victim))
  }
  return { node, victims, broken, costs: [broken, highest, sum, victims.length, -beganMs] }
}

const isCheaper = ({ costs }: Candidate, { costs: others }: Candidate): boolean => {
  for (let i = 0; i < costs.length; i += 1) if (costs[i] !== others[i]) return (costs[i] as number) < (others[i] as number)
  return false
}

/** The node where preemption costs least: of equal ones the first. */
export const pickCandidate = (candidates: readonly Candidate[]): Candidate | undefined => {
  let best = candidates[0]
  for (const candidate of candidates) if (best && isCheaper(candidate, best)) best = candidate
  return best
}
