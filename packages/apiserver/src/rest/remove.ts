import type { Kind } from '@skiff/api'
import { conflict, type Json, type KubeObject, notFound, rfc3339, sameJson, withVersion } from '@skiff/machinery'
import { prepareServed } from '../registry/converting.ts'
import type { Entry } from '../registry/entry.ts'
import { find } from '../registry/tree.ts'
import { keyOfCall, namedOf, type Request, type Rest, writtenRequest } from './context.ts'
import { type DeleteOptions, deleteOptions } from './delete-options.ts'
import { modified, served } from './update.ts'

/** What a delete did. `gone`: the object is no more; otherwise it lives on with a deletionTimestamp. */
export interface Removed {
  readonly entry: Entry
  readonly gone: boolean
  /** An old client asked to be told that dependents are still to go. */
  readonly accepted?: boolean
}

const childrenStay =
  'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning'

export const remove = async (rest: Rest, sent: Request): Promise<Removed> => {
  const request = writtenRequest(sent)
  const options = deleteOptions(request.call)
  if (
    request.kind.group === 'batch' &&
    request.kind.plural === 'jobs' &&
    options.propagationPolicy === undefined &&
    options.orphanDependents === undefined
  )
    request.warnings.push(childrenStay)
  const removed = await removeOne(rest, { ...request, dryRun: options.dryRun }, keyOfCall(request.kind, request.call), options)
  if (!removed.gone) await prepareServed(sent.kind, [removed.entry])
  return options.orphanDependents === false && !removed.gone ? { ...removed, accepted: true } : removed
}

export const removeOne = async (rest: Rest, sent: Request, key: string, options: DeleteOptions): Promise<Removed> => {
  const request = writtenRequest(sent)
  const { kind, call } = request
  const storedKind = rest.registry.stored(kind)
  const cache = await rest.storage.cache(storedKind)
  const name = key.slice(key.indexOf('/') + 1)
  for (;;) {
    const held = find(cache.tree, key)
    if (!held) throw notFound(namedOf(kind), name)
    checkPreconditions(kind, held, options)
    await prepareServed(kind, [held])
    const attributes = {
      verb: 'delete' as const,
      kind,
      namespace: call.namespace,
      name,
      subresource: undefined,
      object: undefined,
      old: served(kind, held),
      identity: call.identity,
      dryRun: request.dryRun,
      warnings: request.warnings,
      options: () => options,
    }
    await rest.admission.mutate(attributes)
    await rest.admission.validate(attributes)
    const done = await removeOnce(rest, request, storedKind, held, options)
    if (done) return done
    if (options.preconditions?.resourceVersion) throw conflict(namedOf(kind), name, modified)
    await rest.storage.fresh()
    await rest.env.sleep(0)
  }
}

export const checkPreconditions = (kind: Kind, held: Pick<Entry, 'object'>, { preconditions }: DeleteOptions): void => {
  const { uid, resourceVersion, name } = held.object.metadata
  if (kind.storedAs === 'namespaces') {
    checkNamespace(held.object, preconditions)
    return
  }
  const what = { group: kind.group, resource: kind.kind }
  if (preconditions?.uid !== undefined && preconditions.uid !== uid)
    throw conflict(
      what,
      name,
      `the UID in the precondition (${preconditions.uid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`,
    )
  if (preconditions?.resourceVersion !== undefined && preconditions.resourceVersion !== resourceVersion)
    throw conflict(
      what,
      name,
      `the ResourceVersion in the precondition (${preconditions.resourceVersion}) does not match the ResourceVersion in record (${resourceVersion}). The object might have been modified`,
    )
}

/** Namespaces have a deletion of their own, with words of its own. */
const checkNamespace = ({ metadata }: KubeObject, given: DeleteOptions['preconditions']): void => {
  const refuse = (name: string, wanted: string, found: string) =>
    conflict(
      { group: '', resource: 'namespaces' },
      metadata.name,
      `Precondition failed: ${name} in precondition: ${wanted}, ${name} in object meta: ${found}`,
    )
  if (given?.uid !== undefined && given.uid !== metadata.uid) throw refuse('UID', given.uid, metadata.uid)
  if (given?.resourceVersion !== undefined && given.resourceVersion !== metadata.resourceVersion)
    throw refuse('ResourceVersion', given.resourceVersion, metadata.resourceVersion)
}

const removeOnce = async (
  rest: Rest,
  request: Request,
  storedKind: Kind,
  held: Entry,
  options: DeleteOptions,
): Promise<Removed | undefined> => {
  const { kind, dryRun } = request
  const marked = markDeleted(rest, kind, held.object, options)
  if (marked === 'now') {
    const last = await withoutGrace(rest, kind, storedKind, held, dryRun)
    if (!last || dryRun) return last && { entry: last, gone: true }
    const revision = await rest.storage.remove(storedKind, last.key, last.revision)
    if (revision === undefined) return undefined
    await rest.hooks.afterRemove(kind, last.object)
    return { entry: last, gone: true }
  }
  if (marked === held.object || sameJson(marked as unknown as Json, held.object as unknown as Json)) return { entry: held, gone: false }
  if (dryRun) {
    const bytes = withVersion(storedKind.codec.encode(marked), held.revision)
    return { entry: { ...held, object: marked, bytes }, gone: false }
  }
  const entry = await rest.storage.put(storedKind, held.key, marked, held.revision)
  return entry ? { entry, gone: false } : undefined
}

