import type { Resource } from '@skiff/api'
import { resourceKey } from '@skiff/api'
import type { Env, KubeObject } from '@skiff/machinery'
import type { Client } from './client.ts'
import { createInformer, type Informer } from './informer.ts'
import type { View, Views } from './view.ts'

/** An index that a view has from its beginning. */
export interface ViewIndex<T extends KubeObject = KubeObject> {
  readonly resource: Resource<T>
  readonly name: string
  readonly values: (object: T) => readonly string[]
}

export interface ViewsOptions {
  readonly indexes?: readonly ViewIndex<never>[]
}

/** Views over `client`, each opened when it is first asked for. */
export const createViews = (client: Client, env: Env, options: ViewsOptions = {}): Views => {
  const open = new Map<string, Informer>()
  // By the resource itself: plugins and controllers ask for views many times for each object.
  let opened = new WeakMap<object, Informer>()
  const idOf = (resource: Resource): string => `${resourceKey(resource)}/${resource.version}`
  return {
    view: <T extends KubeObject>(resource: Resource<T>): View<T> => {
      const known = opened.get(resource)
      if (known) return known as unknown as View<T>
      const id = idOf(resource)
      let informer = open.get(id)
      if (!informer) {
        const made = createInformer(client, resource, env)
        for (const index of options.indexes ?? []) if (idOf(index.resource) === id) made.addIndex(index.name, index.values as never)
        informer = made as unknown as Informer
        open.set(id, informer)
      }
      opened.set(resource, informer)
      return informer as unknown as View<T>
    },
    synced: async () => {
      await Promise.all([...open.values()].map((informer) => informer.synced))
    },
    close: async () => {
      await Promise.all([...open.values()].map((informer) => informer.close()))
      open.clear()
      opened = new WeakMap()
    },
  }
}
