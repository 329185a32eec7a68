import type { FieldSchema, ObjectSchema, Shape } from '@skiff/machinery'
import type { LooseFields } from './legacy-kind.ts'

/** To Go, a number or text that it holds by value is absent where it is zero: defaulting of the stored version must not take it as given. */
export const withoutZeros = (schema: ObjectSchema, object: LooseFields): LooseFields => {
  const out: Record<string, unknown> = {}
  for (const name of Object.keys(object)) {
    const field = schema.byName.get(name)
    const value = object[name]
    if (field && isZero(field, value)) continue
    out[name] = field ? within(field.shape, value) : value
  }
  return out
}

const isZero = ({ zero, keepEmpty }: FieldSchema, value: unknown): boolean =>
  zero !== undefined && !keepEmpty && typeof value !== 'object' && value === zero

const within = (shape: Shape, value: unknown): unknown => {
  if (value === null || typeof value !== 'object') return value
  if (shape.is === 'object') return withoutZeros(shape.schema, value as LooseFields)
  if (shape.is === 'array' && Array.isArray(value)) return value.map((item) => within(shape.items, item))
  return value
}
