import type { Kind } from '@skiff/api'
import {
  addFaults,
  badRequest,
  conflict,
  type EncodedObject,
  type FieldError,
  invalid,
  isWithVersion,
  type Json,
  type KubeObject,
  notFound,
  Refusal,
  rfc3339,
  sameJson,
  withVersion,
} from '@skiff/machinery'
import type { AdmissionRequest } from '../admission/admission.ts'
import { tracked, trackedInSteps } from '../managed-fields/track.ts'
import { converting, prepareServed } from '../registry/converting.ts'
import type { Entry } from '../registry/entry.ts'
import { find } from '../registry/tree.ts'
import { decodeBody, decodeInSteps } from './body.ts'
import { betweenSteps, isLong, keyOfCall, namedOf, type Request, type Rest, settled, turn, writtenRequest } from './context.ts'
import { createObject, inNamespace } from './create.ts'
import { internalKind, metadataErrors } from './metadata-checks.ts'
import { givenOptions, writeOptions } from './options.ts'
import { withoutDuplicateOwners } from './owner-references.ts'
import { versionOf } from './versions.ts'

export interface Written {
  readonly entry: Entry
  readonly created: boolean
}

export const modified = 'the object has been modified; please apply your changes to the latest version and try again'

/** PUT of an object or of a subresource with the object's shape. */
export const update = async (rest: Rest, request: Request): Promise<Written> => {
  const { call, kind, warnings } = request
  const options = writeOptions(call, 'UpdateOptions')
  const read = isLong(call)
    ? await decodeInSteps(kind, call.body, options.validation, warnings, turn)
    : decodeBody(kind, call.body, options.validation, warnings)
  const decoded = inNamespace(kind, read, call.namespace)
  checkName(request, decoded)
  const moved = { ...request, dryRun: options.dryRun, fieldManager: options.fieldManager }
  const pause = betweenSteps(call)
  if (pause) await pause
  return writeOver(rest, moved, async () => decoded, true)
}

/** The object of a PUT says the URL's name. */
export const checkName = ({ call }: Request, { metadata }: KubeObject): void => {
  const name = metadata.name ?? ''
  if (name === '') throw badRequest(`the name of the object (${call.name ?? ''} based on URL) was undeterminable: name must be provided`)
  if (name !== call.name) throw badRequest(`the name of the object (${name}) does not match the name on the URL (${call.name})`)
}

/** The object as this kind's version shows it. */
export const served = (kind: Kind, entry: Entry): KubeObject =>
  kind.conversion ? { ...kind.conversion.fromStored(entry.object), apiVersion: kind.apiVersion, kind: kind.kind } : entry.object

/** How often a write without a resourceVersion of its own is tried again over a newer object. */
const maxTries = 40

/**
 * Writes what `change` makes of the current object, and again over the newer one when another writer was first, unless the
 * change names the version it was made from. `creates`: an object that is not there is made of the change of nothing.
 */
