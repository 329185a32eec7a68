import type { Entry } from './entry.ts'

/** Some neighbours in key order. `joined` is their encoding for lists, made at most once and only when a list wants it. */
export interface Leaf {
  readonly entries: readonly Entry[]
  joined: Buffer | undefined
}

/** The objects of a kind in key order, as they were at one revision. A write makes a new tree that shares all leaves but one. */
export interface Tree {
  readonly leaves: readonly Leaf[]
  readonly size: number
}

export const emptyTree: Tree = { leaves: [], size: 0 }
const maxLeaf = 192

const leafOf = (entries: readonly Entry[]): Leaf => ({ entries, joined: undefined })

/** A tree of entries that are sorted by key. */
export const treeOf = (sorted: readonly Entry[]): Tree => {
  const leaves: Leaf[] = []
  for (let at = 0; at < sorted.length; at += 128) leaves.push(leafOf(sorted.slice(at, at + 128)))
  return { leaves, size: sorted.length }
}

/** Index of the last leaf whose first key is <= key; 0 when there is none. */
const leafIndex = (leaves: readonly Leaf[], key: string): number => {
  let low = 0
  let high = leaves.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (((leaves[middle] as Leaf).entries[0] as Entry).key <= key) low = middle
    else high = middle - 1
  }
  return low
}

/** Index of the first entry whose key is >= key. */
const entryIndex = (entries: readonly Entry[], key: string): number => {
  let low = 0
  let high = entries.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((entries[middle] as Entry).key < key) low = middle + 1
    else high = middle
  }
  return low
}

const findIn = (leaves: readonly Leaf[], key: string): Entry | undefined => {
  const leaf = leaves[leafIndex(leaves, key)]
  if (!leaf) return undefined
  const entry = leaf.entries[entryIndex(leaf.entries, key)]
  return entry?.key === key ? entry : undefined
}

export const find = (tree: Tree, key: string): Entry | undefined => findIn(tree.leaves, key)

/** A tree in the making, for several changes at once: what is copied for one of them serves the next. Ended by `tree`. */
export interface Draft {
  find(key: string): Entry | undefined
  insert(entry: Entry): void
  remove(key: string): void
  tree(): Tree
}

interface OwnLeaf extends Leaf {
  readonly entries: Entry[]
}

export const draftOf = (from: Tree): Draft => {
  let leaves = from.leaves as Leaf[]
  let { size } = from
  /** The leaf that was changed last, which nobody else has seen. */
  let own: OwnLeaf | undefined
  const put = (at: number, removed: number, ...more: readonly Leaf[]): void => {
    if (leaves === from.leaves) leaves = leaves.slice()
    leaves.splice(at, removed, ...more)
  }
  const entriesAt = (at: number): Entry[] => {
    const leaf = leaves[at] as Leaf
    if (leaf === own) return own.entries
    own = { entries: leaf.entries.slice(), joined: undefined }
    if (leaves === from.leaves) leaves = leaves.slice()
    leaves[at] = own
    return own.entries
  }
  return {
    find: (key) => findIn(leaves, key),
    insert: (entry) => {
      if (leaves.length === 0) {
        put(0, 0, leafOf([entry]))
        size = 1
        return
      }
      const at = leafIndex(leaves, entry.key)
      const entries = entriesAt(at)
      const index = entryIndex(entries, entry.key)
      if (entries[index]?.key === entry.key) {
        entries[index] = entry
        return
      }
      size += 1
      // Names often come in ascending order: a full last leaf is left full, and not cut in half.
      if (entries.length === maxLeaf && index === maxLeaf) put(at + 1, 0, leafOf([entry]))
      else entries.splice(index, 0, entry)
      if (entries.length > maxLeaf) put(at, 1, leafOf(entries.slice(0, entries.length >> 1)), leafOf(entries.slice(entries.length >> 1)))
    },
    remove: (key) => {
      const at = leafIndex(leaves, key)
      const held = leaves[at]?.entries
      const index = held ? entryIndex(held, key) : 0
      if (held?.[index]?.key !== key) return
      size -= 1
      if (held.length === 1) put(at, 1)
      else entriesAt(at).splice(index, 1)
    },
    tree: () => ({ leaves, size }),
  }
}

const changed = (tree: Tree, change: (draft: Draft) => void): Tree => {
  const draft = draftOf(tree)
  change(draft)
  return draft.tree()
}

export const insert = (tree: Tree, entry: Entry): Tree => changed(tree, (draft) => draft.insert(entry))

export const remove = (tree: Tree, key: string): Tree => changed(tree, (draft) => draft.remove(key))

/** A run of neighbours: a whole leaf, whose joined bytes may be used, or a part of one. */
export interface Run {
  readonly leaf: Leaf
  readonly from: number
  readonly to: number
}

/** The runs that hold every entry whose key starts with `prefix` and comes after `after`, in order. */
export function* runs(tree: Tree, prefix: string, after: string): Generator<Run> {
  const start = after > prefix ? after : prefix
  for (let at = leafIndex(tree.leaves, start); at < tree.leaves.length; at++) {
    const leaf = tree.leaves[at] as Leaf
    const { entries } = leaf
    let from = (entries[0] as Entry).key >= start ? 0 : entryIndex(entries, start)
    if (after !== '' && entries[from]?.key === after) from++
    if (from === entries.length) continue
    const last = entries[entries.length - 1] as Entry
    if (prefix === '' || last.key.startsWith(prefix)) yield { leaf, from, to: entries.length }
    else {
      const to = entryIndex(entries, afterPrefix(prefix))
      if (to > from) yield { leaf, from, to }
      if (last.key > prefix) return
    }
  }
}

/** The least string that is greater than every string with this prefix. Keys are ASCII. */
const afterPrefix = (prefix: string): string => prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)

/** Entries under `prefix` after `after`, in order. */
export function* entriesOf(tree: Tree, prefix = '', after = ''): Generator<Entry> {
  for (const run of runs(tree, prefix, after)) for (let at = run.from; at < run.to; at++) yield run.leaf.entries[at] as Entry
}

/** How many entries there are under `prefix` after `after`, without visiting them one by one. */
export const countOf = (tree: Tree, prefix = '', after = ''): number => {
  if (prefix === '' && after === '') return tree.size
  let count = 0
  for (const run of runs(tree, prefix, after)) count += run.to - run.from
  return count
}
