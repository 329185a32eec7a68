import type { FieldSchema, ObjectSchema, Shape } from '../schema/schema.ts'
import { encodeFloat } from './float.ts'
import { selfDescribed } from './reader.ts'

/**
 * Writes wire JSON as application/cbor: deterministic (RFC 8949, 4.2.1), strings and keys as byte strings. `shape` tells what Go's
 * type is: floats that are whole, bytes that JSON holds as base64, and unset fields that are written. Without it: as Go's untyped values.
 */
export const encodeCbor = (value: unknown, shape?: Shape): Buffer => {
  const chunks: Uint8Array[] = [selfDescribed]
  put(chunks, value, shape)
  return Buffer.concat(chunks)
}

const simple = { null: Uint8Array.of(0xf6), true: Uint8Array.of(0xf5), false: Uint8Array.of(0xf4) }
/** Tag 22: bytes that text would hold as base64. */
const laterBase64 = Uint8Array.of(0xd6)

const put = (chunks: Uint8Array[], value: unknown, shape: Shape | undefined): void => {
  if (value === null || value === undefined) return void chunks.push(simple.null)
  if (shape?.is === 'bytes') {
    chunks.push(laterBase64)
    return void putBytes(chunks, Buffer.from(value as string, 'base64'))
  }
  switch (typeof value) {
    case 'string':
      return void putBytes(chunks, Buffer.from(value))
    case 'boolean':
      return void chunks.push(value ? simple.true : simple.false)
    case 'number':
      return void chunks.push(shape?.is === 'number' || !Number.isSafeInteger(value) ? encodeFloat(value) : integer(value))
    case 'bigint':
      return void chunks.push(integer(value))
    default:
      if (Array.isArray(value)) return void putArray(chunks, value, itemShape(shape))
      return void putEntries(
        chunks,
        shape?.is === 'object' || shape?.is === 'schemaOr' ? fieldsOf(shape.schema, value) : entriesOf(value, shape),
      )
  }
}

const itemShape = (shape: Shape | undefined): Shape | undefined =>
  shape?.is === 'array' ? shape.items : shape?.is === 'schemaOr' ? shape : undefined

const integer = (value: number | bigint): Uint8Array =>
  value < 0 ? head(1, typeof value === 'bigint' ? -1n - value : -1 - value) : head(0, value)

const putBytes = (chunks: Uint8Array[], bytes: Uint8Array): void => void chunks.push(head(2, bytes.length), bytes)

const putArray = (chunks: Uint8Array[], items: readonly unknown[], shape: Shape | undefined): void => {
  chunks.push(head(4, items.length))
  for (const item of items) put(chunks, item, shape)
}

interface Entry {
  readonly key: Buffer
  readonly value: unknown
  readonly shape: Shape | undefined
}

const entriesOf = (map: object, shape: Shape | undefined): Entry[] =>
  Object.entries(map)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ({ key: Buffer.from(key), value, shape: shape?.is === 'map' ? shape.values : undefined }))

/** A struct's fields: those that are set, and those that Go writes nevertheless. */
const fieldsOf = (schema: ObjectSchema, object: object): Entry[] =>
  schema.fields.flatMap((field) => {
    const value = (object as Readonly<Record<string, unknown>>)[field.name]
    if (value !== undefined && value !== null) return [{ key: Buffer.from(field.name), value, shape: field.shape }]
    return field.unset === undefined ? [] : [{ key: Buffer.from(field.name), value: unsetOf(field), shape: field.shape }]
  })

const unsetValues = new WeakMap<FieldSchema, { readonly value: unknown }>()
const unsetOf = (field: FieldSchema): unknown => {
  const known = unsetValues.get(field) ?? { value: JSON.parse(field.unset as string) as unknown }
  unsetValues.set(field, known)
  return known.value
}

/** Shorter keys stand first, since a key's head holds its length: bytewise order of the encoded keys. */
const putEntries = (chunks: Uint8Array[], entries: readonly Entry[]): void => {
  chunks.push(head(5, entries.length))
  const sorted = [...entries].sort((a, b) => a.key.length - b.key.length || Buffer.compare(a.key, b.key))
  for (const { key, value, shape } of sorted) {
    putBytes(chunks, key)
    put(chunks, value, shape)
  }
}

/** A major type with its argument in the fewest bytes. */
const head = (major: number, argument: number | bigint): Uint8Array => {
  const type = major * 32
  if (argument < 24) return Uint8Array.of(type + Number(argument))
  if (argument < 0x100) return Uint8Array.of(type + 24, Number(argument))
  const size = argument < 0x10000 ? 2 : argument < 0x1_0000_0000 ? 4 : 8
  const bytes = Buffer.alloc(size + 1)
  bytes[0] = type + 24 + Math.log2(size)
  if (size === 8) bytes.writeBigUInt64BE(BigInt(argument), 1)
  else bytes.writeUIntBE(Number(argument), 1, size)
  return bytes
}
