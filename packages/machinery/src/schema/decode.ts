import type { FieldSchema, ObjectSchema, Shape } from './schema.ts'

/** Canonicalises scalar formats; given by the caller so that this file knows no quantity or time. */
export interface DecodeFormats {
  /** Canonical text, or throws an Error with upstream's text. Numbers are accepted. */
  quantity(value: string | number): string
  /** Whole seconds or microseconds, UTC; null for the zero time; throws with Go's text. */
  time(text: string, micro: boolean): string | null
  duration(text: string): string
}

export interface Decoded {
  readonly object: Readonly<Record<string, unknown>>
  /** True when the input had fields that the schema does not know; unknownFields names them. */
  readonly hasUnknown: boolean
}

/**
 * Under this key an object names its lists and maps that were sent empty: left out as Go leaves them out when it writes, they are still
 * no nil. It goes along when an object is spread, and whatever walks fields by name never meets it.
 */
export const sentEmpty = Symbol('sent empty')

/** True when the object's list or map was sent without anything in it. */
export const wasSentEmpty = (object: object | undefined, field: string): boolean =>
  (object as { readonly [sentEmpty]?: readonly string[] } | undefined)?.[sentEmpty]?.includes(field) === true

/** Under this key a map of amounts keeps the texts that were sent, where they are not the canonical ones. It goes along as sentEmpty does. */
export const sentTexts = Symbol('sent texts')

/** What was sent as the amount of that name; nothing for null. */
export const sentAmount = (amounts: Readonly<Record<string, string>> | undefined, name: string): string | undefined =>
  (amounts as { readonly [sentTexts]?: ReadonlyMap<string, string> } | undefined)?.[sentTexts]?.get(name) ?? amounts?.[name]

/** A value of the wrong JSON type or format: the text is Go's, without the words before it. */
export class DecodeError extends Error {}

interface State {
  readonly formats: DecodeFormats
  unknown: boolean
  /** Field names from the root, for error texts. */
  readonly path: string[]
  /** The struct type whose field is being read. */
  struct: string
}

/**
 * Reads wire JSON by a schema: types are checked, unknown fields dropped, empty values that Go does not keep left out, constant
 * defaults filled in, quantities and times put into canonical form. One walk; the input is never changed and its leaves are shared.
 */
export const decodeObject = (schema: ObjectSchema, input: Readonly<Record<string, unknown>>, formats: DecodeFormats): Decoded => {
  const state: State = { formats, unknown: false, path: [], struct: schema.name }
  const object = readObject(schema, input, state)
  return { object, hasUnknown: state.unknown }
}

const readObject = (schema: ObjectSchema, input: Readonly<Record<string, unknown>>, state: State): Record<string, unknown> => {
  const out: Record<string, unknown> = {}
  const outer = state.struct
  state.struct = schema.name
  let met = 0
  const { fields } = schema
  for (let index = 0; index < fields.length; index++) {
    const field = fields[index] as FieldSchema
    let value = input[field.name]
    if (value !== undefined) {
      met++
      if (value !== null) {
        state.path.push(field.name)
        value = readValue(field.shape, value, state)
        state.path.pop()
        // An empty struct that Go always writes is left out all the same: sent or not, it has to compare equal.
        // A raw value that is empty is there all the same.
        // Go sees no difference between an empty value and none where it holds no pointer: a default takes its place.
        const staysEmpty = field.keepEmpty || field.shape.is === 'any' || (field.zero !== undefined && field.fallback === undefined)
        if (value !== null && (staysEmpty || !isEmpty(value))) {
          out[field.name] = value
          continue
        }
        if (field.shape.is === 'array' || field.shape.is === 'map') noteEmpty(out, field.name)
        else if (field.shape.is === 'object') for (const inner of emptiesOf(value)) noteEmpty(out, `${field.name}.${inner}`)
      }
    }
    if (field.fallback !== undefined) out[field.name] = field.fallback
    else if (field.zero !== undefined) out[field.name] = field.zero
  }
  if (!state.unknown) {
    let keys = 0
    for (const key in input) if (input[key] !== undefined) keys++
    if (keys !== met) state.unknown = true
  }
  state.struct = outer
  return out
}

