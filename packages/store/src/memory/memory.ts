import {
  type Change,
  type CommitResult,
  Compacted,
  type Range,
  type Revision,
  type Row,
  type Store,
  StoreUnusable,
  type WatchRequest,
  type Write,
} from '../store.ts'
import { watchers } from '../watchers.ts'
import { compareKeys, orderedKeys } from './ordered-keys.ts'

/** Changes kept for watches that start in the past. */
const DEFAULT_HISTORY_LIMIT = 10_000

/** A store that lives and dies with the process: for tests, simulations and clusters that nobody wants to keep. */
export const openMemoryStore = (options: { historyLimit?: number } = {}): Store => {
  const historyLimit = options.historyLimit ?? DEFAULT_HISTORY_LIMIT
  const rows = new Map<string, Row>()
  const keys = orderedKeys()
  const live = watchers()
  const unpublished: Change[] = []
  let history: Change[] = []
  let publishing = false
  let revision: Revision = 0
  /** Changes up to here are forgotten. */
  let floor: Revision = 0
  let closed: StoreUnusable | undefined

  const forget = (upTo: Revision) => {
    floor = Math.max(floor, Math.min(upTo, revision))
    history = history.filter((change) => change.revision > floor)
  }

  const remember = (change: Change) => {
    history.push(change)
    // Trimmed by halves, so that the cost per commit stays constant.
    if (history.length > 2 * historyLimit) forget(revision - historyLimit)
  }

  /** A watcher may commit from within its delivery: that change waits its turn, so that every watcher sees one order. */
  const publish = (first?: () => void) => {
    if (publishing) return first?.()
    publishing = true
    first?.()
    while (unpublished.length > 0) live.publish(unpublished.splice(0))
    publishing = false
  }

  const watch = (request: WatchRequest): (() => void) => {
    if (request.after < floor) throw new Compacted(floor + 1)
    const missed = history.filter((change) => change.revision > request.after && change.key.startsWith(request.prefix))
    const stop = live.add(request, Math.max(request.after, revision))
    if (missed.length > 0) publish(() => request.deliver(missed))
    return stop
  }

  const apply = (write: Write): CommitResult => {
    const previous = rows.get(write.key)
    if (!wins(write, previous)) return { ok: false, current: previous, revision }
    revision += 1
    const { key, carried } = write
    // What is given may be a piece of much more memory, which would live as long.
    const value = write.value === null ? null : Buffer.from(write.value)
    const created = previous?.created ?? revision
    if (value === null) {
      rows.delete(key)
      keys.remove(key)
    } else {
      rows.set(key, { key, revision, created, value })
      if (!previous) keys.add(key)
    }
    const change: Change = { key, revision, created, value, previous }
    unpublished.push(carried === undefined ? change : { ...change, carried })
    remember(change)
    publish()
    return { ok: true, revision: change.revision, created }
  }

  const rangeOf = (prefix: string, after: string | undefined, limit: number): Range => {
    const found: Row[] = []
    const start = after !== undefined && compareKeys(after, prefix) >= 0 ? after : prefix
    for (const key of keys.from(start)) {
      if (!key.startsWith(prefix)) break
      if (key === after) continue
      if (limit > 0 && found.length === limit) return { rows: found, revision, more: true }
      found.push(rows.get(key) as Row)
    }
    return { rows: found, revision, more: false }
  }

  const serving = async <T>(act: () => T): Promise<T> => {
    if (closed) throw closed
    return act()
  }

  return {
    read: (key) => serving(() => rows.get(key)),
    range: ({ prefix, after, limit }) => serving(() => rangeOf(prefix, after, limit ?? 0)),
    commit: (write) => serving(() => apply(write)),
    revision: () => serving(() => revision),
    watch: (request) => serving(() => watch(request)),
    compact: (before) => serving(() => forget(before - 1)),
    snapshot: () =>
      serving(() => {
        throw new StoreUnusable('a store in memory has no files to take a snapshot of')
      }),
    close: async () => {
      if (closed) return
      closed = new StoreUnusable('the store is closed')
      live.end(closed)
    },
  }
}

/** Deleting an absent key never wins: there is nothing to delete. */
const wins = (write: Write, current: Row | undefined): boolean => {
  if (write.value === null && current === undefined) return false
  if (write.expect === 'any') return true
  return write.expect === 'absent' ? current === undefined : current?.revision === write.expect
}
