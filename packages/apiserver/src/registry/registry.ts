import type { Kind } from '@skiff/api'

/** The kinds that the server serves now: the built-in ones and those that CRDs add and take away. */
export interface Registry {
  /** By group, version and plural. */
  find(group: string, version: string, plural: string): Kind | undefined
  /** By group, version and kind. */
  findKind(group: string, version: string, kind: string): Kind | undefined
  all(): readonly Kind[]
  /** The kind that holds the stored form of `kind`'s objects: itself, or another version of it. */
  stored(kind: Kind): Kind
  add(kind: Kind): void
  remove(kind: Kind): void
  /** Called after every add and remove. */
  subscribe(onChange: () => void): () => void
}

export const createRegistry = (initial: readonly Kind[]): Registry => {
  const byResource = new Map<string, Kind>()
  const byKind = new Map<string, Kind>()
  const listeners = new Set<() => void>()
  let list: readonly Kind[] | undefined
  const changed = () => {
    list = undefined
    for (const listen of listeners) listen()
  }
  const put = (kind: Kind) => {
    byResource.set(`${kind.group}/${kind.version}/${kind.plural}`, kind)
    byKind.set(`${kind.group}/${kind.version}/${kind.kind}`, kind)
  }
  for (const kind of initial) put(kind)
  return {
    find: (group, version, plural) => byResource.get(`${group}/${version}/${plural}`),
    findKind: (group, version, kind) => byKind.get(`${group}/${version}/${kind}`),
    all: () => {
      list ??= [...byResource.values()]
      return list
    },
    stored: (kind) => {
      if (!kind.conversion) return kind
      if (kind.storedKind) return kind.storedKind
      for (const each of byResource.values()) if (each.storedAs === kind.storedAs && !each.conversion) return each
      return kind
    },
    add: (kind) => {
      put(kind)
      changed()
    },
    remove: (kind) => {
      byResource.delete(`${kind.group}/${kind.version}/${kind.plural}`)
      byKind.delete(`${kind.group}/${kind.version}/${kind.kind}`)
      changed()
    },
    subscribe: (onChange) => {
      listeners.add(onChange)
      return () => listeners.delete(onChange)
    },
  }
}
