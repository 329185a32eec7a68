import { decodeMessage, type Message, seededRandom } from '@skiff/machinery'
import { expect, test } from 'vitest'
import { buildBuiltins } from './builtins.ts'
import { decodeProtobuf, encodeProtobuf, messageOfKind, messageOfType } from './protobuf.ts'
import { sample } from './testing/sample.ts'

const { kinds, schemaOf } = buildBuiltins()

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