/** Those of an object that is left out itself, for want of anything else in it. */
const emptiesOf = (value: unknown): readonly string[] => (value as { readonly [sentEmpty]?: readonly string[] } | null)?.[sentEmpty] ?? []

const noteEmpty = (out: { [sentEmpty]?: string[] }, name: string): void => {
  out[sentEmpty] = [...(out[sentEmpty] ?? []), name]
}

/** What Go's omitempty leaves out; an object stays, since a struct by value is no empty value. */
const isEmpty = (value: unknown): boolean => {
  if (value === '' || value === 0 || value === false) return true
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(value)) return value.length === 0
  for (const _ in value) return false
  return true
}

const readValue = (shape: Shape, value: unknown, state: State): unknown => {
  switch (shape.is) {
    case 'string':
      return typeof value === 'string' ? value : mismatch(value, 'string', state)
    case 'object':
      return isRecord(value) ? readObject(shape.schema, value, state) : mismatch(value, `v1.${shape.schema.name}`, state)
    case 'array':
      return readArray(shape.items, value, state)
    case 'map':
      return readMap(shape.values, value, state)
    case 'integer':
      return readInteger(shape.bits, value, state)
    case 'boolean':
      return typeof value === 'boolean' ? value : mismatch(value, 'bool', state)
    case 'number':
      return typeof value === 'number' ? value : typeof value === 'bigint' ? Number(value) : mismatch(value, 'float64', state)
    case 'bytes':
      return readBytes(value, state)
    case 'time':
      return typeof value === 'string' ? formatted(() => state.formats.time(value, shape.micro)) : mismatch(value, 'string', state)
    case 'duration':
      return typeof value === 'string' ? formatted(() => state.formats.duration(value)) : mismatch(value, 'string', state)
    case 'quantity':
      return typeof value === 'string' || typeof value === 'number'
        ? formatted(() => state.formats.quantity(value))
        : mismatch(value, 'string', state)
    case 'intOrString':
      return typeof value === 'string' ? value : readInteger(32, value, state)
    case 'schemaOr':
      return readSchemaOr(shape, value, state)
    case 'any':
      return value
  }
}

