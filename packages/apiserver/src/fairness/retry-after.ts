const longestSeconds = 32

interface Level {
  /** Refusals by second, of the last seconds. */
  readonly history: { second: number; count: number }[]
  seconds: number
  raisedAt: number
}

/** What Retry-After says, by level: doubled while many are refused, less by one a second once few are. `now` in milliseconds. */
export const createRetryAfter = (now: () => number): ((level: string) => number) => {
  const levels = new Map<string, Level>()
  return (name) => {
    const second = Math.floor(now() / 1000)
    const level = levels.get(name) ?? { history: [], seconds: 1, raisedAt: 0 }
    levels.set(name, level)
    const last = level.history.at(-1)
    if (last?.second === second) {
      last.count++
      return level.seconds
    }
    while (level.history[0] !== undefined && second - level.history[0].second > longestSeconds) level.history.shift()
    adjust(level, second)
    level.history.push({ second, count: 1 })
    return level.seconds
  }
}

const adjust = (level: Level, second: number): void => {
  let refused = 0
  for (const each of level.history) if (second - each.second <= level.seconds) refused += each.count
  if (second - level.raisedAt >= level.seconds && refused >= 3 * level.seconds) {
    level.seconds = Math.min(2 * level.seconds, longestSeconds)
    level.raisedAt = second
  } else if (refused < level.seconds && level.seconds > 1) level.seconds--
}