/** Kinds with grace are marked as deleted before they go, even when they need none: watchers see both. Undefined: another writer was first. */
const withoutGrace = async (rest: Rest, kind: Kind, storedKind: Kind, held: Entry, dryRun: boolean): Promise<Entry | undefined> => {
  if (!kind.behaviour.gracePeriodSeconds) return held
  const { metadata } = held.object
  if (metadata.deletionTimestamp && metadata.deletionGracePeriodSeconds === 0) return held
  const deletionTimestamp = metadata.deletionTimestamp ?? rfc3339(rest.env.now())
  const generation = metadata.generation && !metadata.deletionTimestamp ? { generation: metadata.generation + 1 } : {}
  const object = {
    ...held.object,
    metadata: { ...metadata, ...generation, deletionTimestamp, deletionGracePeriodSeconds: 0 },
  } as KubeObject
  if (!dryRun) return rest.storage.put(storedKind, held.key, object, held.revision)
  return { ...held, object, bytes: withVersion(storedKind.codec.encode(object), held.revision) }
}

const collectors = { Orphan: 'orphan', Foreground: 'foregroundDeletion' } as const

/** Finalizers after the propagation policy had its say: an explicit one replaces what an earlier delete asked for. */
const finalizersFor = (kind: Kind, object: KubeObject, options: DeleteOptions): readonly string[] => {
  const old = object.metadata.finalizers ?? []
  const explicit = options.orphanDependents !== undefined ? (options.orphanDependents ? 'Orphan' : 'Background') : options.propagationPolicy
  const policy =
    explicit ??
    (old.includes('orphan')
      ? 'Orphan'
      : old.includes('foregroundDeletion')
        ? 'Foreground'
        : (kind.behaviour.defaultPropagation ?? 'Background'))
  const kept = old.filter((each) => each !== 'orphan' && each !== 'foregroundDeletion')
  return policy === 'Orphan' || policy === 'Foreground' ? [...kept, collectors[policy]] : kept
}

/** The object as a delete leaves it, or 'now' when nothing holds it back. */
const markDeleted = (rest: Rest, kind: Kind, live: KubeObject, options: DeleteOptions): KubeObject | 'now' => {
  const first = live.metadata.deletionTimestamp === undefined
  const object = (first ? kind.behaviour.prepareForDelete?.(live, rfc3339(rest.env.now())) : undefined) ?? live
  const { metadata } = object
  const finalizers = finalizersFor(kind, object, options)
  const grace = kind.behaviour.gracePeriodSeconds?.(object, options.gracePeriodSeconds)
  const held = finalizers.length > 0 || holdsItself(kind, object)
  if (metadata.deletionTimestamp) return markAgain(rest, object, finalizers, grace, held)
  const graceful = grace !== undefined && grace > 0
  if (!held && !graceful) return 'now'
  const seconds = graceful ? grace : 0
  const next = {
    ...object,
    metadata: {
      ...withFinalizers(metadata, finalizers),
      deletionTimestamp: rfc3339(rest.env.now() + seconds * 1000),
      ...(kind.behaviour.marksDeletionAlone ? {} : graceOf(metadata, seconds)),
    },
  } as KubeObject
  return kind.group === '' && kind.kind === 'Namespace'
    ? ({ ...next, status: { ...(next as { status?: object }).status, phase: 'Terminating' } } as KubeObject)
    : next
}

const graceOf = ({ generation }: KubeObject['metadata'], deletionGracePeriodSeconds: number) => ({
  deletionGracePeriodSeconds,
  ...(generation !== undefined && generation > 0 ? { generation: generation + 1 } : {}),
})

const withFinalizers = (metadata: KubeObject['metadata'], finalizers: readonly string[]): KubeObject['metadata'] => {
  const { finalizers: _, ...rest } = metadata
  return finalizers.length > 0 ? { ...rest, finalizers } : rest
}

/** A namespace stays until its spec.finalizers are gone. */
const holdsItself = (kind: Kind, object: KubeObject): boolean =>
  kind.group === '' &&
  kind.kind === 'Namespace' &&
  ((object as { spec?: { finalizers?: readonly string[] } }).spec?.finalizers?.length ?? 0) > 0

/** A second delete can only shorten the grace that the first one gave. */
const markAgain = (
  rest: Rest,
  object: KubeObject,
  finalizers: readonly string[],
  grace: number | undefined,
  held: boolean,
): KubeObject | 'now' => {
  const { metadata } = object
  const left = metadata.deletionGracePeriodSeconds ?? 0
  if (grace === 0 || (grace === undefined && left === 0) || left === 0) {
    if (!held) return 'now'
    if (metadata.deletionGracePeriodSeconds === undefined) return { ...object, metadata: withFinalizers(metadata, finalizers) }
    return { ...object, metadata: { ...withFinalizers(metadata, finalizers), deletionGracePeriodSeconds: 0 } }
  }
  if (grace === undefined || grace >= left) return { ...object, metadata: withFinalizers(metadata, finalizers) }
  const begun = Date.parse(metadata.deletionTimestamp as string) - left * 1000
  const ends = Math.max(begun + grace * 1000, rest.env.now())
  return {
    ...object,
    metadata: { ...withFinalizers(metadata, finalizers), deletionTimestamp: rfc3339(ends), deletionGracePeriodSeconds: grace },
  }
}
