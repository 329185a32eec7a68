import type { FieldSchema, ObjectSchema, Shape } from '@skiff/machinery'

/** Random wire JSON of a type: every field now and then, explicit zeros where the Go type keeps them. */
export const sample = (schema: ObjectSchema, random: () => number, depth: number): Record<string, unknown> => {
  const object: Record<string, unknown> = {}
  for (const field of schema.fields) {
    if (field.name === 'kind' || field.name === 'apiVersion' || random() < 0.4) continue
    const value = sampleOf(field, field.shape, random, depth)
    if (value !== undefined) object[field.name] = value
  }
  return object
}
const pick = <T>(random: () => number, from: readonly T[]): T => from[Math.floor(random() * from.length)] as T

const sampleOf = (field: FieldSchema, shape: Shape, random: () => number, depth: number): unknown => {
  switch (shape.is) {
    case 'string':
      return pick(random, field.keepEmpty ? ['', 'a', 'ünï', '__proto__'] : ['a', 'ünï', '10'])
    case 'boolean':
      return field.keepEmpty ? random() < 0.5 : true
    case 'integer':
      return pick(random, [...(field.keepEmpty ? [0] : []), 1, -1, 300, 2147483647, -2147483648])
    case 'number':
      return pick(random, [1.5, -0.25])
    case 'bytes':
      return pick(random, ['AQI=', 'aGVsbG8='])
    case 'time':
      return shape.micro ? '2024-02-29T12:34:56.000789Z' : '2024-02-29T12:34:56Z'
    case 'duration':
      return '1m30s'
    case 'quantity':
      return pick(random, ['2Gi', '100m'])
    case 'intOrString':
      return pick(random, [80, 'http'])
    case 'array':
      return sampleList(field, shape.items, random, depth)
    case 'map':
      return depth > 6
        ? undefined
        : { b: sampleOf(field, shape.values, random, depth + 1), 10: sampleOf(field, shape.values, random, depth + 1) }
    case 'object':
      return depth > 6 ? undefined : sample(shape.schema, random, depth + 1)
    case 'any':
      return undefined
  }
}

/** Never empty, since protobuf cannot tell an empty list from none. */
const sampleList = (field: FieldSchema, items: Shape, random: () => number, depth: number): unknown => {
  const list = [1, 2].map(() => sampleOf({ ...field, keepEmpty: true }, items, random, depth)).filter((each) => each !== undefined)
  return list.length === 0 ? undefined : list
}