export const writeOver = async (
  rest: Rest,
  sent: Request,
  change: (current: KubeObject | undefined) => Promise<KubeObject>,
  put: boolean,
  creates = put && (sent.kind.writtenAs ?? sent.kind).behaviour.allowCreateOnUpdate === true,
): Promise<Written> => {
  const request = writtenRequest(sent)
  const { kind, call } = request
  const storedKind = rest.registry.stored(kind)
  const cache = await rest.storage.cache(storedKind)
  const key = keyOfCall(kind, call)
  for (let attempt = 0; attempt < maxTries; attempt++) {
    const held = find(cache.tree, key)
    if (!held) {
      // Upstream compares with an object that has nothing before it minds that there is none.
      if (put) checkUid(kind, await change(undefined), { metadata: { name: call.name, namespace: call.namespace, uid: '' } } as KubeObject)
      const createsHere = creates && !call.subresource
      if (!createsHere) throw notFound(namedOf(kind), call.name ?? '')
      request.mayCreate?.()
      const fresh = await change(undefined)
      if (versionOf(fresh.metadata.resourceVersion) && put) throw conflict(namedOf(kind), call.name ?? '', modified)
      const { resourceVersion: _, ...metadata } = fresh.metadata
      return { entry: await createObject(rest, sent, { ...fresh, metadata } as KubeObject), created: true }
    }
    await prepareServed(sent.kind, [held])
    const shown = served(sent.kind, held)
    const changed = withoutDuplicateOwners(await change(shown), sent.warnings, !put)
    const afterChange = betweenSteps(call, held)
    if (afterChange) await afterChange
    const whole =
      sent.tracked || sent.prepared
        ? changed
        : isLong(call, held)
          ? await trackedInSteps(rest, sent, changed, shown, turn)
          : await converting(() => tracked(rest, sent, changed, shown))
    const afterTracking = betweenSteps(call, held)
    if (afterTracking) await afterTracking
    const next = sent.kind.writtenAs && sent.kind.conversion ? sent.kind.conversion.toStored(whole) : whole
    const old = sent.kind.writtenAs ? held.object : shown
    if (put) checkUid(kind, next, old)
    const given =
      next.metadata.resourceVersion === old.metadata.resourceVersion
        ? old.metadata.resourceVersion
        : versionOf(next.metadata.resourceVersion)
    if (given && given !== old.metadata.resourceVersion) throw conflict(namedOf(kind), call.name ?? '', modified)
    // A patch starts from the object's version: it has none where the patch took it away.
    if (!given && kind.behaviour.requireResourceVersion)
      throw invalid({ group: kind.group, kind: kind.plural }, call.name ?? '', [
        { reason: 'FieldValueInvalid', field: 'metadata.resourceVersion', body: 'Invalid value: 0x0: must be specified for an update' },
      ])
    const entry = await writeOnce(rest, request, storedKind, held, old, next)
    if (entry) {
      await prepareServed(sent.kind, [entry])
      return { entry, created: false }
    }
    if (given && put) throw conflict(namedOf(kind), call.name ?? '', modified)
    // The winner's change may still be on its way into memory.
    await rest.storage.fresh()
    await rest.env.sleep(0)
  }
  throw conflict(namedOf(kind), call.name ?? '', modified)
}

/** Resources that upstream's store knows under older names. */
const olderNames: Readonly<Record<string, string>> = {
  services: 'services/specs',
  endpoints: 'services/endpoints',
  nodes: 'minions',
  replicationcontrollers: 'controllers',
  'ingresses.networking.k8s.io': 'ingress',
}

/** Where upstream's store would hold an object: its refusals say so. */
const upstreamKey = (kind: Kind, { metadata }: KubeObject): string => {
  const apart = kind.custom || kind.group === 'apiextensions.k8s.io' || kind.group === 'apiregistration.k8s.io'
  const resource = apart ? `${kind.group}/${kind.plural}` : (olderNames[kind.storedAs] ?? kind.plural)
  return `/registry/${resource}/${metadata.namespace ? `${metadata.namespace}/` : ''}${metadata.name}`
}

/** Refuses a writer that means another object of the same name. */
export const checkUid = (kind: Kind, next: KubeObject, old: KubeObject): void => {
  const uid = next.metadata?.uid
  if (uid && uid !== old.metadata.uid)
    throw conflict(
      namedOf(kind),
      old.metadata.name,
      `StorageError: invalid object, Code: 4, Key: ${upstreamKey(kind, old)}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid}`,
    )
}

const writeOnce = async (
  rest: Rest,
  request: Request,
  storedKind: Kind,
  held: Entry,
  old: KubeObject,
  given: KubeObject,
): Promise<Entry | undefined> => {
  const { kind, call, dryRun } = request
  const attributes = {
    verb: 'update' as const,
    kind,
    namespace: call.namespace,
    name: old.metadata.name,
    subresource: call.subresource,
    old,
    identity: call.identity,
    dryRun,
    warnings: request.warnings,
    options: () => givenOptions(call),
    ofPart: request.prepared === true || request.trackedAs !== undefined,
  }
  const shaping = rest.admission.mutate({ ...attributes, object: given })
  const mutated = (shaping instanceof Promise ? await shaping : shaping) ?? given
  const next = keepManaged(request, prepareUpdate(rest, request, mutated, old), mutated)
  const turn = betweenSteps(call, held)
  if (turn) await turn
  const reserving = call.subresource ? undefined : rest.hooks.beforeWrite(kind, next, old, dryRun)
  const change = { attributes, storedKind, held, old }
  if (!reserving) return finishUpdate(rest, request, { ...change, next })
  const reserved = await reserving
  return settled(
    reserved,
    () => finishUpdate(rest, request, { ...change, next: reserved.object }),
    (entry) => entry !== undefined && entry !== held && !dryRun && !deletable(next),
  )
}

