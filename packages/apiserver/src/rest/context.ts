import type { Gates, Kind } from '@skiff/api'
import type { Call } from '@skiff/client'
import type { Env, KubeObject } from '@skiff/machinery'
import { isRefusal, type Named, Refusal } from '@skiff/machinery'
import type { Admission } from '../admission/admission.ts'
import type { Registry } from '../registry/registry.ts'
import type { Storage } from '../registry/storage.ts'
import type { Identifiers } from './identifiers.ts'

/** What every operation needs. */
export interface Rest {
  readonly registry: Registry
  readonly storage: Storage
  readonly admission: Admission
  readonly env: Env
  readonly gates: Gates
  readonly identifiers: Identifiers
  /** Work on the side of a write that must not fail with it: address allocation and its release. */
  readonly hooks: WriteHooks
}

/** Kinds whose writes take or give back something besides the object: cluster IPs, node ports. Undefined for all other kinds. */
export interface WriteHooks {
  /** Before the object is validated. */
  beforeWrite(kind: Kind, next: KubeObject, old: KubeObject | undefined, dryRun: boolean): Promise<Reserved> | undefined
  /** The object is gone for good; `gone` is its last state. */
  afterRemove(kind: Kind, gone: KubeObject): Promise<void> | undefined
}

/** What a write took besides the object. Just one of the two is called, once. */
export interface Reserved {
  /** With what was allocated. */
  readonly object: KubeObject
  /** The write failed, or was none: what was taken goes back. */
  readonly undo: () => Promise<void>
  /** The write is done: what the old object had and the new one has not is given back. */
  readonly done: () => Promise<void>
}

/**
 * A write between what it takes and what becomes of that. `isDone` of a result: the write took place. After an error that is no
 * refusal nobody knows whether it did: what was taken stays so, until a repair loop finds that nobody has it.
 */
export const settled = async <T>(reserved: Reserved, write: () => Promise<T>, isDone: (result: T) => boolean): Promise<T> => {
  let result: T
  try {
    result = await write()
  } catch (error) {
    if (isRefusal(error)) await reserved.undo()
    throw error
  }
  await (isDone(result) ? reserved.done() : reserved.undo())
  return result
}

/** A call whose resource is known. */
export interface Request {
  readonly call: Call
  readonly kind: Kind
  readonly dryRun: boolean
  /** The change is a part's own and already what is to be stored: no strategy shapes it. */
  readonly prepared?: boolean
  /** The query's fieldManager; '' or absent where it names none. */
  readonly fieldManager?: string
  /** The subresource that managedFields name, where the write itself goes to the object: scale. */
  readonly trackedAs?: string
  /** The object's managedFields say already who holds what after this write. */
  readonly tracked?: boolean
  /** Refuses a caller who may not create: asked when an update or an apply finds nothing to change and makes the object instead. */
  readonly mayCreate?: () => void
  /** Texts of Warning headers gathered on the way. */
  readonly warnings: string[]
}

/** The resource as refusals name it: as it was asked for. */
export const namedOf = (kind: Kind): Named => {
  const { group, plural } = kind.askedAs ?? kind
  return { group, resource: plural }
}

/** A request whose object has been converted to the stored version: from there on, that version's rules hold. */
export const writtenRequest = (request: Request): Request => {
  const { writtenAs } = request.kind
  return writtenAs ? { ...request, kind: writtenAs } : request
}

/** The key of the object that a call names. */
export const keyOfCall = (kind: Kind, call: Call): string =>
  kind.namespaced ? `${call.namespace ?? ''}/${call.name ?? ''}` : (call.name ?? '')

export const queryValue = (call: Call, name: string): string | undefined => {
  const value = call.query[name]
  return typeof value === 'string' ? value : value?.[0]
}

/** A query flag as apimachinery's conversion reads it: present and neither "false" nor "0". */
export const queryFlag = (call: Call, name: string): boolean => {
  const value = queryValue(call, name)
  return value !== undefined && value !== '0' && value.toLowerCase() !== 'false'
}

const longBytes = 128 * 1024
/** Others have their turn. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Whether a write's body is long, or the object that it changes. */
export const isLong = ({ body }: Call, held?: { readonly bytes: Uint8Array }): boolean =>
  (body !== undefined && 'bytes' in body && body.bytes.length > longBytes) || (held !== undefined && held.bytes.length > longBytes)

/** Between two steps of a write whose body is long, or the object that it changes, where others have their turn; undefined for all other writes. */
export const betweenSteps = (call: Call, held?: { readonly bytes: Uint8Array }): Promise<void> | undefined =>
  isLong(call, held) ? turn() : undefined

export const methodNotAllowed = (): Refusal =>
  new Refusal(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {})
