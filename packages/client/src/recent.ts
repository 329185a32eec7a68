const cacheEntries = 4_096

/** The entries used last, at most `cacheEntries`. */
export const createRecent = <V>() => {
  const entries = new Map<string, V>()
  return {
    get: (key: string): V | undefined => entries.get(key),
    set: (key: string, value: V): void => {
      entries.delete(key)
      entries.set(key, value)
      if (entries.size > cacheEntries)
        for (const [oldest] of entries) {
          entries.delete(oldest)
          break
        }
    },
    delete: (key: string): void => {
      entries.delete(key)
    },
    all: (): Iterable<readonly [string, V]> => entries,
    size: (): number => entries.size,
  }
}
