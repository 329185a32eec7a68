import type { Kind } from '@skiff/api'
import type { Frame } from '@skiff/client'
import type { EncodedObject, KubeObject } from '@skiff/machinery'
import type { Change } from '@skiff/store'
import type { ServedFrame } from '../watch/frame.ts'
import { atRevision, type Entry, entryFromStored, entryOf } from './entry.ts'
import { type Draft, draftOf, find, type Tree, treeOf } from './tree.ts'

/** One commit of a kind. `after` is absent for a deletion; `gone` is then the last state at the deletion's revision. */
export interface CacheEvent {
  readonly revision: number
  readonly before: Entry | undefined
  readonly after: Entry | undefined
  readonly gone: Entry | undefined
  /** Watch frames by type, made by the first watcher that needs one. */
  readonly frames: { [type in Frame['type']]?: ServedFrame }
}

/** What a writer in this process hands along with its commit; `entry` is filled in when the commit becomes visible. */
export interface Carried {
  readonly object: KubeObject
  readonly encoded: EncodedObject
  entry?: Entry
}

/**
 * All objects of one stored kind in memory, and the newest changes of it. The store's watch feeds it in revision order; a reader
 * takes `tree` and keeps a consistent picture for as long as it likes.
 */
export interface Cache {
  readonly kind: Kind
  tree: Tree
  /** The revision of the newest change of this kind; at first that of its loading. */
  revision: number
  /** Events with a revision above this one are all held in `recent`. */
  recentAfter: number
  readonly recent: CacheEvent[]
  readonly listeners: Set<(events: readonly CacheEvent[]) => void>
  /** Called when the kind is forgotten: what listens ends. */
  readonly closers: Set<() => void>
}

/** How many events a kind keeps for watches that resume. */
const maxRecent = 2048

export const createCache = (kind: Kind, entries: readonly Entry[], revision: number): Cache => ({
  kind,
  tree: treeOf(entries),
  revision,
  recentAfter: revision,
  recent: [],
  listeners: new Set(),
  closers: new Set(),
})

export const get = (cache: Cache, key: string): Entry | undefined => find(cache.tree, key)

/** Takes changes in; `keyOf` strips the store's prefix. */
export const applyChanges = (cache: Cache, changes: readonly Change[], keyOf: (storeKey: string) => string): void => {
  const events: CacheEvent[] = []
  const draft = draftOf(cache.tree)
  for (const change of changes) {
    if (change.revision <= cache.revision) continue
    events.push(applyChange(cache.kind, draft, change, keyOf(change.key)))
    cache.revision = change.revision
  }
  if (events.length === 0) return
  cache.tree = draft.tree()
  remember(cache, events)
  for (const listen of cache.listeners) listen(events)
}

const applyChange = (kind: Kind, draft: Draft, change: Change, key: string): CacheEvent => {
  const before = draft.find(key)
  if (change.value === null) {
    draft.remove(key)
    const gone = before ? atRevision(kind, before, change.revision) : undefined
    return { revision: change.revision, before, after: undefined, gone, frames: {} }
  }
  const carried = change.carried as Carried | undefined
  const after = carried
    ? entryOf(key, carried.object, carried.encoded, change.revision)
    : entryFromStored(kind, key, change.value, change.revision)
  if (carried) carried.entry = after
  draft.insert(after)
  return { revision: change.revision, before, after, gone: undefined, frames: {} }
}

const remember = (cache: Cache, events: readonly CacheEvent[]): void => {
  for (const event of events) cache.recent.push(event)
  if (cache.recent.length <= 2 * maxRecent) return
  const dropped = cache.recent.splice(0, cache.recent.length - maxRecent)
  cache.recentAfter = (dropped[dropped.length - 1] as CacheEvent).revision
}
