const LEAF_KEYS = 256

/** Byte order of the UTF-8 forms, without encoding: UTF-16 order differs only where surrogates meet U+E000..U+FFFF. */
export const compareKeys = (a: string, b: string): number => {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i += 1) {
    const left = a.charCodeAt(i)
    const right = b.charCodeAt(i)
    if (left !== right) return rank(left) - rank(right)
  }
  return a.length - b.length
}

/** Surrogates stand for code points above U+FFFF, so they sort after every other unit. */
const rank = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit)

/** A sorted set of keys in leaves of bounded size, so that adding and removing stay cheap at 100,000 keys. */
export interface OrderedKeys {
  add(key: string): void
  remove(key: string): void
  /** Keys at or after `key`, in byte order. The set must not change while it is read. */
  from(key: string): Generator<string>
}

export const orderedKeys = (): OrderedKeys => {
  const leaves: string[][] = [[]]

  /** The last leaf whose first key is not after `key`; only the very first leaf may be empty. */
  const leafOf = (key: string): number => {
    const after = firstWhere(leaves.length, (i) => compareKeys((leaves[i] as string[])[0] ?? '', key) > 0)
    return Math.max(0, after - 1)
  }

  const positionIn = (leaf: string[], key: string) => firstWhere(leaf.length, (i) => compareKeys(leaf[i] as string, key) >= 0)

  return {
    add: (key) => {
      const at = leafOf(key)
      const leaf = leaves[at] as string[]
      const position = positionIn(leaf, key)
      if (leaf[position] === key) return
      leaf.splice(position, 0, key)
      if (leaf.length > LEAF_KEYS) leaves.splice(at + 1, 0, leaf.splice(LEAF_KEYS / 2))
    },
    remove: (key) => {
      const at = leafOf(key)
      const leaf = leaves[at] as string[]
      const position = positionIn(leaf, key)
      if (leaf[position] !== key) return
      leaf.splice(position, 1)
      if (leaf.length === 0 && leaves.length > 1) leaves.splice(at, 1)
    },
    *from(key) {
      let at = leafOf(key)
      let position = positionIn(leaves[at] as string[], key)
      for (; at < leaves.length; at += 1, position = 0) {
        const leaf = leaves[at] as string[]
        for (; position < leaf.length; position += 1) yield leaf[position] as string
      }
    },
  }
}

/** The first index in [0, length) that satisfies a condition which never turns false again, or `length`. */
const firstWhere = (length: number, holds: (index: number) => boolean): number => {
  let low = 0
  let high = length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (holds(middle)) high = middle
    else low = middle + 1
  }
  return low
}
