import type { KubeObject } from '@skiff/machinery'
import { splitKey } from '@skiff/machinery'

type ValuesOf<T> = (object: T) => readonly string[]

interface Index<T> {
  readonly values: ValuesOf<T>
  readonly byValue: Map<string, Map<string, T>>
}

/** Objects of one resource by key, with what is needed to find them otherwise. One writer: the informer. */
export interface Indexed<T extends KubeObject> {
  get(key: string): T | undefined
  /** Live: read it to its end before anything else runs. */
  list(namespace?: string): Iterable<T>
  ownedBy(uid: string): readonly T[]
  indexed(index: string, value: string): readonly T[]
  addIndex(index: string, values: ValuesOf<T>): void
  /** Puts `after` under `key`, or takes the key out; returns what was there. */
  set(key: string, after: T | undefined): T | undefined
  readonly size: number
}

const ownerUids = (object: KubeObject): readonly string[] => object.metadata.ownerReferences?.map((owner) => owner.uid) ?? []

export const createIndexed = <T extends KubeObject>(): Indexed<T> => {
  // One map a namespace is the only full copy of the keys: 150,000 pods make a second one felt.
  const byNamespace = new Map<string, Map<string, T>>()
  const indexes = new Map<string, Index<T>>()
  let owners: Index<T> | undefined
  let size = 0

  const build = (values: ValuesOf<T>): Index<T> => {
    const index: Index<T> = { values, byValue: new Map() }
    for (const [, objects] of byNamespace) for (const [key, object] of objects) move(index, key, undefined, object)
    return index
  }
  const found = (index: Index<T>, value: string): readonly T[] => {
    const objects = index.byValue.get(value)
    return objects ? [...objects.values()] : []
  }
  return {
    get: (key) => byNamespace.get(splitKey(key).namespace ?? '')?.get(key),
    list: (namespace) => (namespace === undefined ? everything(byNamespace) : (byNamespace.get(namespace)?.values() ?? [])),
    ownedBy: (uid) => {
      owners ??= build(ownerUids)
      return found(owners, uid)
    },
    indexed: (name, value) => {
      const index = indexes.get(name)
      if (!index) throw new Error(`no index ${name} was added to this view`)
      return found(index, value)
    },
    addIndex: (name, values) => {
      if (!indexes.has(name)) indexes.set(name, build(values))
    },
    set: (key, after) => {
      const namespace = splitKey(key).namespace ?? ''
      const objects = byNamespace.get(namespace)
      const before = objects?.get(key)
      if (after !== undefined) {
        if (objects) objects.set(key, after)
        else byNamespace.set(namespace, new Map([[key, after]]))
        if (before === undefined) size += 1
      } else if (objects && before !== undefined) {
        objects.delete(key)
        size -= 1
        if (objects.size === 0) byNamespace.delete(namespace)
      }
      if (owners) move(owners, key, before, after)
      for (const index of indexes.values()) move(index, key, before, after)
      return before
    },
    get size() {
      return size
    },
  }
}

function* everything<T>(byNamespace: Map<string, Map<string, T>>): Iterable<T> {
  for (const [, objects] of byNamespace) yield* objects.values()
}

const move = <T>(index: Index<T>, key: string, before: T | undefined, after: T | undefined): void => {
  const now = after === undefined ? [] : index.values(after)
  if (before !== undefined)
    for (const value of index.values(before)) {
      if (now.includes(value)) continue
      const objects = index.byValue.get(value)
      objects?.delete(key)
      if (objects?.size === 0) index.byValue.delete(value)
    }
  if (after === undefined) return
  for (const value of now) {
    const objects = index.byValue.get(value)
    if (objects) objects.set(key, after)
    else index.byValue.set(value, new Map([[key, after]]))
  }
}