interface Change {
  readonly attributes: Omit<AdmissionRequest, 'object'>
  readonly storedKind: Kind
  readonly held: Entry
  readonly old: KubeObject
  readonly next: KubeObject
}

const finishUpdate = async (
  rest: Rest,
  request: Request,
  { attributes, storedKind, held, old, next }: Change,
): Promise<Entry | undefined> => {
  const { kind, call, dryRun } = request
  validateUpdate(request, next, old)
  const turn = betweenSteps(call, held)
  if (turn) await turn
  // Upstream's strategies of subresources have nothing to say.
  const spoken = call.subresource || request.prepared ? [] : (kind.behaviour.warnings?.(next, old) ?? [])
  for (const warning of spoken) request.warnings.push(warning)
  let done = false
  const judging = rest.admission.validate({ ...attributes, object: next })
  const undo = judging instanceof Promise ? await judging : judging
  try {
    const { conversion } = kind
    const stored = conversion
      ? { ...(await converting(() => conversion.toStored(next))), apiVersion: storedKind.apiVersion, kind: storedKind.kind }
      : next
    const encoded = storedKind.codec.encode(stored)
    // Such a write is none, and keeps its version.
    const unchanged = isWithVersion(encoded, held.revision, held.bytes)
    if (unchanged && !deletable(next)) {
      done = true
      return held
    }
    // Upstream answers with the version that the write would have been made from.
    if (dryRun) return { ...held, object: stored, bytes: withVersion(encoded, held.revision) }
    const entry = deletable(next)
      ? await removeNow(rest, storedKind, held, stored, encoded)
      : await rest.storage.put(storedKind, held.key, stored, held.revision, encoded)
    if (!entry) return undefined
    done = true
    if (deletable(next)) await rest.hooks.afterRemove(kind, old)
    return entry
  } finally {
    if (!done) undo?.()
  }
}

/** The last finalizer went from an object that is being deleted: the write is its removal. */
const deletable = (object: KubeObject): boolean => {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = object.metadata
  if (!deletionTimestamp || (finalizers?.length ?? 0) > 0) return false
  const spec = (object as { spec?: { finalizers?: readonly string[] } }).spec
  if (object.kind === 'Namespace' && (spec?.finalizers?.length ?? 0) > 0) return false
  return (deletionGracePeriodSeconds ?? 0) === 0
}

const removeNow = async (rest: Rest, kind: Kind, held: Entry, object: KubeObject, encoded: EncodedObject): Promise<Entry | undefined> => {
  // Upstream answers with the version that the write was made from.
  const bytes = withVersion(encoded, held.revision)
  const revision = await rest.storage.remove(kind, held.key, held.revision)
  return revision === undefined ? undefined : { key: held.key, revision, object, bytes }
}

