import type { Kind } from '@skiff/api'
import { type EncodedObject, type Env, type KubeObject, serviceUnavailable } from '@skiff/machinery'
import type { Change, Row, Store } from '@skiff/store'
import { applyChanges, type Cache, type Carried, createCache } from './cache.ts'
import { type Entry, entriesFromStored, entryFromStored } from './entry.ts'
import { checkStoredSize } from './object-size.ts'

/** The objects of every kind: read from memory, written through the store. */
export interface Storage {
  /** The kind's objects; loaded on first use. */
  cache(kind: Kind): Promise<Cache>
  /** The cache when it is loaded already. */
  loaded(kind: Kind): Cache | undefined
  /** The revision up to which every loaded cache is the truth, after waiting for all that was durable when asked. */
  fresh(): Promise<number>
  /** The revision of the newest change that this process has seen. */
  readonly seen: number
  /** Undefined when another writer won. `encoded`: the object as its kind's codec wrote it already. */
  put(kind: Kind, key: string, object: KubeObject, expect: 'absent' | number, encoded?: EncodedObject): Promise<Entry | undefined>
  /** False when another writer won. The revision of the deletion is in the result. */
  remove(kind: Kind, key: string, expect: number): Promise<number | undefined>
  /** Forgets a kind that is served no more, or is stored in another version from now on; its watches end. */
  drop(kind: Kind): void
  close(): Promise<void>
}

const root = '/registry/'

/** Hears how long the store took. */
export type StoreTimes = (seconds: number, operation: 'create' | 'update' | 'delete' | 'list', storedAs: string) => void

export const openStorage = async (store: Store, env: Env, took: StoreTimes = () => {}): Promise<Storage> => {
  const since = (startMs: number): number => (env.monotonicMs() - startMs) / 1000
  const caches = new Map<string, Cache>()
  const loading = new Map<string, Promise<Cache>>()
  /** Changes of kinds whose first range is still under way. */
  const waiting = new Map<string, Change[]>()
  let seen = await store.revision()
  let broken: Error | undefined

  const keyOf = (storeKey: string): string => storeKey.slice(storeKey.indexOf('/', root.length) + 1)
  const deliver = (changes: readonly Change[]): void => {
    let from = 0
    while (from < changes.length) {
      const kindName = kindNameOf((changes[from] as Change).key)
      let to = from + 1
      while (to < changes.length && kindNameOf((changes[to] as Change).key) === kindName) to++
      const run = from === 0 && to === changes.length ? changes : changes.slice(from, to)
      const cache = caches.get(kindName)
      if (cache) applyChanges(cache, run, keyOf)
      else waiting.get(kindName)?.push(...run)
      from = to
    }
    const last = changes[changes.length - 1]
    if (last) seen = last.revision
  }
  const stop = await store.watch({
    prefix: root,
    after: seen,
    withoutPrevious: true,
    deliver,
    ended: (why) => {
      broken = why
      env.log.error('the store ended its watch', { error: why.message })
    },
  })

  const load = async (kind: Kind): Promise<Cache> => {
    const changes: Change[] = []
    waiting.set(kind.storedAs, changes)
    try {
      return await loadInto(kind, changes)
    } finally {
      // A kind whose objects cannot be converted now is tried again by the next who asks.
      waiting.delete(kind.storedAs)
      loading.delete(kind.storedAs)
    }
  }
  const loadInto = async (kind: Kind, changes: readonly Change[]): Promise<Cache> => {
    const prefix = `${root}${kind.storedAs}/`
    const entries: Entry[] = []
    let after = ''
    let revision = 0
    for (;;) {
      const startMs = env.monotonicMs()
      const page = await store.range({ prefix, after, limit: 2000 })
      took(since(startMs), 'list', kind.storedAs)
      revision = revision || page.revision
      const rows = page.rows.map((row) => ({ key: keyOf(row.key), value: row.value, revision: row.revision }))
      for (const entry of await entriesFromStored(kind, rows)) entries.push(entry)
      if (!page.more) break
      after = (page.rows[page.rows.length - 1] as Row).key
      await env.sleep(0)
    }
    const cache = createCache(kind, entries, revision)
    caches.set(kind.storedAs, cache)
    applyChanges(cache, changes, keyOf)
    return cache
  }

  const storage: Storage = {
    get seen() {
      return seen
    },
    loaded: (kind) => caches.get(kind.storedAs),
    cache: async (kind) => {
      const held = caches.get(kind.storedAs)
      if (held) return held
      const pending = loading.get(kind.storedAs) ?? load(kind)
      loading.set(kind.storedAs, pending)
      return pending
    },
    fresh: async () => {
      if (broken) throw serviceUnavailable(broken.message)
      return Math.max(await store.revision(), seen)
    },
    put: async (kind, key, object, expect, encoded = kind.codec.encode(object)) => {
      const value = encoded.bytes
      // The encoding of a large object has taken a while, and its size is told by another.
      if (value.length > longBytes) await env.sleep(0)
      checkStoredSize(kind, object, value)
      const carried: Carried = { object, encoded }
      const startMs = env.monotonicMs()
      const result = await store.commit({ key: `${root}${kind.storedAs}/${key}`, value, expect, carried })
      took(since(startMs), expect === 'absent' ? 'create' : 'update', kind.storedAs)
      if (!result.ok) return undefined
      return carried.entry ?? entryFromStored(kind, key, value, result.revision)
    },
    remove: async (kind, key, expect) => {
      const startMs = env.monotonicMs()
      const result = await store.commit({ key: `${root}${kind.storedAs}/${key}`, value: null, expect })
      took(since(startMs), 'delete', kind.storedAs)
      return result.ok ? result.revision : undefined
    },
    drop: (kind) => {
      const cache = caches.get(kind.storedAs)
      caches.delete(kind.storedAs)
      for (const close of cache?.closers ?? []) close()
    },
    close: async () => stop(),
  }
  return storage
}

const longBytes = 256 * 1024

const kindNameOf = (storeKey: string): string => storeKey.slice(root.length, storeKey.indexOf('/', root.length))
