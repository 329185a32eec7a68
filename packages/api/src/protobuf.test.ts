import { decodeMessage, type FieldSchema, type Message, type ObjectSchema, type Shape, seededRandom } from '@skiff/machinery'
import { expect, test } from 'vitest'
import { buildBuiltins } from './builtins.ts'
import { decodeProtobuf, encodeProtobuf, messageOfKind, messageOfType } from './protobuf.ts'

const { kinds, schemaOf } = buildBuiltins()

/** Random wire JSON of a type: every field now and then, explicit zeros where the Go type keeps them. */
const sample = (schema: ObjectSchema, random: () => number, depth: number): Record<string, unknown> => {
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
      return [1, 2].map(() => sampleOf({ ...field, keepEmpty: true }, shape.items, random, depth)).filter((each) => each !== undefined)
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

/** What decoding leaves out by rule: empty structs by value and empty lists cannot be told from absent ones. */
const pruned = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(pruned)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, each]) => [key, pruned(each)] as const)
  return Object.fromEntries(entries.filter(([, each]) => !isEmpty(each)))
}
const isEmpty = (value: unknown): boolean =>
  value === undefined || (typeof value === 'object' && value !== null && Object.keys(value).length === 0)

test.each(kinds.map((kind) => [`${kind.apiVersion} ${kind.kind}`, kind] as const))('%s survives the way there and back', (_name, kind) => {
  const message = messageOfType(kind.typeName) as Message
  expect(messageOfKind(kind.apiVersion, kind.kind)).toBe(message)
  const random = seededRandom(7)
  for (let round = 0; round < 6; round++) {
    const object = sample(schemaOf(kind.typeName), random, 0)
    const bytes = encodeProtobuf(message, object)
    const back = decodeMessage(message, bytes)
    expect(pruned(back)).toEqual(pruned(object))
    expect(encodeProtobuf(message, back).equals(bytes)).toBe(true)
  }
})

test('a schema with its unions', () => {
  const schema = {
    type: 'object',
    default: { a: [1, 'b', null] },
    items: { type: 'string' },
    additionalProperties: false,
    properties: { constructor: { additionalItems: { type: 'integer' }, items: [{ type: 'a' }, { type: 'b' }], maximum: 1.5 } },
    dependencies: { x: ['y', 'z'], w: { type: 'string' } },
    enum: ['a', 1],
    additionalItems: true,
  }
  const message = messageOfType('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps') as Message
  expect(decodeMessage(message, encodeProtobuf(message, schema))).toEqual(schema)
})

test('raw extensions and fields', () => {
  const message = messageOfKind('apps/v1', 'ControllerRevision') as Message
  const object = { metadata: { managedFields: [{ manager: 'm', fieldsV1: { 'f:data': {} } }] }, data: { spec: { 10: 1 } }, revision: 3 }
  expect(decodeMessage(message, encodeProtobuf(message, object))).toEqual(object)
})

test('a body that names no kind that is known', () => {
  expect(() => decodeProtobuf(Buffer.from('6b3873000a0712056e6f6e6f6e', 'hex'))).toThrow('no kind "nonon" is registered for version ""')
  expect(() => decodeProtobuf(Buffer.alloc(0))).toThrow('empty data')
  expect(messageOfKind('apps/v1', 'DeleteOptions')?.name).toBe('DeleteOptions')
})
