import { isJsonArray, isJsonObject, type Json, type JsonObject, ownValue } from '../json/value.ts'
import { keyElement, valueElement } from './path-element.ts'

/** How a value is merged and who can hold which part of it: structured-merge-diff's schema. */
export type Typed =
  | { readonly is: 'scalar'; readonly of: 'string' | 'number' | 'boolean' | 'any' }
  /** Held as a whole; `within` only says what may be in it. */
  | { readonly is: 'atomic'; readonly within: Typed }
  | TypedObject
  /** A list whose elements are told apart by their keys. */
  | KeyedList
  /** A list of scalars, each at most once. */
  | { readonly is: 'set'; readonly items: Typed }
  /** Only within atomic: a list without identity of its elements. */
  | { readonly is: 'list'; readonly items: Typed }
  /** No schema: maps are held by key, everything else as a whole. */
  | { readonly is: 'free' }

export interface TypedObject {
  readonly is: 'object'
  named(name: string): Typed | undefined
  /** Of keys without a name: a map's values, or what an open object lets through. Undefined: there may be none. */
  readonly rest: Typed | undefined
  /** What Go writes for fields that are absent: they count as there. */
  readonly implied: readonly (readonly [name: string, value: Json])[]
}

export interface KeyedList {
  readonly is: 'keyed'
  readonly keys: readonly { readonly name: string; readonly fallback: Json | undefined }[]
  readonly items: Typed
}

const free: Typed = { is: 'free' }
const freeObject: TypedObject = { is: 'object', named: () => undefined, rest: free, implied: [] }
const freeScalar: Typed = { is: 'scalar', of: 'any' }
const freeList: Typed = { is: 'atomic', within: { is: 'list', items: free } }

/** The type that counts for a value: what has no schema takes its form from the value. */
export const typeFor = (type: Typed, value: Json | undefined): Typed => {
  if (type.is !== 'free') return type
  return isJsonObject(value) ? freeObject : isJsonArray(value) ? freeList : freeScalar
}

/** A key's type; undefined for one that the schema does not know. */
export const typeOfKey = (type: TypedObject, name: string): Typed | undefined => type.named(name) ?? type.rest

/** The fields of an object, the implied ones included. */
export const fieldsOf = (type: TypedObject, value: JsonObject): string[] => {
  const names = Object.keys(value).filter((name) => value[name] !== undefined)
  for (const [name] of type.implied) if (value[name] === undefined) names.push(name)
  return names
}

export const fieldValue = (type: TypedObject, value: JsonObject, name: string): Json | undefined => {
  const own = ownValue(value, name)
  if (own !== undefined || type.implied.length === 0) return own
  return type.implied.find(([implied]) => implied === name)?.[1]
}

/** The path element of a list's item; throws an Error in upstream's words where it has none. */
export const elementOf = (type: KeyedList | { readonly is: 'set' }, item: Json): string => {
  if (type.is === 'set') {
    if (isJsonObject(item)) throw new Error("associative list without keys has an element that's a map type")
    if (isJsonArray(item)) throw new Error('not supported: associative list with lists as elements')
    if (item === null) throw new Error("associative list without keys has an element that's an explicit null")
    return valueElement(item)
  }
  if (item === null) throw new Error('associative list with keys may not have a null element')
  if (!isJsonObject(item)) throw new Error('associative list with keys may not have non-map elements')
  const key: Record<string, Json> = {}
  for (const { name, fallback } of type.keys) {
    const value = ownValue(item, name) ?? fallback
    if (value === undefined)
      throw new Error(
        `associative list with keys has an element that omits key field ${JSON.stringify(name)} (and doesn't have default value)`,
      )
    key[name] = value
  }
  return keyElement(key)
}
