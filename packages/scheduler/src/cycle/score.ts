import type { Begun, Stopwatch } from './begin.ts'

/** The weighted sum of what the plugins say of each node, in the order of `feasible`. What it answers is written over by the next call. */
export type ScoreAll = (feasible: readonly number[], begun: readonly Begun[], watch?: Stopwatch) => Float64Array

const refuseBeyondScale = (plugin: string, scores: Float64Array): void => {
  for (const score of scores)
    if (!(score >= 0 && score <= 100))
      throw new Error(
        `applying score defaultWeights on Score plugins: plugin ${JSON.stringify(plugin)} returns an invalid score ${score}, it should in the range of [0, 100] after normalizing`,
      )
}

/** `checks`: throws with upstream's text where a plugin scores beyond 0..100, which those of the tree never do. */
export const createScoring = (checks = false): ScoreAll => {
  // Hundreds of nodes are scored for each pod: their sums need no memory of their own.
  let sums = new Float64Array(0)
  let said = new Float64Array(0)
  return (feasible, begun, watch) => {
    const count = feasible.length
    if (sums.length < count) {
      sums = new Float64Array(2 * count)
      said = new Float64Array(2 * count)
    }
    const totals = sums.subarray(0, count).fill(0)
    const scores = said.subarray(0, count)
    for (const { enabled, run } of begun) {
      if (!run.score || !enabled.at.score) continue
      const sinceMs = watch?.nowMs() ?? 0
      if (run.prepareScore?.(feasible) === false) continue
      for (let i = 0; i < count; i += 1) scores[i] = run.score(feasible[i] as number)
      run.normalize?.(scores, feasible)
      if (checks) refuseBeyondScale(enabled.plugin.name, scores)
      const { weight } = enabled
      for (let i = 0; i < count; i += 1) totals[i] = (totals[i] as number) + weight * (scores[i] as number)
      watch?.metrics.pluginRan(enabled.plugin.name, 'Score', 'Success', watch.nowMs() - sinceMs)
    }
    return totals
  }
}

/** The place of the highest total; of equal ones each is taken with the same chance. */
export const bestOf = (totals: Float64Array, random: () => number): number => {
  let highest = Number.NEGATIVE_INFINITY
  let ties = 0
  for (let i = 0; i < totals.length; i += 1) {
    const total = totals[i] as number
    if (total > highest) {
      highest = total
      ties = 1
    } else if (total === highest) ties += 1
  }
  // A plugin that answers with no number is no reason to fall over.
  let chosen = Math.max(totals.indexOf(highest), 0)
  for (let left = ties > 1 ? Math.floor(random() * ties) : 0; left > 0; left -= 1) chosen = totals.indexOf(highest, chosen + 1)
  return chosen
}
