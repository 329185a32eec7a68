import type { Kind } from '@skiff/api'
import type { KubeObject } from '@skiff/machinery'
import type { Cache } from '../../registry/cache.ts'
import { entriesOf } from '../../registry/tree.ts'
import type { AdmissionSources } from '../sources.ts'

/** All objects of a kind of admissionregistration.k8s.io/v1, by name; listed anew only after a change. The kind's cache is loaded with the server. */
export const follow = <T extends KubeObject>({ registry, storage }: AdmissionSources, plural: string): { all(): readonly T[] } => {
  let cache: Cache | undefined
  let list: readonly T[] | undefined
  const forget = () => {
    list = undefined
  }
  return {
    all: () => {
      if (list) return list
      if (!cache) {
        cache = storage.loaded(registry.find('admissionregistration.k8s.io', 'v1', plural) as Kind)
        cache?.listeners.add(forget)
      }
      const made = cache ? [...entriesOf(cache.tree, '')].map((entry) => entry.object as T) : []
      if (cache) list = made
      return made
    },
  }
}
