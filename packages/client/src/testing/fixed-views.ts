import type { Resource } from '@skiff/api'
import { resourceKey } from '@skiff/api'
import type { KubeObject } from '@skiff/machinery'
import { keyOf } from '@skiff/machinery'
import { createIndexed } from '../indexed.ts'
import type { View, Views } from '../view.ts'

/** Objects of one resource, for fixedViews. */
export interface Given<T extends KubeObject = KubeObject> {
  readonly resource: Resource<T>
  readonly objects: readonly T[]
}
export const given = <T extends KubeObject>(resource: Resource<T>, ...objects: readonly T[]): Given =>
  ({ resource, objects }) as unknown as Given

/** Views that never change, for tests of plans. */
export const fixedViews = (...all: readonly Given[]): Views => {
  const views = new Map<string, View>()
  const make = (resource: Resource): View => {
    const objects = createIndexed()
    for (const one of all.filter((each) => resourceKey(each.resource) === resourceKey(resource)))
      for (const object of one.objects) objects.set(keyOf(object), object)
    return {
      ...objects,
      resource,
      size: objects.size,
      subscribe: () => () => {},
      synced: Promise.resolve(),
      isSynced: true,
      revision: 0,
      reached: async () => true,
      refresh: async () => {},
    }
  }
  return {
    view: <T extends KubeObject>(resource: Resource<T>): View<T> => {
      const id = resourceKey(resource)
      const view = views.get(id) ?? make(resource)
      views.set(id, view)
      return view as unknown as View<T>
    },
    synced: async () => {},
    close: async () => {},
  }
}
