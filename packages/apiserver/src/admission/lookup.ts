import type { KubeObject } from '@skiff/machinery'
import type { Cache } from '../registry/cache.ts'
import { entriesOf, find } from '../registry/tree.ts'
import type { AdmissionSources } from './sources.ts'

/** Reads of one kind for a plugin: from memory, after the first. */
export interface Lookup<T extends KubeObject> {
  get(key: string): Promise<T | undefined>
  list(namespace?: string): Promise<readonly T[]>
  /** The cache, when it is loaded already. */
  readonly now: Cache | undefined
}

export const lookup = <T extends KubeObject>(
  { registry, storage }: AdmissionSources,
  group: string,
  version: string,
  plural: string,
): Lookup<T> => {
  let cache: Cache | undefined
  const load = async (): Promise<Cache> => {
    const kind = registry.find(group, version, plural)
    if (!kind) throw new Error(`the registry has no ${plural}`)
    cache = await storage.cache(kind)
    return cache
  }
  return {
    get now() {
      return cache
    },
    get: async (key) => find((cache ?? (await load())).tree, key)?.object as T | undefined,
    list: async (namespace) => {
      const held = cache ?? (await load())
      return [...entriesOf(held.tree, namespace === undefined ? '' : `${namespace}/`)].map((entry) => entry.object as T)
    },
  }
}
