/** At most `limit` at a time; the others wait their turn in order. */
export const inTurn = (limit: number): (<T>(act: () => Promise<T>) => Promise<T>) => {
  let free = limit
  const waiting: (() => void)[] = []
  return async (act) => {
    if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve))
    else free -= 1
    try {
      return await act()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else free += 1
    }
  }
}