/** What the registry carries over on every update, then the strategy of the kind or of the subresource. */
const prepareUpdate = (rest: Rest, request: Request, given: KubeObject, old: KubeObject): KubeObject => {
  const { kind, call, dryRun } = request
  const context = { now: rfc3339(rest.env.now()), userName: call.identity.name, identity: call.identity, dryRun }
  const metadata: Record<string, unknown> = { ...given.metadata }
  delete metadata.selfLink
  metadata.uid = given.metadata.uid || old.metadata.uid
  metadata.creationTimestamp = old.metadata.creationTimestamp
  // Once set they stay; before that validation refuses them.
  if (old.metadata.deletionTimestamp !== undefined) metadata.deletionTimestamp = old.metadata.deletionTimestamp
  if (old.metadata.deletionGracePeriodSeconds !== undefined) metadata.deletionGracePeriodSeconds ??= old.metadata.deletionGracePeriodSeconds
  if (old.metadata.generation === undefined) delete metadata.generation
  else metadata.generation = old.metadata.generation
  metadata.resourceVersion = old.metadata.resourceVersion
  const whole = { ...given, apiVersion: kind.apiVersion, kind: kind.kind, metadata } as unknown as KubeObject & { status?: unknown }
  if (request.prepared) return whole
  const base = kind.dropDisabled?.(whole, old) ?? whole
  if (call.subresource) return prepareSubresource(kind, call.subresource, base, old, context)
  let next: KubeObject = base
  if (kind.hasStatus) {
    const { status: _, ...rest } = base
    const status = (old as { status?: unknown }).status
    next = (status === undefined ? rest : { ...rest, status }) as KubeObject
  }
  next = kind.behaviour.prepareForUpdate?.(next, old, context) ?? next
  if (kind.behaviour.generation === false) return next
  const changed = kind.behaviour.generationChanged?.(next, old) ?? differsBeyondMeta(next, old)
  return changed ? { ...next, metadata: { ...next.metadata, generation: (old.metadata.generation ?? 0) + 1 } } : next
}

/** Strategies of subresources begin with the old object: who holds what was worked out before them. */
const keepManaged = (request: Request, next: KubeObject, { metadata }: KubeObject): KubeObject =>
  request.prepared || next.metadata.managedFields === metadata.managedFields
    ? next
    : { ...next, metadata: { ...next.metadata, managedFields: metadata.managedFields } as KubeObject['metadata'] }

const differsBeyondMeta = (next: KubeObject, old: KubeObject): boolean => {
  const { metadata: _a, status: _b, apiVersion: _c, kind: _d, ...left } = next as KubeObject & { status?: unknown }
  const { metadata: _e, status: _f, apiVersion: _g, kind: _h, ...right } = old as KubeObject & { status?: unknown }
  return !sameJson(left as unknown as Json, right as unknown as Json)
}

const prepareSubresource = (
  kind: Kind,
  subresource: string,
  next: KubeObject,
  old: KubeObject,
  context: { now: string; userName: string; dryRun: boolean },
): KubeObject => {
  const own = kind.behaviour.subresources?.[subresource]
  if (own) return own.prepareForUpdate(next, old, context)
  if (subresource !== 'status') throw new Refusal(404, 'NotFound', 'the server could not find the requested resource')
  // Of the rest, a status update keeps the old: labels and annotations may come along as upstream's strategies let them.
  const { deletionTimestamp: _, ...metadata } = next.metadata
  const kept = { ...old.metadata, ...pick(metadata, ['labels', 'annotations', 'finalizers', 'ownerReferences', 'managedFields']) }
  const status = (next as { status?: unknown }).status
  const { status: _old, ...rest } = old as KubeObject & { status?: unknown }
  return { ...rest, metadata: kept, ...(status === undefined ? {} : { status }) } as KubeObject
}

const pick = (from: Readonly<Record<string, unknown>>, names: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(names.map((name) => [name, from[name]]))

const validateUpdate = ({ kind, call }: Request, next: KubeObject, old: KubeObject): void => {
  const errors: FieldError[] = metadataErrors(kind, call.subresource, next, old)
  if (call.subresource) addFaults(errors, kind.behaviour.subresources?.[call.subresource]?.validateUpdate?.(next, old) ?? [])
  else addFaults(errors, ownErrors(kind, next, old))
  if (errors.length > 0) throw invalid(internalKind(kind), old.metadata.name, errors)
}

/** What the kind finds: as a new object's first, as often as upstream does so, then as an update's. */
const ownErrors = ({ behaviour }: Kind, next: KubeObject, old: KubeObject): readonly FieldError[] => {
  const times = behaviour.createChecksOnUpdate ?? 0
  const asNew = times > 0 || !behaviour.validateUpdate ? (behaviour.validate?.(next) ?? []) : []
  const update = behaviour.validateUpdate?.(next, old) ?? []
  return asNew.length === 0 ? update : [...new Array<typeof asNew>(Math.max(times, 1)).fill(asNew).flat(), ...update]
}
