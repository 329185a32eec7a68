import type { Kind } from '@skiff/api'
import {
  addFaults,
  alreadyExists,
  badRequest,
  type FieldError,
  invalid,
  type KubeObject,
  Refusal,
  required,
  rfc3339,
  validateObjectMeta,
  withVersion,
} from '@skiff/machinery'
import { tracked, trackedInSteps } from '../managed-fields/track.ts'
import { converting, prepareServed } from '../registry/converting.ts'
import type { Entry } from '../registry/entry.ts'
import { find } from '../registry/tree.ts'
import { decodeBody, decodeInSteps } from './body.ts'
import { betweenSteps, isLong, namedOf, type Request, type Rest, settled, turn, writtenRequest } from './context.ts'
import { type Identifiers, randomIdentifiers } from './identifiers.ts'
import { internalKind, strictFinalizers, validateNameOf } from './metadata-checks.ts'
import { givenOptions, writeOptions } from './options.ts'
import { withoutDuplicateOwners } from './owner-references.ts'
import { isStoredVersion } from './versions.ts'

const nameAlphabet = 'bcdfghjklmnpqrstvwxz2456789'
/** Five random characters as upstream's name generator draws them; a prefix longer than 58 is cut. */
export const generateName = (prefix: string, { bytes }: Identifiers = randomIdentifiers): string => {
  let suffix = ''
  for (const byte of bytes(5)) suffix += nameAlphabet[byte % nameAlphabet.length]
  return prefix.slice(0, 58) + suffix
}

/** An object on its way in: what a create does between decoding and the store. Exported for kinds that are made by other calls. */
export const create = async (rest: Rest, request: Request): Promise<Entry> => {
  const { call, kind, warnings } = request
  const options = writeOptions(call, 'CreateOptions')
  const decoded = isLong(call)
    ? await decodeInSteps(kind, call.body, options.validation, warnings, turn)
    : decodeBody(kind, call.body, options.validation, warnings)
  const placed = inNamespace(kind, decoded, call.namespace)
  const pause = betweenSteps(call)
  if (pause) await pause
  return createObject(rest, { ...request, dryRun: options.dryRun, fieldManager: options.fieldManager }, placed)
}

/** Puts the URL's namespace on the object, or refuses another one. */
export const inNamespace = (kind: Kind, object: KubeObject, namespace: string | undefined): KubeObject => {
  const given = object.metadata.namespace ?? ''
  if (!kind.namespaced) {
    if (given === '') return object
    const { namespace: _, ...metadata } = object.metadata
    return { ...object, metadata }
  }
  if (given === '') return { ...object, metadata: { ...object.metadata, namespace: namespace ?? '' } }
  if (given !== namespace) throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  return object
}

export const createObject = async (rest: Rest, sent: Request, given: KubeObject): Promise<Entry> => {
  const request = writtenRequest(sent)
  const { kind, call } = request
  const single = withoutDuplicateOwners(given, sent.warnings, false)
  const whole = sent.tracked
    ? single
    : isLong(call)
      ? await trackedInSteps(rest, sent, single, undefined, turn)
      : tracked(rest, sent, single, undefined)
  const object = sent.kind.writtenAs && sent.kind.conversion ? sent.kind.conversion.toStored(whole) : whole
  const cache = await rest.storage.cache(rest.registry.stored(kind))
  const generate = object.metadata.generateName && !object.metadata.name
  for (let attempt = 0; ; attempt++) {
    const entry = await createOnce(rest, request, object)
    if (entry) {
      await prepareServed(sent.kind, [entry])
      return entry
    }
    const name = object.metadata.name || ''
    // A generated name that is taken is drawn again, as upstream does since 1.31.
    if (!generate) throw taken(kind, name, find(cache.tree, kind.namespaced ? `${object.metadata.namespace}/${name}` : name)?.object)
    if (attempt >= 7) {
      throw new Refusal(
        409,
        'AlreadyExists',
        `${cache.kind.plural} ${JSON.stringify(object.metadata.generateName)} already exists, the server was not able to generate a unique name for the object`,
        { name: call.name ?? '', kind: kind.plural },
      )
    }
  }
}

/** The refusal of a name that is in use, perhaps only until its finalizers are done. */
const taken = (kind: Kind, name: string, by: KubeObject | undefined): Refusal => {
  const refused = alreadyExists(namedOf(kind), name)
  if (!by?.metadata.deletionTimestamp) return refused
  return Refusal.from({ ...refused.status, message: `object is being deleted: ${refused.message}` })
}

