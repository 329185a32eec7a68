/** A binary heap with removal by key. */
export interface Heap<T> {
  push(item: T): void
  peek(): T | undefined
  pop(): T | undefined
  remove(key: string): T | undefined
  get(key: string): T | undefined
  readonly size: number
}

export const createHeap = <T>(keyOf: (item: T) => string, before: (a: T, b: T) => boolean): Heap<T> => {
  const items: T[] = []
  const places = new Map<string, number>()
  const put = (at: number, item: T): void => {
    items[at] = item
    places.set(keyOf(item), at)
  }
  const rise = (from: number, item: T): void => {
    let at = from
    while (at > 0) {
      const up = (at - 1) >> 1
      const parent = items[up] as T
      if (!before(item, parent)) break
      put(at, parent)
      at = up
    }
    put(at, item)
  }
  const sink = (from: number, item: T): void => {
    let at = from
    for (;;) {
      let down = 2 * at + 1
      if (down >= items.length) break
      if (down + 1 < items.length && before(items[down + 1] as T, items[down] as T)) down += 1
      if (!before(items[down] as T, item)) break
      put(at, items[down] as T)
      at = down
    }
    put(at, item)
  }
  const takeAt = (at: number): T => {
    const taken = items[at] as T
    places.delete(keyOf(taken))
    const last = items.pop() as T
    if (at < items.length) {
      const up = (at - 1) >> 1
      if (at > 0 && before(last, items[up] as T)) rise(at, last)
      else sink(at, last)
    }
    return taken
  }
  return {
    push: (item) => rise(items.length, item),
    peek: () => items[0],
    pop: () => (items.length === 0 ? undefined : takeAt(0)),
    remove: (key) => {
      const at = places.get(key)
      return at === undefined ? undefined : takeAt(at)
    },
    get: (key) => {
      const at = places.get(key)
      return at === undefined ? undefined : items[at]
    },
    get size() {
      return items.length
    },
  }
}
