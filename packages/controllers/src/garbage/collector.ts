import type { Resource } from '@skiff/api'
import { resourceKey } from '@skiff/api'
import type { ViewChange, Views } from '@skiff/client'
import type { KubeObject } from '@skiff/machinery'
import { type Controller, type Watched, watching } from '../runner/controller.ts'
import { same } from '../same.ts'
import { createGraph, type Graph, itemKey, waitsForDependents } from './graph.ts'
import { planItem } from './plan.ts'

// Uids that were seen to go, so that a cascade need not ask the API about each owner. A uid never comes back.
const rememberedUids = 10_000

/** Events are many, own nothing, and go by age. */
const isIgnored = (resource: Resource): boolean => resource.plural === 'events'

/**
 * Garbage collection over every kind that is served: removes what lost all its owners, in the background or in the foreground, and
 * frees dependents of what is deleted with orphaning.
 */
export const garbageCollector = (resources: () => readonly Resource[]): Controller => {
  const gone = new Set<string>()
  const noteGone = (uid: string): void => {
    gone.add(uid)
    if (gone.size <= rememberedUids) return
    for (const oldest of gone) {
      gone.delete(oldest)
      return
    }
  }
  let held: readonly Resource[] = []
  let graph: Graph | undefined
  const graphOf = (views: Views): Graph => {
    graph ??= createGraph(views, held)
    return graph
  }
  let watches: readonly Watched<never>[] = []
  /** One entry a kind, whatever versions it is served in; made anew only when the kinds change. */
  const rewatch = (): readonly Watched<never>[] => {
    const distinct = [
      ...new Map(
        resources()
          .filter((one) => !isIgnored(one))
          .map((one) => [resourceKey(one), one]),
      ).values(),
    ]
    const isSame = distinct.length === held.length && distinct.every((one, at) => one === held[at])
    if (isSame) return watches
    held = distinct
    graph = undefined
    watches = distinct.map((resource) =>
      watching({ resource, keys: (change, views) => concerned(resource, change, graphOf(views), noteGone) }),
    )
    return watches
  }
  return {
    name: 'garbage-collector-controller',
    account: 'generic-garbage-collector',
    component: 'garbage-collector-controller',
    watches: rewatch,
    dynamic: true,
    concurrency: 20,
    plan: (key, views: Views) => {
      const item = graphOf(views).find(key)
      return item ? planItem(item, graphOf(views), views, (uid) => gone.has(uid)) : []
    },
  }
}

/** Which items a change touches: the object itself, what it owned, and owners that wait for it. */
const concerned = (
  resource: Resource,
  { key, before, after }: ViewChange<KubeObject>,
  graph: Graph,
  noteGone: (uid: string) => void,
): string[] => {
  const keys: string[] = []
  const isReplaced = before !== undefined && after !== undefined && before.metadata.uid !== after.metadata.uid
  if (before && (!after || isReplaced)) {
    noteGone(before.metadata.uid)
    keys.push(...dependentKeys(graph, before.metadata.uid), ...waitingOwners(graph, before))
  }
  if (!after) return keys
  const isDeleting = after.metadata.deletionTimestamp !== undefined
  const references = after.metadata.ownerReferences ?? []
  const old = isReplaced ? undefined : before
  const isMoved = !same(old?.metadata.ownerReferences, references)
  const isMarked = isDeleting && !same(old?.metadata.finalizers, after.metadata.finalizers)
  if (isMarked || (references.length > 0 && (!old || isMoved))) keys.push(itemKey(resource, key))
  if (isMoved && old) keys.push(...waitingOwners(graph, old))
  if (waitsForDependents(after) && !(old && waitsForDependents(old))) keys.push(...dependentKeys(graph, after.metadata.uid))
  return keys
}

const dependentKeys = (graph: Graph, uid: string): string[] =>
  graph.dependents(uid).map(({ resource, object }) => itemKey(resource, objectKey(object)))
const objectKey = ({ metadata }: KubeObject): string => (metadata.namespace ? `${metadata.namespace}/${metadata.name}` : metadata.name)

const waitingOwners = (graph: Graph, object: KubeObject): string[] =>
  (object.metadata.ownerReferences ?? []).flatMap((reference) => {
    const resource = graph.resourceOf(reference)
    const key = resource && graph.ownerKey(object, resource, reference)
    if (!resource || key === undefined) return []
    const owner = graph.find(itemKey(resource, key))
    return owner && waitsForDependents(owner.object) ? [itemKey(resource, key)] : []
  })
