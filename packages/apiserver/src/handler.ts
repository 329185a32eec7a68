import type { Kind } from '@skiff/api'
import type { Call, Handler, Identity, Reply } from '@skiff/client'
import { badRequest, nameIsPathSegment, notFound, Refusal } from '@skiff/machinery'
import { type Attributes, type Authorizer, attributesOf, connectVerbs, forbiddenBy } from './authorize.ts'
import { deprecationsOf } from './deprecation.ts'
import { notFoundHere, pageMissing, unknownResource } from './not-found.ts'
import type { Tables } from './represent/parts.ts'
import { formFor, replyEntry, replyPage, replyStatus, replyWatch } from './represent/represent.ts'
import { methodNotAllowed, namedOf, type Request, type Rest } from './rest/context.ts'
import { create } from './rest/create.ts'
import { patch } from './rest/patch.ts'
import { getOne, list } from './rest/read.ts'
import { remove } from './rest/remove.ts'
import { removeCollection } from './rest/remove-collection.ts'
import { update } from './rest/update.ts'
import { watch } from './rest/watch.ts'

/** A subresource, or a whole resource that is no stored object, with a handler of its own: binding, eviction, log, reviews. */
export type Part = (context: HandlerContext, request: Request) => Promise<Reply>

export interface HandlerContext {
  readonly rest: Rest
  readonly tables: Tables
  readonly authorize: Authorizer
  /** Why a request is allowed, in words for reviews. */
  readonly why: (attributes: Attributes) => string
  /** By `group/plural/subresource`, or `group/plural` for a resource without storage; `custom/scale` for custom kinds. */
  readonly parts: ReadonlyMap<string, Part>
}

/** The one handler: near and far calls pass the same steps. Throws a Refusal. */
export const createHandler =
  (context: HandlerContext): Handler =>
  async (call) => {
    const attributes: Attributes = attributesOf(call)
    const decision = context.authorize(attributes)
    if (!decision.allowed) throw withWarnings(forbiddenBy(attributes, decision), call.identity)
    const kind = context.rest.registry.find(call.group, call.version, call.resource)
    if (!kind) throw unknownResource(context.rest.registry, call)
    // The routes of built-in kinds have no HEAD.
    if (call.method === 'HEAD' && call.verb !== 'connect' && !kind.custom) throw methodNotAllowed()
    if (kind.namespaced ? call.namespace === undefined && call.name !== undefined : call.namespace !== undefined)
      throw kind.custom ? pageMissing() : notFoundHere()
    // Reviews have no names, and so no routes to them.
    if (call.accept !== undefined && call.name !== undefined && isOnlyCreated(kind) && !call.subresource) throw notFoundHere()
    if (call.misplaced && !isNamedCreate(kind, call)) throw misplaced(kind, call)
    // Within the server, a collection may be removed from all namespaces at once.
    if (call.accept !== undefined && kind.namespaced && call.namespace === undefined) {
      if (!kind.verbs.includes('list')) throw notFoundHere()
      if (call.verb !== 'list' && call.verb !== 'watch') throw kind.custom ? pageMissing() : methodNotAllowed()
    }
    // What nothing could be answered in is refused before anything is done; connections and logs speak for themselves.
    if (call.accept !== undefined && call.verb !== 'connect' && call.subresource !== 'log') formFor(call, kind)
    if (call.name !== undefined) checkName(call.name)
    const mayCreate = () => {
      const create = { ...attributes, verb: 'create' }
      const answer = context.authorize(create)
      if (!answer.allowed) throw forbiddenBy(create, answer)
    }
    const request: Request = { call, kind, dryRun: false, warnings: deprecationsOf(kind), mayCreate }
    if (call.identity.warning) request.warnings.unshift(call.identity.warning)
    let reply: Reply
    try {
      reply = await dispatch(context, request)
    } catch (error) {
      if (error instanceof Refusal && request.warnings.length > 0) error.warnings = request.warnings
      throw error
    }
    const carries = 'watch' in reply || 'status' in reply
    return carries && request.warnings.length > 0 ? { ...reply, warnings: request.warnings } : reply
  }

const withWarnings = (refusal: Refusal, { warning }: Identity): Refusal => {
  if (warning) refusal.warnings = [warning]
  return refusal
}

const isOnlyCreated = ({ verbs }: Kind): boolean => verbs.length === 1 && verbs[0] === 'create'

/** Names that would lead somewhere else in upstream's store. */
const checkName = (name: string): void => {
  const [complaint] = nameIsPathSegment(name, false)
  if (complaint) throw badRequest(`Name parameter invalid: ${JSON.stringify(name)}: ${complaint}`)
}

/** A POST to an object of a custom kind: upstream makes an object of it, under the name that the body says. */
const isNamedCreate = ({ custom }: Kind, { verb, subresource }: Call): boolean => custom && verb === 'create' && subresource === undefined

const misplaced = (kind: Kind, call: Call): Refusal => {
  if (kind.custom && call.name === undefined && (call.verb === 'update' || call.verb === 'patch'))
    return badRequest('name must be provided')
  return known(kind, call) ? methodNotAllowed() : notFoundHere()
}

