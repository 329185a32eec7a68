import type { ObjectReference, Resource } from '@skiff/api'
import type { Draft, ListValue, PatchType, Query, Target } from '@skiff/client'
import type { KubeObject } from '@skiff/machinery'
import { isRefusal } from '@skiff/machinery'

export type Steps = readonly Step[]

/** What follows a step, decided by how it went. Both are as pure as the plan they belong to. */
export interface Follow<V> {
  readonly done?: (value: V) => Steps
  /** Undefined: not handled here, the plan fails and is made again after a back-off. */
  readonly failed?: (error: unknown) => Steps | undefined
}
interface Following {
  readonly done?: (value: never) => Steps
  readonly failed?: (error: unknown) => Steps | undefined
}

export interface CreateStep extends Following {
  readonly do: 'create'
  readonly resource: Resource
  readonly object: Draft<KubeObject>
  /** For parts that are made, such as tokens. */
  readonly target?: Target
}
export interface UpdateStep extends Following {
  readonly do: 'update'
  readonly resource: Resource
  readonly object: KubeObject
  readonly subresource?: string
}
export interface PatchStep extends Following {
  readonly do: 'patch'
  readonly resource: Resource
  readonly target: Target
  readonly type: PatchType
  readonly patch: unknown
}
export interface RemoveOptions {
  readonly propagationPolicy?: 'Orphan' | 'Foreground' | 'Background'
  readonly gracePeriodSeconds?: number
  /** Refuse when the object is no longer exactly this one; its uid is always a precondition. */
  readonly sameVersion?: boolean
}
export interface RemoveStep extends Following {
  readonly do: 'remove'
  readonly resource: Resource
  readonly object: KubeObject
  readonly options: RemoveOptions
}
export interface ClearStep extends Following {
  readonly do: 'clear'
  readonly resource: Resource
  readonly namespace: string
}
/** A read past the views, for what must not be decided on old news. `done` gets undefined for what is not there. */
export interface ReadStep extends Following {
  readonly do: 'read'
  readonly resource: Resource
  readonly target: Target
}
/** A question to an API whose answers are made and not stored, such as metrics or a scale: what is not there is a failure. */
export interface FetchStep extends Following {
  readonly do: 'fetch'
  readonly verb: 'get' | 'list'
  readonly resource: Resource
  readonly target: Target
  readonly query: Query
}
export interface ListStep extends Following {
  readonly do: 'list'
  readonly resource: Resource
  readonly namespace: string
}
export interface EventStep {
  readonly do: 'event'
  readonly about: KubeObject | ObjectReference
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  readonly message: string
}
/** Plan this key again after `afterMs`, whatever happens before. */
export interface RequeueStep {
  readonly do: 'requeue'
  readonly afterMs: number
}
export interface TogetherStep {
  readonly do: 'together'
  readonly steps: Steps
  /** In batches of 1, 2, 4 and so on; a batch with a failure is the last one, so that a quota is hit once and not 500 times. */
  readonly slowStart: boolean
  /** Given, it answers for the failures; else the first one fails the plan, once all steps have ended. */
  readonly after?: (outcomes: readonly Outcome[]) => Steps
}
/** Steps that keep their order within a `together`. */
export interface InOrderStep {
  readonly do: 'in order'
  readonly steps: Steps
}
/** Ends the plan as failed: what it did stays, and the key is planned again after a back-off. */
export interface FailStep {
  readonly do: 'fail'
  readonly error: unknown
}
/** Something that is no API object, such as signing. Its result is decided on in `done`. */
export interface AskStep extends Following {
  readonly do: 'ask'
  readonly what: string
  readonly ask: () => Promise<unknown>
}

/** A plan's steps run one after the other; those of a `together` at once. */
export type Step =
  | CreateStep
  | UpdateStep
  | PatchStep
  | RemoveStep
  | ClearStep
  | ReadStep
  | FetchStep
  | ListStep
  | EventStep
  | RequeueStep
  | TogetherStep
  | InOrderStep
  | FailStep
  | AskStep

