import type { Begun, Stopwatch } from './begin.ts'

/** The weighted sum of what the plugins say of each node, in the order of `feasible`. */
export const scoreAll = (feasible: readonly number[], begun: readonly Begun[], watch?: Stopwatch): Float64Array => {
  const totals = new Float64Array(feasible.length)
  const scores = new Float64Array(feasible.length)
  for (const { enabled, run } of begun) {
    if (!run.score || !enabled.at.score) continue
    const sinceMs = watch?.nowMs() ?? 0
    if (run.prepareScore?.(feasible) === false) continue
    for (let i = 0; i < feasible.length; i += 1) scores[i] = run.score(feasible[i] as number)
    run.normalize?.(scores, feasible)
    const { weight } = enabled
    for (let i = 0; i < feasible.length; i += 1) totals[i] = (totals[i] as number) + weight * (scores[i] as number)
    watch?.metrics.pluginRan(enabled.plugin.name, 'Score', 'Success', watch.nowMs() - sinceMs)
  }
  return totals
}

/** The place of the highest total; of equal ones each is taken with the same chance. */
export const bestOf = (totals: Float64Array, random: () => number): number => {
  let winner = 0
  let ties = 1
  for (let i = 1; i < totals.length; i += 1) {
    const difference = (totals[i] as number) - (totals[winner] as number)
    if (difference > 0) {
      winner = i
      ties = 1
    } else if (difference === 0) {
      ties += 1
      if (random() * ties < 1) winner = i
    }
  }
  return winner
}