/** Go's type takes anything in place of a list as nothing at all, but no other word for a boolean. */
const readSchemaOr = ({ other, schema }: Extract<Shape, { is: 'schemaOr' }>, value: unknown, state: State): unknown => {
  if (isRecord(value)) return readObject(schema, value, state)
  if (other === 'bool') {
    if (typeof value === 'boolean') return value
    throw new DecodeError('boolean or JSON schema expected')
  }
  if (!Array.isArray(value)) return null
  return readArray(other === 'strings' ? { is: 'string' } : { is: 'object', schema }, value, state)
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const formatted = (read: () => string | null): string | null => {
  try {
    return read()
  } catch (error) {
    throw new DecodeError((error as Error).message)
  }
}

const readArray = (items: Shape, value: unknown, state: State): unknown => {
  if (!Array.isArray(value)) return mismatch(value, `[]${goType(items)}`, state)
  const out: unknown[] = new Array(value.length)
  for (let index = 0; index < value.length; index++) {
    const element = value[index]
    out[index] =
      element !== null ? readValue(items, element, state) : items.is === 'object' ? readObject(items.schema, {}, state) : zeroOf(items)
  }
  return out
}

const readMap = (values: Shape, value: unknown, state: State): unknown => {
  if (!isRecord(value)) return mismatch(value, `map[string]${goType(values)}`, state)
  if (values.is === 'any') return value
  if (values.is === 'string') {
    let whole = true
    for (const key in value) if (typeof value[key] !== 'string') whole = false
    if (whole) return value
  }
  const out: Record<string, unknown> = Object.create(null)
  for (const key of Object.keys(value)) {
    const given = value[key]
    out[key] = given === null ? zeroOf(values) : readValue(values, given, state)
    if (values.is === 'quantity' && given !== out[key]) noteText(out, key, String(given ?? ''))
  }
  return out
}

const noteText = (out: { [sentTexts]?: Map<string, string> }, name: string, text: string): void => {
  out[sentTexts] ??= new Map()
  out[sentTexts].set(name, text)
}

const zeroOf = (shape: Shape): unknown => {
  switch (shape.is) {
    case 'string':
    case 'bytes':
      return ''
    case 'integer':
    case 'number':
    case 'intOrString':
      return 0
    case 'boolean':
      return false
    case 'quantity':
      return '0'
    case 'object':
    case 'map':
      return {}
    default:
      return null
  }
}

const readInteger = (bits: 32 | 64, value: unknown, state: State): unknown => {
  if (typeof value === 'bigint') {
    if (bits === 64 && BigInt.asIntN(64, value) === value) return value
    return mismatch(value, `int${bits}`, state, ` ${value}`)
  }
  if (typeof value !== 'number') return mismatch(value, `int${bits}`, state)
  if (!Number.isInteger(value) || Math.abs(value) >= 2 ** 63 || (bits === 32 && (value > 2147483647 || value < -2147483648)))
    return mismatch(value, `int${bits}`, state, ` ${value}`)
  return value
}

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const readBytes = (value: unknown, state: State): unknown => {
  if (typeof value !== 'string') return mismatch(value, '[]uint8', state)
  const text = /[\r\n]/.test(value) ? value.replace(/[\r\n]/g, '') : value
  if (!base64.test(text)) throw new DecodeError(`illegal base64 data at input byte ${firstBadByte(text)}`)
  return text
}
const firstBadByte = (text: string): number => {
  const bad = text.search(/[^A-Za-z0-9+/]/)
  return bad < 0 ? text.length - (text.length % 4) : bad
}

const goType = (shape: Shape): string => {
  switch (shape.is) {
    case 'integer':
      return `int${shape.bits}`
    case 'boolean':
      return 'bool'
    case 'number':
      return 'float64'
    case 'bytes':
      return '[]uint8'
    case 'array':
      return `[]${goType(shape.items)}`
    case 'map':
      return `map[string]${goType(shape.values)}`
    case 'object':
      return `v1.${shape.schema.name}`
    default:
      return 'string'
  }
}

const jsonType = (value: unknown): string => {
  if (Array.isArray(value)) return 'array'
  switch (typeof value) {
    case 'boolean':
      return 'bool'
    case 'bigint':
      return 'number'
    case 'object':
      return 'object'
    default:
      return typeof value
  }
}

const mismatch = (value: unknown, type: string, state: State, detail = ''): never => {
  const field = state.path.length ? ` Go struct field ${state.struct}.${state.path.join('.')} of type` : ' Go value of type'
  throw new DecodeError(`json: cannot unmarshal ${jsonType(value)}${detail} into${field} ${type}`)
}

/** The unknown fields of `input` as strict decoding names them: in the input's order, an object's own before those within it. */
export const unknownFields = (schema: ObjectSchema, input: Readonly<Record<string, unknown>>): string[] => {
  const found: string[] = []
  const walk = (shape: Shape, value: unknown, path: string): void => {
    if (shape.is === 'array' && Array.isArray(value))
      for (const [index, each] of value.entries()) walk(shape.items, each, `${path}[${index}]`)
    else if (shape.is === 'map' && isRecord(value)) for (const key of Object.keys(value)) walk(shape.values, value[key], `${path}.${key}`)
    else if ((shape.is === 'object' || shape.is === 'schemaOr') && isRecord(value)) walkObject(shape.schema, value, path)
    else if (shape.is === 'schemaOr' && Array.isArray(value))
      for (const [index, each] of value.entries()) walk(shape, each, `${path}[${index}]`)
  }
  const walkObject = (of: ObjectSchema, value: Readonly<Record<string, unknown>>, path: string): void => {
    const inner = (key: string) => (path === '' ? key : `${path}.${key}`)
    for (const key of Object.keys(value)) if (!of.byName.has(key)) found.push(`unknown field ${JSON.stringify(inner(key))}`)
    for (const key of Object.keys(value)) {
      const field = of.byName.get(key)
      if (field) walk(field.shape, value[key], inner(key))
    }
  }
  walkObject(schema, input, '')
  return found
}
