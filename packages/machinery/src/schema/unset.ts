import type { FieldSchema, ObjectSchema, Shape } from './schema.ts'

type Fields = Record<string, unknown>
/** Answers what it was given, changed or not, or what takes its place. */
type Reader = (value: object) => object

interface Suspect {
  /** Nothing in it means that it was not set. */
  readonly isRemovable: boolean
  readonly read: Reader | undefined
}

const schemaOf = (shape: Shape): ObjectSchema | undefined => {
  if (shape.is === 'array') return schemaOf(shape.items)
  if (shape.is === 'map') return schemaOf(shape.values)
  return shape.is === 'object' || shape.is === 'schemaOr' ? shape.schema : undefined
}

const found = new WeakMap<ObjectSchema, readonly FieldSchema[]>()
/** The fields that may hold, themselves or within, what is written for an unset field. */
const suspectsOf = (schema: ObjectSchema): readonly FieldSchema[] => {
  const known = found.get(schema)
  if (known) return known
  // A type within itself: looked at, for want of an answer yet.
  found.set(schema, schema.fields)
  const fields = schema.fields.filter(({ unset, shape }) => {
    const inner = schemaOf(shape)
    return unset !== undefined || (inner !== undefined && suspectsOf(inner).length > 0)
  })
  found.set(schema, fields)
  return fields
}

const isNothing = (value: unknown): boolean => {
  if (value === null) return true
  if (typeof value !== 'object' || Array.isArray(value)) return false
  for (const _ in value) return false
  return true
}

/**
 * What encodeObject wrote, as decodeObject gives it: without the null and {} that Go writes for unset fields. An object read from the store
 * compares equal with one that was sent then. Takes `object` over: what it was is changed in place, since hundreds of thousands are read at a start.
 */
export const withoutUnset = (schema: ObjectSchema, object: Readonly<Fields>): Readonly<Fields> => objectReader(schema)(object) as Fields

const readers = new WeakMap<ObjectSchema, Reader>()

const objectReader = (schema: ObjectSchema): Reader => {
  const known = readers.get(schema)
  if (known) return known
  // Compiled with the first object: a type may hold itself.
  let suspects: ReadonlyMap<string, Suspect> | undefined
  const reader: Reader = (value) => {
    suspects ??= new Map(suspectsOf(schema).map((field) => [field.name, suspectOf(field)]))
    const object = value as Fields
    let isWhole = true
    for (const name in object) {
      const held = object[name]
      // Most of an object is texts and numbers, of which nothing need be looked up.
      if (typeof held !== 'object') continue
      const suspect = suspects.get(name)
      if (suspect === undefined) continue
      const { isRemovable, read } = suspect
      const next = read !== undefined && held !== null ? read(held) : held
      if (isRemovable && isNothing(next)) {
        object[name] = undefined
        isWhole = false
      } else if (next !== held) object[name] = next
    }
    return isWhole ? object : withoutUndefined(object)
  }
  readers.set(schema, reader)
  return reader
}

/** Made anew rather than by delete, which would make each of many thousands a hash table. */
const withoutUndefined = (object: Fields): Fields => {
  const out: Fields = {}
  for (const name in object) {
    const value = object[name]
    if (value !== undefined) out[name] = value
  }
  return out
}

const suspectOf = ({ shape, unset, zero, keepEmpty }: FieldSchema): Suspect => ({
  isRemovable: unset !== undefined && zero === undefined && !keepEmpty && shape.is !== 'any',
  read: readerOf(shape),
})

/** Undefined for what holds no fields. */
const readerOf = (shape: Shape): Reader | undefined => {
  const inner = schemaOf(shape)
  if (!inner || suspectsOf(inner).length === 0) return undefined
  if (shape.is === 'object') return objectReader(shape.schema)
  if (shape.is === 'schemaOr') {
    const read = objectReader(inner)
    return (value) => (Array.isArray(value) ? value : read(value))
  }
  const read = readerOf(shape.is === 'array' ? shape.items : (shape as Extract<Shape, { is: 'map' }>).values)
  if (!read) return undefined
  return shape.is === 'array' ? (value) => eachItem(value, read) : (value) => eachValue(value, read)
}

const eachItem = (value: object, read: Reader): object => {
  if (!Array.isArray(value)) return value
  for (let i = 0; i < value.length; i += 1) {
    const item: unknown = value[i]
    if (typeof item === 'object' && item !== null) value[i] = read(item)
  }
  return value
}

const eachValue = (value: object, read: Reader): object => {
  const map = value as Fields
  // An own property each, whatever its name: what is assigned takes its place.
  for (const key of Object.keys(map)) {
    const item = map[key]
    if (typeof item === 'object' && item !== null) map[key] = read(item)
  }
  return map
}
