import { encodeJson, encodePart } from '../json/encode.ts'
import { sortedKeys } from '../json/value.ts'
import type { FieldSchema, ObjectSchema, Shape } from './schema.ts'

/** An encoded object without its resourceVersion, and where that belongs: the store assigns it after the encoding. */
export interface EncodedObject {
  readonly text: string
  /** Index in `text` behind metadata.uid's comma. */
  readonly versionAt: number
}

/**
 * Writes an object as Go's encoder writes the type: fields in the type's order, map keys sorted, unset fields that Go writes
 * nevertheless, HTML-safe strings. metadata.resourceVersion is left out; see withVersion.
 */
export const encodeObject = (schema: ObjectSchema, object: Readonly<Record<string, unknown>>): EncodedObject => {
  const text = writeObject(schema, object, true)
  const uid = text.indexOf('"uid":"')
  return { text, versionAt: uid < 0 ? -1 : text.indexOf('"', uid + 7) + 2 }
}

/** Any value of a schema's type, with everything in it. */
export const encodeValue = (schema: ObjectSchema, value: Readonly<Record<string, unknown>>): string => writeObject(schema, value, false)

/** Where the version of stored text belongs; -1 for an object without a uid. ObjectMeta writes nothing with quotes before its uid. */
export const versionPlace = (text: string): number => {
  const uid = text.indexOf('"uid":"')
  return uid < 0 ? -1 : text.indexOf('"', uid + 7) + 2
}

export const withVersion = (encoded: EncodedObject, revision: number | string): string =>
  encoded.versionAt < 0
    ? encoded.text
    : `${encoded.text.slice(0, encoded.versionAt)}"resourceVersion":"${revision}",${encoded.text.slice(encoded.versionAt)}`

const writeObject = (schema: ObjectSchema, object: Readonly<Record<string, unknown>>, root: boolean): string => {
  let out = ''
  const { fields } = schema
  for (let index = 0; index < fields.length; index++) {
    const field = fields[index] as FieldSchema
    const value = object[field.name]
    if (value === undefined || value === null) {
      if (field.unset !== undefined) out += `${out === '' ? '' : ','}"${field.name}":${field.unset}`
      continue
    }
    const text =
      root && field.name === 'metadata'
        ? writeMeta(field.shape, value as Readonly<Record<string, unknown>>)
        : writeValue(field.shape, value)
    out += out === '' ? `"${field.name}":${text}` : `,"${field.name}":${text}`
  }
  return `{${out}}`
}

const writeMeta = (shape: Shape, meta: Readonly<Record<string, unknown>>): string => {
  if (shape.is !== 'object') return encodeJson(meta)
  if (meta.resourceVersion === undefined) return writeObject(shape.schema, meta, false)
  return writeObject(shape.schema, { ...meta, resourceVersion: undefined }, false)
}

const awkward = /["\\\u0000-\u001f<>&\u2028\u2029\ud800-\udfff]/
/** One string literal. */
const writeString = (text: string): string => (awkward.test(text) ? encodeJson(text) : `"${text}"`)

const writeValue = (shape: Shape, value: unknown): string => {
  switch (shape.is) {
    case 'object':
      return writeObject(shape.schema, value as Readonly<Record<string, unknown>>, false)
    case 'array': {
      if (!Array.isArray(value)) return 'null'
      let out = ''
      for (let index = 0; index < value.length; index++) {
        const text = writeValue(shape.items, value[index])
        out += index === 0 ? text : `,${text}`
      }
      return `[${out}]`
    }
    case 'map':
      return writeMap(shape.values, value as Readonly<Record<string, unknown>>)
    case 'schemaOr':
      if (Array.isArray(value)) return `[${value.map((each) => writeValue(shape, each)).join(',')}]`
      return typeof value === 'object' && value !== null
        ? writeObject(shape.schema, value as Readonly<Record<string, unknown>>, false)
        : encodePart(value)
    case 'any':
      return encodePart(value)
    default:
      if (typeof value === 'string') return writeString(value)
      return value === null ? 'null' : String(value)
  }
}

const writeMap = (values: Shape, map: Readonly<Record<string, unknown>>): string => {
  const keys = sortedKeys(map)
  let out = ''
  for (let index = 0; index < keys.length; index++) {
    const key = keys[index] as string
    const text = `${writeString(key)}:${writeValue(values, map[key])}`
    out += index === 0 ? text : `,${text}`
  }
  return `{${out}}`
}