/** How one step of a `together` went; `skipped` where slow start ended before it. */
export interface Outcome {
  readonly step: Step
  readonly error?: unknown
  readonly skipped?: true
}

export const create = <T extends KubeObject>(resource: Resource<T>, object: Draft<T>, follow: Follow<T> = {}): CreateStep => ({
  do: 'create',
  resource,
  object: object as unknown as Draft<KubeObject>,
  ...follow,
})
export const update = <T extends KubeObject>(resource: Resource<T>, object: T, follow: Follow<T> = {}): UpdateStep => ({
  do: 'update',
  resource,
  object,
  ...follow,
})
export const updatePart = <T extends KubeObject>(
  resource: Resource<T>,
  subresource: string,
  object: T,
  follow: Follow<T> = {},
): UpdateStep => ({ do: 'update', resource, object, subresource, ...follow })
export const updateStatus = <T extends KubeObject>(resource: Resource<T>, object: T, follow: Follow<T> = {}): UpdateStep =>
  updatePart(resource, 'status', object, follow)
export const patch = <T extends KubeObject>(
  resource: Resource<T>,
  target: Target,
  type: PatchType,
  change: unknown,
  follow: Follow<T> = {},
): PatchStep => ({ do: 'patch', resource, target, type, patch: change, ...follow })
export const remove = <T extends KubeObject>(
  resource: Resource<T>,
  object: T,
  options: RemoveOptions = {},
  follow: Follow<unknown> = {},
): RemoveStep => ({ do: 'remove', resource, object, options, ...follow })
export const clear = (resource: Resource, namespace: string, follow: Follow<unknown> = {}): ClearStep => ({
  do: 'clear',
  resource,
  namespace,
  ...follow,
})
export const read = <T extends KubeObject>(resource: Resource<T>, target: Target, follow: Follow<T | undefined>): ReadStep => ({
  do: 'read',
  resource,
  target,
  ...follow,
})
export const fetch = (question: Pick<FetchStep, 'verb' | 'resource' | 'target' | 'query'>, follow: Follow<unknown>): FetchStep => ({
  do: 'fetch',
  verb: question.verb,
  resource: question.resource,
  target: question.target,
  query: question.query,
  ...follow,
})
export const list = <T extends KubeObject>(resource: Resource<T>, namespace: string, follow: Follow<ListValue<T>>): ListStep => ({
  do: 'list',
  resource,
  namespace,
  ...follow,
})
export const event = (about: KubeObject | ObjectReference, type: 'Normal' | 'Warning', reason: string, message: string): EventStep => ({
  do: 'event',
  about,
  type,
  reason,
  message,
})
export const requeue = (afterMs: number): RequeueStep => ({ do: 'requeue', afterMs })
export const inOrder = (steps: Steps): InOrderStep => ({ do: 'in order', steps })
export const fail = (error: unknown): FailStep => ({ do: 'fail', error })
export const together = (
  steps: Steps,
  options: { readonly slowStart?: boolean; readonly after?: (outcomes: readonly Outcome[]) => Steps } = {},
): TogetherStep => ({ do: 'together', steps, slowStart: options.slowStart ?? false, ...(options.after ? { after: options.after } : {}) })
export const ask = <V>(what: string, question: () => Promise<V>, follow: Follow<V>): AskStep => ({
  do: 'ask',
  what,
  ask: question,
  ...follow,
})

/** Where an object is. */
export const targetOf = ({ metadata }: KubeObject): Target => ({
  ...(metadata.namespace !== undefined ? { namespace: metadata.namespace } : {}),
  name: metadata.name,
})

/** A create that was refused because its namespace is going away: nothing to repeat. */
export const isNamespaceTerminating = (error: unknown): boolean =>
  isRefusal(error, 403) &&
  (error.status.details?.causes?.some((cause) => cause.reason === 'NamespaceTerminating') === true ||
    error.message.includes('because it is being terminated'))

/** What went wrong as a sentence, for events and conditions. */
export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
