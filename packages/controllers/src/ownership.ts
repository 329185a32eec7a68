import type { Resource } from '@skiff/api'
import type { KubeObject, OwnerReference } from '@skiff/machinery'
import { controllerOf, isRefusal, joinApiVersion } from '@skiff/machinery'
import { patch, read, type Step, type Steps, targetOf, together } from './runner/step.ts'

/** The reference by which `owner` controls what it makes. */
export const controlledBy = (resource: Resource, owner: KubeObject): OwnerReference => ({
  apiVersion: joinApiVersion(resource.group, resource.version),
  kind: resource.kind,
  name: owner.metadata.name,
  uid: owner.metadata.uid,
  controller: true,
  blockOwnerDeletion: true,
})

export interface Claim<T extends KubeObject> {
  /** What `owner` controls and still selects. */
  readonly mine: readonly T[]
  /** Adoptions and releases; when there are any, perform them and plan again on what comes of them. */
  readonly steps: Steps
}

/**
 * Upstream's ControllerRefManager: of `candidates` it keeps what is owned and matches, lets go what no longer matches, and adopts
 * what matches and has no controller. An owner that is being deleted neither adopts nor releases. What is adopted gets `finalizers`,
 * what is let go loses them.
 */
export const claim = <O extends KubeObject, T extends KubeObject>(
  ownerResource: Resource<O>,
  owner: O,
  resource: Resource<T>,
  candidates: Iterable<T>,
  matches: (object: T) => boolean,
  finalizers: readonly string[] = [],
): Claim<T> => {
  const mine: T[] = []
  const release: Step[] = []
  const adopt: Step[] = []
  for (const object of candidates) {
    const controller = controllerOf(object)
    if (controller) {
      if (controller.uid !== owner.metadata.uid) continue
      if (matches(object)) mine.push(object)
      else if (owner.metadata.deletionTimestamp === undefined) release.push(releaseOf(resource, object, owner, finalizers))
    } else if (owner.metadata.deletionTimestamp === undefined && object.metadata.deletionTimestamp === undefined && matches(object))
      adopt.push(adoptionOf(resource, object, controlledBy(ownerResource, owner), finalizers))
  }
  return { mine, steps: [...(release.length ? [together(release)] : []), ...adoptions(ownerResource, owner, adopt)] }
}

/** The owner is read afresh first: one that is being deleted, or is another one of the same name by now, must not adopt. */
const adoptions = <O extends KubeObject>(resource: Resource<O>, owner: O, steps: Steps): Steps =>
  steps.length === 0
    ? []
    : [
        read(resource, targetOf(owner), {
          done: (fresh) =>
            fresh && fresh.metadata.uid === owner.metadata.uid && fresh.metadata.deletionTimestamp === undefined ? [together(steps)] : [],
        }),
      ]

// Gone meanwhile, or another object of that name: there is nothing to do then.
const ignored = (error: unknown): Steps | undefined => (isRefusal(error, 404) || isRefusal(error, 422) ? [] : undefined)

const adoptionOf = <T extends KubeObject>(
  resource: Resource<T>,
  object: T,
  reference: OwnerReference,
  finalizers: readonly string[],
): Step => {
  const metadata = { ownerReferences: [reference], uid: object.metadata.uid, ...(finalizers.length > 0 ? { finalizers } : {}) }
  return patch(resource, targetOf(object), 'strategic', { metadata }, { failed: ignored })
}
const releaseOf = <T extends KubeObject>(resource: Resource<T>, object: T, owner: KubeObject, finalizers: readonly string[]): Step => {
  const metadata = {
    ownerReferences: [{ $patch: 'delete', uid: owner.metadata.uid }],
    uid: object.metadata.uid,
    ...(finalizers.length > 0 ? { '$deleteFromPrimitiveList/finalizers': finalizers } : {}),
  }
  return patch(resource, targetOf(object), 'strategic', { metadata }, { failed: ignored })
}
