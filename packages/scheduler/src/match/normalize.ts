/** Brings scores to 0..100 by the highest; `reverse` for scores where less is better. In place. */
export const normalizeByHighest = (scores: Float64Array, reverse: boolean): void => {
  let highest = 0
  for (const score of scores) highest = Math.max(highest, score)
  for (let i = 0; i < scores.length; i += 1) {
    const scaled = highest === 0 ? 0 : Math.trunc((100 * (scores[i] as number)) / highest)
    scores[i] = reverse ? 100 - scaled : scaled
  }
}
