import { expired } from '@skiff/machinery'
import type { Cache, CacheEvent } from './cache.ts'
import { draftOf, type Tree } from './tree.ts'

/** Trees of the past that pages of one list read from, newest use last. Their leaves are shared with the present. */
const kept = new WeakMap<Cache, Map<number, Tree>>()
const maxKept = 16

/** Remembers the present tree as that of `revision`, so that later pages find it cheaply. */
export const keepTree = (cache: Cache, revision: number, tree: Tree): void => {
  const trees = kept.get(cache) ?? new Map<number, Tree>()
  kept.set(cache, trees)
  trees.delete(revision)
  trees.set(revision, tree)
  if (trees.size > maxKept) trees.delete(trees.keys().next().value as number)
}

/** The objects as they were at `revision`: kept, or the present with the newer changes taken back. Undefined when it is too old. */
export const treeAt = (cache: Cache, revision: number): Tree | undefined => {
  if (revision >= cache.revision) return cache.tree
  const known = kept.get(cache)?.get(revision)
  if (known) return known
  if (revision < cache.recentAfter) return undefined
  const draft = draftOf(cache.tree)
  for (let at = cache.recent.length - 1; at >= 0; at--) {
    const event = cache.recent[at] as CacheEvent
    if (event.revision <= revision) break
    if (event.before) draft.insert(event.before)
    else if (event.after) draft.remove(event.after.key)
  }
  return draft.tree()
}

export const goneRevision = () =>
  expired(
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.',
  )
