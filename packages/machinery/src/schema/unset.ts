import type { FieldSchema, ObjectSchema, Shape } from './schema.ts'

type Fields = Readonly<Record<string, unknown>>

const schemaOf = (shape: Shape): ObjectSchema | undefined => {
  if (shape.is === 'array') return schemaOf(shape.items)
  if (shape.is === 'map') return schemaOf(shape.values)
  return shape.is === 'object' || shape.is === 'schemaOr' ? shape.schema : undefined
}

const found = new WeakMap<ObjectSchema, readonly FieldSchema[]>()
/** The fields that may hold, themselves or within, what is written for an unset field. */
const suspects = (schema: ObjectSchema): readonly FieldSchema[] => {
  const known = found.get(schema)
  if (known) return known
  // A type within itself: looked at, for want of an answer yet.
  found.set(schema, schema.fields)
  const fields = schema.fields.filter(({ unset, shape }) => {
    const inner = schemaOf(shape)
    return unset !== undefined || (inner !== undefined && suspects(inner).length > 0)
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
 * compares equal with one that was sent then. Shares with `object` all that it does not change.
 */
export const withoutUnset = (schema: ObjectSchema, object: Fields): Fields => {
  let changes: Map<string, unknown> | undefined
  for (const { name, shape, unset, zero, keepEmpty } of suspects(schema)) {
    const value = object[name]
    if (value === undefined) continue
    const next = readValue(shape, value)
    const isUnset = unset !== undefined && zero === undefined && !keepEmpty && shape.is !== 'any' && isNothing(next)
    if (!isUnset && next === value) continue
    changes ??= new Map()
    changes.set(name, isUnset ? undefined : next)
  }
  if (!changes) return object
  // Made anew rather than by delete, which would make each of many thousands a hash table.
  const out: Record<string, unknown> = {}
  for (const name of Object.keys(object)) {
    const value = changes.has(name) ? changes.get(name) : object[name]
    if (value !== undefined) out[name] = value
  }
  return out
}

const readValue = (shape: Shape, value: unknown): unknown => {
  if (typeof value !== 'object' || value === null) return value
  switch (shape.is) {
    case 'object':
      return withoutUnset(shape.schema, value as Fields)
    case 'schemaOr':
      return Array.isArray(value) ? value : withoutUnset(shape.schema, value as Fields)
    case 'array': {
      if (!Array.isArray(value) || !schemaOf(shape.items)) return value
      const items = value.map((item) => readValue(shape.items, item))
      return items.some((item, i) => item !== value[i]) ? items : value
    }
    case 'map': {
      if (!schemaOf(shape.values)) return value
      const entries = Object.entries(value).map(([key, each]) => [key, readValue(shape.values, each)] as const)
      if (entries.every(([key, each]) => each === (value as Fields)[key])) return value
      const out: Record<string, unknown> = Object.create(null)
      for (const [key, each] of entries) out[key] = each
      return out
    }
    default:
      return value
  }
}
