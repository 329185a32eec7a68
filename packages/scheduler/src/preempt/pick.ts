import { startMs } from './importance.ts'
import type { Candidate } from './victims.ts'

// Priorities may be negative: raised so that more victims never weigh less.
const raise = 2 ** 31

type Cost = (candidate: Candidate) => number

/** Upstream's order of costs, the next one deciding between equals of those before it. */
const costs: readonly Cost[] = [
  ({ broken }) => broken,
  ({ victims }) => victims[0]?.priority ?? Number.NEGATIVE_INFINITY,
  ({ victims }) => victims.reduce((sum, { priority }) => sum + priority + raise, 0),
  ({ victims }) => victims.length,
  // Rather the pods that began last: of the most important victims, the one that began first is the latest.
  ({ victims }) => -Math.min(...victims.filter(({ priority }) => priority === victims[0]?.priority).map(startMs)),
]

/** The node where preemption costs least. */
export const pickCandidate = (candidates: readonly Candidate[]): Candidate | undefined => {
  let left = candidates
  for (const cost of costs) {
    if (left.length < 2) break
    const priced = left.map((candidate) => ({ candidate, price: cost(candidate) }))
    const lowest = Math.min(...priced.map(({ price }) => price))
    left = priced.filter(({ price }) => price === lowest).map(({ candidate }) => candidate)
  }
  return left[0]
}
