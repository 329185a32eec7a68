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
const leafIndex = (tree: Tree, key: string): number => {
  let low = 0
  let high = tree.leaves.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((tree.leaves[middle] as Leaf).entries[0]!.key <= key) low = middle
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

export const find = (tree: Tree, key: string): Entry | undefined => {
  const leaf = tree.leaves[leafIndex(tree, key)]
  if (!leaf) return undefined
  const entry = leaf.entries[entryIndex(leaf.entries, key)]
  return entry?.key === key ? entry : undefined
}

export const insert = (tree: Tree, entry: Entry): Tree => {
  if (tree.leaves.length === 0) return { leaves: [leafOf([entry])], size: 1 }
  const at = leafIndex(tree, entry.key)
  const old = (tree.leaves[at] as Leaf).entries
  const index = entryIndex(old, entry.key)
  const replaces = old[index]?.key === entry.key
  const entries = replaces ? old.with(index, entry) : old.toSpliced(index, 0, entry)
  const leaves = tree.leaves.slice()
  // Names often come in ascending order: a full last leaf is left full, and not cut in half.
  if (entries.length <= maxLeaf) leaves[at] = leafOf(entries)
  else if (index === entries.length - 1) leaves.splice(at, 1, leafOf(old), leafOf([entry]))
  else leaves.splice(at, 1, leafOf(entries.slice(0, entries.length >> 1)), leafOf(entries.slice(entries.length >> 1)))
  return { leaves, size: tree.size + (replaces ? 0 : 1) }
}

export const remove = (tree: Tree, key: string): Tree => {
  const at = leafIndex(tree, key)
  const leaf = tree.leaves[at]
  if (!leaf) return tree
  const index = entryIndex(leaf.entries, key)
  if (leaf.entries[index]?.key !== key) return tree
  const leaves = tree.leaves.slice()
  if (leaf.entries.length === 1) leaves.splice(at, 1)
  else leaves[at] = leafOf(leaf.entries.toSpliced(index, 1))
  return { leaves, size: tree.size - 1 }
}

/** A run of neighbours: a whole leaf, whose joined bytes may be used, or a part of one. */
export interface Run {
  readonly leaf: Leaf
  readonly from: number
  readonly to: number
}

/** The runs that hold every entry whose key starts with `prefix` and comes after `after`, in order. */
export function* runs(tree: Tree, prefix: string, after: string): Generator<Run> {
  const start = after > prefix ? after : prefix
  for (let at = leafIndex(tree, start); at < tree.leaves.length; at++) {
    const leaf = tree.leaves[at] as Leaf
    const { entries } = leaf
    let from = entries[0]!.key >= start ? 0 : entryIndex(entries, start)
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
