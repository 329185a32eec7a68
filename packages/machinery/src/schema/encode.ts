import { encodeJson, encodePart, encodeSortedJson } from '../json/encode.ts'
import { sortedKeys } from '../json/value.ts'
import * as wire from '../json/wire-bytes.ts'
import type { FieldSchema, ObjectSchema, Shape } from './schema.ts'

type Fields = Readonly<Record<string, unknown>>

/** An encoded object without its resourceVersion, and where that belongs: the store assigns it after the encoding. */
export interface EncodedObject {
  /** UTF-8, in memory shared with other short-lived values: who keeps it copies it. */
  readonly bytes: Buffer
  /** Index in `bytes` behind metadata.uid's comma; -1 for an object without a uid. */
  readonly versionAt: number
}

let versionAt = -1

/**
 * Writes an object as Go's encoder writes the type: fields in the type's order, map keys sorted, unset fields that Go writes
 * nevertheless, HTML-safe strings. metadata.resourceVersion is left out; see withVersion.
 */
export const encodeObject = (schema: ObjectSchema, object: Fields): EncodedObject => {
  wire.begin()
  versionAt = -1
  writeFields(schema, object, 'whole')
  return { bytes: wire.end(), versionAt }
}

/** An object whose fields beyond apiVersion, kind and metadata have no type: Go keeps them in maps, and writes these by their keys. */
export const encodeUntyped = (metaSchema: ObjectSchema, { apiVersion, kind, metadata, ...fields }: Fields): EncodedObject => {
  wire.begin()
  versionAt = -1
  wire.text(`{"apiVersion":${JSON.stringify(apiVersion)},"kind":${JSON.stringify(kind)},"metadata":`)
  writeFields(metaSchema, metadata as Fields, 'metadata')
  const rest = encodeSortedJson(fields).slice(1)
  wire.text(rest === '}' ? rest : `,${rest}`)
  return { bytes: wire.end(), versionAt }
}

/** Any value of a schema's type, with everything in it. */
export const encodeValue = (schema: ObjectSchema, value: Fields): string => {
  wire.begin()
  writeFields(schema, value, undefined)
  return wire.end().toString()
}

/** What the store holds, as it was encoded. ObjectMeta writes nothing with quotes before its uid. */
export const encodedBefore = (bytes: Buffer): EncodedObject => {
  const uid = bytes.indexOf('"uid":"')
  return { bytes, versionAt: uid < 0 ? -1 : bytes.indexOf('"', uid + 7) + 2 }
}

const versionField = (revision: number | string): string => `"resourceVersion":"${revision}",`

/** The wire form with the newline that ends a response, in memory of its own. Without a revision, and without a uid, it has no version. */
export const withVersion = ({ bytes, versionAt }: EncodedObject, revision?: number | string): Buffer => {
  const version = versionAt < 0 || revision === undefined ? '' : versionField(revision)
  const at = Math.max(versionAt, 0)
  const whole = Buffer.allocUnsafe(bytes.length + version.length + 1)
  bytes.copy(whole, 0, 0, at)
  whole.write(version, at, 'latin1')
  bytes.copy(whole, at + version.length, at)
  whole[whole.length - 1] = newline
  return whole
}

/** Whether `withVersion` would give these bytes. */
export const isWithVersion = ({ bytes, versionAt }: EncodedObject, revision: number, whole: Buffer): boolean => {
  const version = versionAt < 0 ? '' : versionField(revision)
  const at = Math.max(versionAt, 0)
  if (whole.length !== bytes.length + version.length + 1) return false
  if (whole.compare(bytes, at, bytes.length, at + version.length, whole.length - 1) !== 0) return false
  return whole.compare(bytes, 0, at, 0, at) === 0 && whole.toString('latin1', at, at + version.length) === version
}

const [newline, comma, colon, openBrace, closeBrace, openBracket, closeBracket] = Buffer.from('\n,:{}[]') as unknown as [
  number,
  number,
  number,
  number,
  number,
  number,
  number,
]

/** Which object is written: the metadata of the whole has a place for the version, and no other object. */
type Part = 'whole' | 'metadata' | undefined

const writeFields = (schema: ObjectSchema, object: Fields, part: Part): void => {
  const { fields } = schema
  let written = 0
  wire.byte(openBrace)
  for (let index = 0; index < fields.length; index++) {
    const field = fields[index] as FieldSchema
    const { name, shape } = field
    const value = part === 'metadata' && name === 'resourceVersion' ? undefined : object[name]
    const isUnset = value === undefined || value === null
    if (isUnset && field.unset === undefined) continue
    wire.ascii(written === 0 ? field.firstKey : field.nextKey)
    written++
    if (isUnset) wire.ascii(field.unset as string)
    else if (part === 'whole' && name === 'metadata' && shape.is === 'object') writeFields(shape.schema, value as Fields, 'metadata')
    else writeValue(shape, value)
    // The creation's time, set or not, follows with a comma.
    if (part === 'metadata' && name === 'uid') versionAt = wire.length() + 1
  }
  wire.byte(closeBrace)
}

const writeValue = (shape: Shape, value: unknown): void => {
  const { is } = shape
  if (is === 'object') writeFields(shape.schema, value as Fields, undefined)
  else if (is === 'map') writeMap(shape.values, value as Fields)
  else if (is === 'array') writeArray(shape.items, value)
  else if (is === 'any') wire.text(encodePart(value))
  else if (is === 'schemaOr') writeSchemaOr(shape, value)
  else if (typeof value !== 'string') wire.ascii(String(value))
  else if (!wire.string(value)) wire.text(encodeJson(value))
}

const writeSchemaOr = (shape: Shape & { is: 'schemaOr' }, value: unknown): void => {
  if (Array.isArray(value)) writeArray(shape, value)
  else if (typeof value === 'object' && value !== null) writeFields(shape.schema, value as Fields, undefined)
  else wire.text(encodePart(value))
}

const writeArray = (items: Shape, array: unknown): void => {
  if (!Array.isArray(array)) {
    wire.ascii('null')
    return
  }
  wire.byte(openBracket)
  for (let index = 0; index < array.length; index++) {
    if (index > 0) wire.byte(comma)
    writeValue(items, array[index])
  }
  wire.byte(closeBracket)
}

const writeMap = (values: Shape, map: Fields): void => {
  const keys = sortedKeys(map)
  wire.byte(openBrace)
  for (let index = 0; index < keys.length; index++) {
    const key = keys[index] as string
    if (index > 0) wire.byte(comma)
    if (!wire.string(key)) wire.text(encodeJson(key))
    wire.byte(colon)
    writeValue(values, map[key])
  }
  wire.byte(closeBrace)
}
