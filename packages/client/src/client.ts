import type { Resource } from '@skiff/api'
import type { KubeObject } from '@skiff/machinery'
import { Refusal } from '@skiff/machinery'
import type { Call, Frame, Handler, Identity, ListValue, Query, Verb } from './call.ts'

/** Where an object lives. `namespace` is left out for cluster-scoped resources. */
export interface Target {
  readonly namespace?: string
  readonly name?: string
  readonly subresource?: string
}

export type PatchType = 'json' | 'merge' | 'strategic' | 'apply'
const patchMediaTypes: Record<PatchType, string> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
}

/** An object on its way to the server: what the server fills in may be absent. */
export type Draft<T extends KubeObject> = Omit<T, 'metadata' | 'apiVersion' | 'kind'> & {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata: Partial<T['metadata']>
}

export interface RequestOptions {
  readonly query?: Query
  readonly signal?: AbortSignal
}

/** The typed way to call a handler, near or far. Every method throws a Refusal when the server refuses. */
export interface Client {
  readonly identity: Identity
  get<T extends KubeObject>(resource: Resource<T>, target: Target, options?: RequestOptions): Promise<T>
  list<T extends KubeObject>(resource: Resource<T>, target?: Target, options?: RequestOptions): Promise<ListValue<T>>
  /** Frames in batches, until the server or `signal` ends the watch. */
  watch<T extends KubeObject>(resource: Resource<T>, target?: Target, options?: RequestOptions): Promise<AsyncIterable<readonly Frame<T>[]>>
  /** The name and namespace come from the object's metadata; a subresource may be named (binding, eviction, token). */
  create<T extends KubeObject>(resource: Resource<T>, object: Draft<T>, target?: Target, options?: RequestOptions): Promise<T>
  /** `target.subresource` for status and the like; name and namespace come from the object. */
  update<T extends KubeObject>(resource: Resource<T>, object: T, target?: Target, options?: RequestOptions): Promise<T>
  patch<T extends KubeObject>(resource: Resource<T>, target: Target, type: PatchType, patch: unknown, options?: RequestOptions): Promise<T>
  /** `body` is DeleteOptions: preconditions, propagationPolicy, gracePeriodSeconds. */
  remove<T extends KubeObject>(resource: Resource<T>, target: Target, body?: unknown, options?: RequestOptions): Promise<unknown>
  removeCollection<T extends KubeObject>(resource: Resource<T>, target: Target, body?: unknown, options?: RequestOptions): Promise<unknown>
  /** The same client under another identity (near) or an error (far). */
  as(identity: Identity): Client
  readonly handler: Handler
}

/** A client that sends its calls to `handler` as `identity`. */
export const connect = (handler: Handler, identity: Identity, userAgent?: string): Client => {
  const call = (verb: Verb, resource: Resource, target: Target, options: RequestOptions | undefined, body?: Call['body']): Call => ({
    verb,
    group: resource.group,
    version: resource.version,
    resource: resource.plural,
    query: options?.query ?? {},
    identity,
    ...(resource.namespaced && target.namespace !== undefined ? { namespace: target.namespace } : {}),
    ...(target.name !== undefined ? { name: target.name } : {}),
    ...(target.subresource !== undefined ? { subresource: target.subresource } : {}),
    ...(options?.signal ? { signal: options.signal } : {}),
    ...(body ? { body } : {}),
    ...(userAgent ? { userAgent } : {}),
  })
  const value = async <T>(request: Call): Promise<T> => {
    const reply = await handler(request)
    if ('object' in reply && reply.object !== undefined) return reply.object as T
    throw new Refusal(500, 'InternalError', 'the reply to this call holds no object')
  }
  const named = (resource: Resource, object: { metadata: { namespace?: string; name?: string } }, target: Target = {}): Target => ({
    ...(resource.namespaced && object.metadata.namespace !== undefined ? { namespace: object.metadata.namespace } : {}),
    ...(object.metadata.name !== undefined ? { name: object.metadata.name } : {}),
    ...target,
  })
  const withKind = (resource: Resource, object: object): object => ({
    apiVersion: resource.group === '' ? resource.version : `${resource.group}/${resource.version}`,
    kind: resource.kind,
    ...object,
  })
  const client: Client = {
    identity,
    handler,
    get: (resource, target, options) => value(call('get', resource, target, options)),
    list: (resource, target = {}, options) => value(call('list', resource, target, options)),
    watch: async (resource, target = {}, options) => {
      const reply = await handler(call('watch', resource, target, options))
      if (!('watch' in reply)) throw new Refusal(500, 'InternalError', 'the reply to this call is no watch')
      return reply.watch as AsyncIterable<readonly Frame<never>[]>
    },
    create: (resource, object, target, options) => {
      const where = named(resource, object, target)
      const { name, ...collection } = where
      const body = { object: target?.subresource ? object : withKind(resource, object) }
      return value(
        call(
          'create',
          resource,
          target?.subresource ? { ...collection, ...(name !== undefined ? { name } : {}) } : collection,
          options,
          body,
        ),
      )
    },
    update: (resource, object, target, options) =>
      value(call('update', resource, named(resource, object, target), options, { object: withKind(resource, object) })),
    patch: (resource, target, type, patch, options) =>
      value(call('patch', resource, target, options, { object: patch, contentType: patchMediaTypes[type] })),
    remove: (resource, target, body, options) =>
      value(call('delete', resource, target, options, body === undefined ? undefined : { object: body })),
    removeCollection: (resource, target, body, options) =>
      value(call('deletecollection', resource, target, options, body === undefined ? undefined : { object: body })),
    as: (other) => connect(handler, other, userAgent),
  }
  return client
}
