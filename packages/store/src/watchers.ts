import type { Change, Revision, WatchRequest } from './store.ts'

interface Watcher {
  readonly request: Pick<WatchRequest, 'prefix' | 'withoutPrevious' | 'deliver' | 'ended'>
  /** Everything up to here was delivered or is not wanted. Guards against duplicates when a watcher joins during a delivery. */
  seen: Revision
}

/** The live watchers of one store in this process: who hears of a batch, and in which order. Owned by the store that publishes. */
export interface Watchers {
  count(): number
  /** Those that need `previous`. */
  countPrevious(): number
  /** `seen` is the newest revision that the watcher has or does not want. Returns the function that removes it. */
  add(request: Watcher['request'], seen: Revision): () => void
  /** Changes in revision order, all newer than those published before. */
  publish(changes: readonly Change[]): void
  /** Ends every watch; each is told once. */
  end(why: Error): void
}

/** A watcher that throws breaks its contract: its own watch ends with what it threw, and the others go on. */
export const watchers = (): Watchers => {
  const groups = new Map<string, Set<Watcher>>()
  let count = 0
  let countPrevious = 0

  const tally = ({ request }: Watcher, by: 1 | -1) => {
    count += by
    if (!request.withoutPrevious) countPrevious += by
  }

  const remove = (watcher: Watcher): boolean => {
    const { prefix } = watcher.request
    const group = groups.get(prefix)
    if (!group?.delete(watcher)) return false
    tally(watcher, -1)
    if (group.size === 0) groups.delete(prefix)
    return true
  }

  const guarded = (watcher: Watcher, act: () => void) => {
    try {
      act()
    } catch (error) {
      if (remove(watcher)) guarded(watcher, () => watcher.request.ended(error instanceof Error ? error : new Error(String(error))))
    }
  }

  const hand = (watcher: Watcher, changes: readonly Change[]) => {
    const fresh = newer(changes, watcher.seen)
    if (fresh.length === 0) return
    watcher.seen = (fresh[fresh.length - 1] as Change).revision
    guarded(watcher, () => watcher.request.deliver(fresh))
  }

  return {
    count: () => count,
    countPrevious: () => countPrevious,
    add: (request, seen) => {
      const watcher: Watcher = { request, seen }
      const group = groups.get(request.prefix)
      if (group) group.add(watcher)
      else groups.set(request.prefix, new Set([watcher]))
      tally(watcher, 1)
      return () => void remove(watcher)
    },
    publish: (changes) => {
      for (const [prefix, group] of groups) {
        const matching = under(prefix, changes)
        if (matching.length > 0) for (const watcher of group) hand(watcher, matching)
      }
    },
    end: (why) => {
      const all = [...groups.values()].flatMap((group) => [...group])
      groups.clear()
      count = 0
      countPrevious = 0
      for (const watcher of all) guarded(watcher, () => watcher.request.ended(why))
    },
  }
}

/** The changes whose key starts with `prefix`; the same array when all do, so that one array serves all watchers of a whole store. */
const under = (prefix: string, changes: readonly Change[]): readonly Change[] => {
  if (prefix === '') return changes
  let matching: Change[] | undefined
  for (let i = 0; i < changes.length; i += 1) {
    const change = changes[i] as Change
    if (change.key.startsWith(prefix)) matching?.push(change)
    else matching ??= changes.slice(0, i)
  }
  return matching ?? changes
}

const newer = (changes: readonly Change[], seen: Revision): readonly Change[] => {
  const first = changes[0]
  return first === undefined || first.revision > seen ? changes : changes.filter((change) => change.revision > seen)
}