/** Custom kinds are refused a verb by name, for they have no router that would do it. */
const notSupported = ({ custom, group, plural }: Kind, verb: string): Refusal =>
  custom
    ? new Refusal(405, 'MethodNotAllowed', `${verb} is not supported on resources of kind "${plural}.${group}"`, { group, kind: plural })
    : methodNotAllowed()

/** Whether anything is served at a call's path, whatever the method. */
const known = (kind: Kind, { subresource }: Call): boolean =>
  subresource === undefined || kind.subresources.some((each) => each.name === subresource)

const dispatch = async (context: HandlerContext, request: Request): Promise<Reply> => {
  const { call, kind } = request
  const part = partOf(context, request)
  if (part && !takes(request)) throw notSupported(kind, call.verb)
  if (part) return part(context, request)
  if (call.subresource !== undefined) return dispatchSubresource(context, request)
  const changes = kind.terminating && (call.verb === 'update' || call.verb === 'patch')
  if (!kind.verbs.includes(call.verb) && !changes)
    throw kind.terminating && call.verb === 'create' ? tooLate(kind) : notSupported(kind, call.verb)
  return operate(context, request)
}

const tooLate = ({ group, plural }: Kind): Refusal =>
  new Refusal(405, 'MethodNotAllowed', 'create not allowed while custom resource definition is terminating', { group, kind: plural })

/** Whether a resource or subresource with a handler of its own knows the method. */
const takes = ({ call, kind }: Request): boolean => {
  if (call.subresource === undefined) return kind.verbs.includes(call.verb)
  const facts = kind.subresources.find((each) => each.name === call.subresource)
  const verb = call.verb === 'connect' ? connectVerbs[call.method ?? 'GET'] : call.verb
  return facts === undefined || verb === undefined || facts.verbs.includes(verb)
}

const partOf = ({ parts }: HandlerContext, { call, kind }: Request): Part | undefined => {
  const own = parts.get(
    call.subresource === undefined ? `${kind.group}/${kind.plural}` : `${kind.group}/${kind.plural}/${call.subresource}`,
  )
  return own ?? (kind.scale && call.subresource === 'scale' ? parts.get('custom/scale') : undefined)
}

/** Subresources with the object's own shape. */
const dispatchSubresource = async (context: HandlerContext, request: Request): Promise<Reply> => {
  const { call, kind } = request
  const facts = kind.subresources.find((each) => each.name === call.subresource)
  if ((!facts || facts.kind !== kind.kind) && kind.custom) throw notFound(namedOf(kind), call.name ?? '')
  if (!facts || facts.kind !== kind.kind) throw notFoundHere()
  if (!facts.verbs.includes(call.verb)) throw notSupported(kind, call.verb)
  return operate(context, request)
}

const operate = async ({ rest, tables }: HandlerContext, request: Request): Promise<Reply> => {
  const { call, kind } = request
  switch (call.verb) {
    case 'get':
      return replyEntry(call, kind, await getOne(rest, request), tables)
    case 'list':
      return replyPage(call, await list(rest, request), tables)
    case 'watch':
      return replyWatch(call, kind, await watch(rest, request), tables)
    case 'create':
      return replyEntry(call, kind, await create(rest, request), tables, 201)
    case 'update': {
      const { entry, created } = await update(rest, request)
      return replyEntry(call, kind, entry, tables, created ? 201 : 200)
    }
    case 'patch': {
      const { entry, created } = await patch(rest, request)
      return replyEntry(call, kind, entry, tables, created ? 201 : 200)
    }
    case 'delete': {
      const { entry, gone, accepted } = await remove(rest, request)
      if (!gone || repliesObject.has(`${kind.group}/${kind.plural}`)) return replyEntry(call, kind, entry, tables, accepted ? 202 : 200)
      return replyStatus(call, kind, successStatus(kind, entry.object.metadata))
    }
    case 'deletecollection':
      return replyPage(call, await removeCollection(rest, request), tables)
    case 'connect':
      throw methodNotAllowed()
  }
}

/** Kinds whose delete always answers with the object. */
export const repliesObject: ReadonlySet<string> = new Set([
  '/pods',
  '/services',
  '/serviceaccounts',
  '/podtemplates',
  '/resourcequotas',
  '/persistentvolumes',
  '/persistentvolumeclaims',
  'policy/podsecuritypolicies',
  'storage.k8s.io/storageclasses',
  'storage.k8s.io/csinodes',
  'storage.k8s.io/csidrivers',
  'storage.k8s.io/volumeattachments',
  'storage.k8s.io/volumeattributesclasses',
  'resource.k8s.io/deviceclasses',
  'resource.k8s.io/devicetaintrules',
  'resource.k8s.io/resourceclaims',
  'resource.k8s.io/resourceclaimtemplates',
  'resource.k8s.io/resourceslices',
])

/** The Status of a deletion that was carried out. */
export const successStatus = (kind: Kind, metadata: { readonly name: string; readonly uid: string }): unknown => {
  const { group, resource } = namedOf(kind)
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: { name: metadata.name, ...(group ? { group } : {}), kind: resource, uid: metadata.uid },
  }
}
