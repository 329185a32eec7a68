import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildBuiltins, type Kind } from '@skiff/api'
import { type KubeObject, systemEnv } from '@skiff/machinery'
import { openDurableStore, openMemoryStore, type Store } from '@skiff/store'
import { afterEach, describe, expect, test } from 'vitest'
import type { CacheEvent } from './cache.ts'
import { openStorage, type Storage } from './storage.ts'
import { entriesOf, find } from './tree.ts'

const env = systemEnv()
const { kinds } = buildBuiltins()
const configMaps = kinds.find((each) => each.kind === 'ConfigMap') as Kind
const secrets = kinds.find((each) => each.kind === 'Secret') as Kind
const object = (name: string, at: number, kind = configMaps): KubeObject =>
  ({
    apiVersion: 'v1',
    kind: kind.kind,
    metadata: { name, namespace: 'n', uid: `u-${name}`, creationTimestamp: '2025-01-01T00:00:00Z' },
    data: { at: String(at) },
  }) as unknown as KubeObject

const closers: (() => Promise<unknown> | undefined)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const stores: readonly [string, () => Promise<Store>][] = [
  ['memory', async () => openMemoryStore()],
  [
    'durable',
    async () => {
      const dir = mkdtempSync(join(tmpdir(), 'skiff-storage-'))
      closers.push(async () => rmSync(dir, { recursive: true }))
      return openDurableStore({ dir, env })
    },
  ],
]

describe.each(stores)('storage over the %s store', (_, openStore) => {
  const open = async (): Promise<{ store: Store; storage: Storage }> => {
    const store = await openStore()
    closers.push(() => store.close())
    const storage = await openStorage(store, env)
    closers.push(() => storage.close())
    return { store, storage }
  }

  test('a write is in memory before its writer hears of it', async () => {
    const { storage } = await open()
    const cache = await storage.cache(configMaps)
    const entry = await storage.put(configMaps, 'n/a', object('a', 1), 'absent')
    expect(find(cache.tree, 'n/a')).toBe(entry)
    expect(entry?.object.metadata.resourceVersion).toBe(String(entry?.revision))
    expect(JSON.parse(String(entry?.bytes)).metadata.resourceVersion).toBe(String(entry?.revision))
    expect(storage.seen).toBe(entry?.revision)
  })

  test('losing answers undefined: present, absent, older, deleted', async () => {
    const { storage } = await open()
    await storage.cache(configMaps)
    const first = await storage.put(configMaps, 'n/a', object('a', 1), 'absent')
    expect(await storage.put(configMaps, 'n/a', object('a', 2), 'absent')).toBeUndefined()
    const second = await storage.put(configMaps, 'n/a', object('a', 2), first?.revision as number)
    expect(second?.revision).toBeGreaterThan(first?.revision as number)
    expect(await storage.put(configMaps, 'n/a', object('a', 3), first?.revision as number)).toBeUndefined()
    expect(await storage.remove(configMaps, 'n/a', first?.revision as number)).toBeUndefined()
    expect(await storage.remove(configMaps, 'n/a', second?.revision as number)).toBeGreaterThan(second?.revision as number)
    expect(await storage.remove(configMaps, 'n/a', second?.revision as number)).toBeUndefined()
  })

  test('a kind that is loaded while others write misses nothing and shows nothing twice', async () => {
    const { storage } = await open()
    const writers = Array.from({ length: 300 }, (_, at) => storage.put(configMaps, `n/c-${at}`, object(`c-${at}`, at), 'absent'))
    const cache = await storage.cache(configMaps)
    await Promise.all(writers)
    const late = Array.from({ length: 50 }, (_, at) => storage.put(configMaps, `n/d-${at}`, object(`d-${at}`, at), 'absent'))
    await Promise.all(late)
    expect([...entriesOf(cache.tree)].length).toBe(350)
    expect(cache.tree.size).toBe(350)
  })

  test('listeners hear every change of their kind once and in order, whatever other kinds do', async () => {
    const { storage } = await open()
    const cache = await storage.cache(configMaps)
    await storage.cache(secrets)
    const heard: CacheEvent[] = []
    cache.listeners.add((events) => heard.push(...events))
    const work = Array.from({ length: 200 }, async (_, at) => {
      const made = await storage.put(configMaps, `n/c-${at % 50}`, object(`c-${at % 50}`, at), 'absent')
      await storage.put(secrets, `n/s-${at}`, object(`s-${at}`, at, secrets), 'absent')
      if (made && at % 3 === 0) await storage.remove(configMaps, made.key, made.revision)
    })
    await Promise.all(work)
    const revisions = heard.map((event) => event.revision)
    expect(revisions).toEqual([...new Set(revisions)].sort((a, b) => a - b))
    const left = new Map<string, number>()
    for (const event of heard)
      if (event.after) left.set(event.after.key, event.revision)
      else left.delete((event.before as { key: string }).key)
    expect([...entriesOf(cache.tree)].map((entry) => [entry.key, entry.revision])).toEqual([...left].sort(([a], [b]) => (a < b ? -1 : 1)))
  })

  test('what is read back from the store equals what its writer made', async () => {
    const { store, storage } = await open()
    await storage.cache(configMaps)
    const made = await storage.put(configMaps, 'n/a', object('a', 1), 'absent')
    const other = await openStorage(store, env)
    const read = find((await other.cache(configMaps)).tree, 'n/a')
    expect(read?.bytes.toString()).toBe(made?.bytes.toString())
    expect(read?.object).toEqual(made?.object)
    await other.close()
  })

  test('a second server on the same store sees the writes of the first', async () => {
    const { store, storage } = await open()
    await storage.cache(configMaps)
    const other = await openStorage(store, env)
    const cache = await other.cache(configMaps)
    const made = await storage.put(configMaps, 'n/a', object('a', 1), 'absent')
    expect(await other.fresh()).toBeGreaterThanOrEqual(made?.revision as number)
    expect(find(cache.tree, 'n/a')?.revision).toBe(made?.revision)
    await other.close()
  })
})
