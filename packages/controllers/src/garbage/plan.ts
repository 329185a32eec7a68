import type { Views } from '@skiff/client'
import type { KubeObject, OwnerReference } from '@skiff/machinery'
import { isRefusal, splitKey } from '@skiff/machinery'
import { event, patch, read, remove, requeue, type Step, type Steps, targetOf, together } from '../runner/step.ts'
import { foregroundFinalizer, type Graph, hasFinalizer, type Item, orphanFinalizer, waitsForDependents } from './graph.ts'

// How long until a reference to a kind that is not served is looked at again.
const unknownKindMs = 30_000

/** What is known about the owners of an object. */
interface Verdict {
  readonly solid: readonly OwnerReference[]
  /** The owner is gone. */
  readonly dangling: readonly OwnerReference[]
  /** The owner waits for its dependents to go first. */
  readonly waiting: readonly OwnerReference[]
  /** Not seen, but not known to be gone either. */
  readonly unseen: readonly OwnerReference[]
  readonly unknownKind: boolean
}

/** Collects one object if nobody owns it any more, or moves its own deletion on. `isGone` knows uids that were seen to go. */
export const planItem = (item: Item, graph: Graph, views: Views, isGone: (uid: string) => boolean): Steps => {
  const { object } = item
  if (object.metadata.deletionTimestamp !== undefined) return planDeletion(item, graph)
  const references = object.metadata.ownerReferences ?? []
  if (references.length === 0) return []
  const invalid = references.filter((reference) => isMisplaced(object, graph, reference))
  const verdict = judge(item, references, graph, views, isGone)
  const told = invalid.map((reference) => misplaced(object, reference))
  if (verdict.unseen.length > 0) return [...told, ...confirm(item, graph, verdict, verdict.unseen)]
  return [...told, ...conclude(item, graph, verdict)]
}

const judge = (
  { object }: Item,
  references: readonly OwnerReference[],
  graph: Graph,
  views: Views,
  isGone: (uid: string) => boolean,
): Verdict => {
  const verdict = {
    solid: [] as OwnerReference[],
    dangling: [] as OwnerReference[],
    waiting: [] as OwnerReference[],
    unseen: [] as OwnerReference[],
    unknownKind: false,
  }
  for (const reference of references) {
    const resource = graph.resourceOf(reference)
    const key = resource && graph.ownerKey(object, resource, reference)
    const owner = resource && key !== undefined ? views.view(resource).get(key) : undefined
    if (!resource) {
      verdict.solid.push(reference)
      verdict.unknownKind = true
    } else if (key === undefined) verdict.solid.push(reference)
    else if (isGone(reference.uid)) verdict.dangling.push(reference)
    else if (owner?.metadata.uid !== reference.uid) verdict.unseen.push(reference)
    else if (waitsForDependents(owner)) verdict.waiting.push(reference)
    else verdict.solid.push(reference)
  }
  return verdict
}

/** Owners that the views do not show may just not have come yet: the API is asked, one after the other. */
const confirm = (item: Item, graph: Graph, verdict: Verdict, left: readonly OwnerReference[]): Steps => {
  const [reference, ...rest] = left
  if (!reference) return conclude(item, graph, verdict)
  const resource = graph.resourceOf(reference)
  const key = resource && graph.ownerKey(item.object, resource, reference)
  if (!resource || key === undefined) return []
  const decide = (owner: KubeObject | undefined): Steps => {
    const kind = owner?.metadata.uid !== reference.uid ? 'dangling' : waitsForDependents(owner) ? 'waiting' : 'solid'
    const told = kind === 'dangling' && graph.isElsewhere(item.object, resource, reference) ? [misplaced(item.object, reference)] : []
    return [...told, ...confirm(item, graph, { ...verdict, [kind]: [...verdict[kind], reference] }, rest)]
  }
  return [read(resource, splitKey(key), { done: decide })]
}

const conclude = (item: Item, graph: Graph, { solid, dangling, waiting, unknownKind }: Verdict): Steps => {
  const { resource, object } = item
  const later = unknownKind ? [requeue(unknownKindMs)] : []
  const ended = [...dangling, ...waiting]
  if (solid.length > 0) return ended.length > 0 ? [dropOwners(item, new Set(ended.map(({ uid }) => uid))), ...later] : later
  const dependents = graph.dependents(object.metadata.uid)
  if (waiting.length > 0 && dependents.length > 0) {
    // Two that own each other would wait for each other for ever.
    const isCycle = dependents.some((dependent) => waitsForDependents(dependent.object))
    return [...(isCycle ? [unblockOwners(item)] : []), remove(resource, object, { propagationPolicy: 'Foreground' })]
  }
  const propagationPolicy = hasFinalizer(object, orphanFinalizer)
    ? 'Orphan'
    : hasFinalizer(object, foregroundFinalizer)
      ? 'Foreground'
      : 'Background'
  return [remove(resource, object, { propagationPolicy, sameVersion: true })]
}

const planDeletion = (item: Item, graph: Graph): Steps => {
  const { object } = item
  const { uid } = object.metadata
  if (hasFinalizer(object, orphanFinalizer)) {
    const release = graph.dependents(uid).map((dependent) => dropOwners(dependent, new Set([uid])))
    return [together(release), dropFinalizer(item, orphanFinalizer)]
  }
  if (!hasFinalizer(object, foregroundFinalizer)) return []
  const blocks = (dependent: Item) =>
    dependent.object.metadata.ownerReferences?.some((reference) => reference.uid === uid && reference.blockOwnerDeletion === true)
  return graph.dependents(uid).some(blocks) ? [] : [dropFinalizer(item, foregroundFinalizer)]
}

/** A merge patch with the version it was made from: lists are replaced as a whole, and custom resources know no other. */
const change = ({ resource, object }: Item, metadata: Record<string, unknown>): Step => {
  const { uid, resourceVersion } = object.metadata
  return patch(
    resource,
    targetOf(object),
    'merge',
    { metadata: { uid, resourceVersion, ...metadata } },
    { failed: (error) => (isRefusal(error, 404) ? [] : undefined) },
  )
}
const dropOwners = (item: Item, uids: ReadonlySet<string>): Step => {
  const kept = (item.object.metadata.ownerReferences ?? []).filter((reference) => !uids.has(reference.uid))
  return change(item, { ownerReferences: kept.length > 0 ? kept : null })
}
const unblockOwners = (item: Item): Step => {
  const ownerReferences = (item.object.metadata.ownerReferences ?? []).map((one) => ({ ...one, blockOwnerDeletion: false }))
  const { uid } = item.object.metadata
  return patch(item.resource, targetOf(item.object), 'merge', { metadata: { uid, ownerReferences } })
}
const dropFinalizer = (item: Item, name: string): Step => {
  const kept = (item.object.metadata.finalizers ?? []).filter((one) => one !== name)
  return change(item, { finalizers: kept.length > 0 ? kept : null })
}

const isMisplaced = (object: KubeObject, graph: Graph, reference: OwnerReference): boolean => {
  const resource = graph.resourceOf(reference)
  return resource !== undefined && graph.ownerKey(object, resource, reference) === undefined
}
const misplaced = (object: KubeObject, { apiVersion, kind, name, uid }: OwnerReference): Step => {
  const namespace = object.metadata.namespace ?? ''
  const reference = `[${apiVersion}/${kind}, namespace: ${namespace}, name: ${name}, uid: ${uid}]`
  return event(
    object,
    'Warning',
    'OwnerRefInvalidNamespace',
    `ownerRef ${reference} does not exist in namespace ${JSON.stringify(namespace)}`,
  )
}
