import type { KubeObject } from '@skiff/machinery'

/** The name of a resource and the type of its objects: all that a client needs to speak of it. Every Kind is one. */
export interface Resource<T extends KubeObject = KubeObject> {
  /** '' is the core group. */
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly plural: string
  readonly namespaced: boolean
  /** Never set: it only carries T. */
  readonly of?: T
}

/** `apps/v1, Resource=deployments` without the version: the key of a resource in maps. The core group gives `pods`. */
export const resourceKey = (resource: Pick<Resource, 'group' | 'plural'>): string =>
  resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`
