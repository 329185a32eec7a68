import type { Resource } from '@skiff/api'
import type { Views } from '@skiff/client'
import type { KubeObject, OwnerReference } from '@skiff/machinery'
import { keyOf, splitApiVersion } from '@skiff/machinery'

export const orphanFinalizer = 'orphan'
export const foregroundFinalizer = 'foregroundDeletion'

/** An object and where it lives: keys of the collector's queue name both. */
export interface Item {
  readonly resource: Resource
  readonly object: KubeObject
}

const idOf = ({ group, version, plural }: Resource): string => `${group}/${version}/${plural}`
export const itemKey = (resource: Resource, objectKey: string): string => `${idOf(resource)}|${objectKey}`

export const hasFinalizer = (object: KubeObject, name: string): boolean => object.metadata.finalizers?.includes(name) === true
export const waitsForDependents = (object: KubeObject): boolean =>
  object.metadata.deletionTimestamp !== undefined && hasFinalizer(object, foregroundFinalizer)

/** The owner graph. It is held nowhere: the views' index of owner uids is one half of it, ownerReferences the other. */
export interface Graph {
  find(key: string): Item | undefined
  dependents(uid: string): readonly Item[]
  /** The kind that a reference means; undefined when no kind of that name is served. */
  resourceOf(reference: OwnerReference): Resource | undefined
  /** Where the owner of `object` would be; undefined for a namespaced owner of a cluster-scoped object, which cannot be. */
  ownerKey(object: KubeObject, owner: Resource, reference: OwnerReference): string | undefined
  /** Whether an owner that is not where it should be is in another namespace. Looks at every object of the kind. */
  isElsewhere(object: KubeObject, owner: Resource, reference: OwnerReference): boolean
}

export const createGraph = (views: Views, resources: readonly Resource[]): Graph => {
  const byId = new Map(resources.map((resource) => [idOf(resource), resource]))
  const byKind = new Map(resources.map((resource) => [`${resource.group}/${resource.kind}`, resource]))
  return {
    find: (key) => {
      const at = key.indexOf('|')
      const resource = byId.get(key.slice(0, at))
      const object = resource && views.view(resource).get(key.slice(at + 1))
      return resource && object ? { resource, object } : undefined
    },
    dependents: (uid) => {
      const found: Item[] = []
      for (const resource of resources) for (const object of views.view(resource).ownedBy(uid)) found.push({ resource, object })
      return found
    },
    resourceOf: ({ apiVersion, kind }) => byKind.get(`${splitApiVersion(apiVersion).group}/${kind}`),
    isElsewhere: (object, owner, { uid }) => {
      if (owner.namespaced)
        for (const { metadata } of views.view(owner).list())
          if (metadata.uid === uid) return metadata.namespace !== object.metadata.namespace
      return false
    },
    ownerKey: (object, owner, { name }) => {
      if (!owner.namespaced) return name
      const { namespace } = object.metadata
      return namespace === undefined ? undefined : keyOf({ metadata: { namespace, name } })
    },
  }
}