const createOnce = async (rest: Rest, request: Request, object: KubeObject): Promise<Entry | undefined> => {
  const { kind, call, dryRun } = request
  const pause = betweenSteps(call)
  if (pause) await pause
  const shaping = rest.admission.mutate({
    verb: 'create',
    kind,
    namespace: call.namespace,
    name: object.metadata.name ?? '',
    subresource: undefined,
    object,
    old: undefined,
    identity: call.identity,
    dryRun,
    warnings: request.warnings,
    options: () => givenOptions(call),
  })
  const mutated = shaping instanceof Promise ? await shaping : shaping
  const next = prepare(rest, request, mutated ?? object)
  const reserving = rest.hooks.beforeWrite(kind, next, undefined, dryRun)
  if (!reserving) return finishCreate(rest, request, next)
  const reserved = await reserving
  return settled(
    reserved,
    () => finishCreate(rest, request, reserved.object),
    (entry) => entry !== undefined && !dryRun,
  )
}

const finishCreate = async (rest: Rest, request: Request, next: KubeObject): Promise<Entry | undefined> => {
  const { kind, call, dryRun } = request
  const beforeValidation = betweenSteps(call)
  if (beforeValidation) await beforeValidation
  validate(kind, next)
  const afterValidation = betweenSteps(call)
  if (afterValidation) await afterValidation
  for (const warning of kind.behaviour.warnings?.(next, undefined) ?? []) request.warnings.push(warning)
  const judging = rest.admission.validate({
    verb: 'create',
    kind,
    namespace: call.namespace,
    name: next.metadata.name,
    subresource: undefined,
    object: next,
    old: undefined,
    identity: call.identity,
    dryRun,
    warnings: request.warnings,
    options: () => givenOptions(call),
  })
  const undo = judging instanceof Promise ? await judging : judging
  let entry: Entry | undefined
  try {
    entry = await store(rest, request, next)
  } finally {
    if (!entry || dryRun) undo?.()
  }
  return entry
}

const store = async (rest: Rest, { kind, dryRun }: Request, next: KubeObject): Promise<Entry | undefined> => {
  const { conversion } = kind
  const stored = conversion ? await converting(() => conversion.toStored(next)) : next
  const key = kind.namespaced ? `${next.metadata.namespace}/${next.metadata.name}` : next.metadata.name
  const storedKind = rest.registry.stored(kind)
  const cache = await rest.storage.cache(storedKind)
  if (dryRun) {
    if (find(cache.tree, key)) return undefined
    return { key, revision: 0, object: stored, bytes: withVersion(storedKind.codec.encode(stored)) }
  }
  return rest.storage.put(storedKind, key, stored, 'absent')
}

/** What the registry sets on every new object, then the kind's own strategy. */
const prepare = (rest: Rest, { kind, call, dryRun }: Request, object: KubeObject): KubeObject => {
  const given = object.metadata
  const now = rfc3339(rest.env.now())
  const metadata: Record<string, unknown> = { ...given }
  if (given.generateName && !given.name) metadata.name = generateName(given.generateName, rest.identifiers)
  metadata.uid = rest.identifiers.uid()
  metadata.creationTimestamp = now
  delete metadata.deletionTimestamp
  delete metadata.deletionGracePeriodSeconds
  delete metadata.selfLink
  if (!dryRun && isStoredVersion(given.resourceVersion))
    throw new Refusal(500, '', 'resourceVersion should not be set on objects to be created')
  delete metadata.resourceVersion
  if (kind.behaviour.generation !== false) metadata.generation = 1
  else delete metadata.generation
  if (kind.behaviour.finalizers?.length) metadata.finalizers = [...new Set([...(given.finalizers ?? []), ...kind.behaviour.finalizers])]
  let next = { ...object, apiVersion: kind.apiVersion, kind: kind.kind, metadata } as unknown as KubeObject & { status?: unknown }
  if (kind.hasStatus && !kind.behaviour.keepStatusOnCreate && next.status !== undefined) {
    const { status: _, ...rest } = next
    next = rest
  }
  next = kind.dropDisabled?.(next, undefined) ?? next
  return kind.behaviour.prepareForCreate?.(next, { now, userName: call.identity.name, identity: call.identity, dryRun }) ?? next
}

const validate = (kind: Kind, object: KubeObject): void => {
  const errors: FieldError[] = []
  if (object.metadata.name === undefined && object.metadata.generateName === undefined)
    errors.push(required('metadata.name', 'name or generateName is required'))
  else
    errors.push(
      ...validateObjectMeta(
        object.metadata,
        kind.namespaced,
        (name, prefix) => validateNameOf(kind, name, prefix),
        'metadata',
        strictFinalizers(kind),
      ),
    )
  addFaults(errors, kind.behaviour.validate?.(object) ?? [])
  if (errors.length > 0) throw invalid(internalKind(kind), object.metadata.name || object.metadata.generateName || '', errors)
}
