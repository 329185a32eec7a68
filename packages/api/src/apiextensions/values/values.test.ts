import { errorText, type Json } from '@skiff/machinery'
import { describe, expect, test } from 'vitest'
import { checkEmbedded } from './check-embedded.ts'
import { checkLists } from './check-lists.ts'
import { checkValue } from './check-value.ts'
import { withSchemaDefaults } from './defaults.ts'
import { prune, unknownIn, unknownInEmbedded, withEmbeddedMeta } from './prune.ts'
import type { Structural } from './structural.ts'

const text: Structural = { type: 'string' }
const faults = (schema: Structural, value: Json, old?: Json) =>
  checkValue({ type: 'object', properties: { x: schema } }, { x: value }, old === undefined ? undefined : { x: old }, '').map(errorText)
const wrong = (wanted: string, is: string) => [`x: Invalid value: "${is}": x in body must be of type ${wanted}: "${is}"`]

describe('a value and its schema, in the words of a real server', () => {
  const two = { type: 'object', properties: { a: text, b: text } }
  test.each<[Structural, Json, string[]]>([
    [{ type: 'integer' }, 'a', wrong('integer', 'string')],
    [
      { type: 'integer', maximum: 10 },
      1e30,
      [...wrong('integer', 'number'), 'x: Invalid value: 1e+30: x in body should be less than or equal to 10'],
    ],
    [
      { type: 'integer', minimum: 1 },
      0.25,
      [...wrong('integer', 'number'), 'x: Invalid value: 0.25: x in body should be greater than or equal to 1'],
    ],
    [{ type: 'integer' }, 1.0000000001, []],
    [{ type: 'integer', minimum: 1, exclusiveMinimum: true }, 1, ['x: Invalid value: 1: x in body should be greater than 1']],
    // A bound with a fraction is cut for whole numbers.
    [{ type: 'number', minimum: 0.5 }, 0, []],
    [{ type: 'number', minimum: 0.5 }, -1, ['x: Invalid value: -1: x in body should be greater than or equal to 0']],
    [{ type: 'integer', maximum: 1000000 }, 1000001, ['x: Invalid value: 1000001: x in body should be less than or equal to 1000000']],
    [{ type: 'number', multipleOf: 0.5 }, 0.3, ['x: Invalid value: 0.3: x in body should be a multiple of 0.5']],
    [{ type: 'integer', multipleOf: 3 }, 4, ['x: Invalid value: 4: x in body should be a multiple of 3']],
    // Of a text's length and pattern the first fault is told.
    [{ type: 'string', minLength: 2, pattern: '^b' }, 'a', ['x: Invalid value: "a": x in body should be at least 2 chars long']],
    [{ type: 'string', maxLength: 2 }, 'é€é', ['x: Too long: may not be more than 2 bytes']],
    [
      { type: 'string', enum: ['a', 'b'] },
      {},
      [...wrong('string', 'object'), 'x: Unsupported value: map[string]interface {}{}: supported values: "a", "b"'],
    ],
    [{ type: 'string', nullable: true, enum: ['a'] }, null, ['x: Unsupported value: "null": supported values: "a"']],
    [
      { type: 'array', items: text, maxItems: 1 },
      [1, 'b'],
      ['x[0]: Invalid value: "integer": x[0] in body must be of type string: "integer"', 'x: Too many: 2: must have at most 1 item'],
    ],
    [{ type: 'object', minProperties: 1 }, {}, ['x: Invalid value: 0: x in body should have at least 1 properties']],
    [
      { type: 'object', additionalProperties: { type: 'integer' } },
      { 'a.b': 'c' },
      ['x.a.b: Invalid value: "string": x.a.b in body must be of type integer: "string"'],
    ],
    // A format takes the place of the type where the value is neither text nor list, and passes both of these.
    [{ type: 'string', format: 'date' }, 1, ['x: Invalid value: "int64": x in body must be of type date: "int64"']],
    [{ type: 'string', format: 'date' }, { a: 1 }, ['x: Invalid value: "": x in body must be of type date: ""']],
    [{ type: 'string', format: 'date' }, [], []],
    [{ type: 'string', format: 'date' }, 'b', ['x: Invalid value: "b": x in body must be of type date: "b"']],
    [{ type: 'string', format: 'unknown' }, 1, wrong('string', 'integer')],
    [{ 'x-kubernetes-int-or-string': true }, 1.5, wrong('integer,string', 'number')],
    [
      { ...two, oneOf: [{ required: ['a'] }, { required: ['b'] }] },
      {},
      ['<nil>: Invalid value: "": "x" must validate one and only one schema (oneOf). Found none valid', 'x.a: Required value'],
    ],
    [
      { ...two, oneOf: [{ required: ['a'] }, { required: ['b'] }] },
      { a: '', b: '' },
      ['<nil>: Invalid value: "": "x" must validate one and only one schema (oneOf). Found 2 valid alternatives'],
    ],
    [
      { ...two, anyOf: [{ required: ['a'] }, { properties: { b: { minLength: 2 } }, required: ['b'] }] },
      { b: 'b' },
      [
        '<nil>: Invalid value: "": "x" must validate at least one schema (anyOf)',
        'x.b: Invalid value: "b": x.b in body should be at least 2 chars long',
      ],
    ],
    [
      { ...two, allOf: [{ required: ['a'] }, { required: ['b'] }] },
      {},
      ['x.a: Required value', 'x.b: Required value', '<nil>: Invalid value: "": "x" must validate all the schemas (allOf). None validated'],
    ],
    [
      { ...two, not: { required: ['a'] } },
      1,
      [...wrong('object', 'integer'), '<nil>: Invalid value: "": "x" must not validate the schema (not)'],
    ],
  ])('%j of %j', (schema, value, expected) => expect(faults(schema, value)).toEqual(expected))
})

test('what was wrong and stays as it is is no fault of an update, items of keyed lists included', () => {
  const keyed: Structural = {
    type: 'array',
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['k'],
    items: { type: 'object', properties: { k: text, v: { type: 'integer', maximum: 1 } } },
  }
  const plain: Structural = { type: 'array', items: { type: 'integer', maximum: 1 } }
  expect(
    faults(
      keyed,
      [
        { k: 'b', v: 1 },
        { k: 'a', v: 5 },
      ],
      [{ k: 'a', v: 5 }],
    ),
  ).toEqual([])
  expect(faults(keyed, [{ k: 'a', v: 6 }], [{ k: 'a', v: 5 }])).toHaveLength(1)
  expect(faults(plain, [5], [5])).toEqual([])
  // Items of other lists have no identity.
  expect(faults(plain, [5, 1], [5])).toHaveLength(1)
  const either: Structural = { type: 'object', properties: { a: text }, anyOf: [{ properties: { a: { minLength: 3 } } }] }
  expect(faults(either, { a: 'x', b: 1 }, { a: 'x' })).toEqual([])
})

test.each([
  ['date-time', '2020-01-01T00:00:00Z', '2020-01-01'],
  ['date', '2020-02-29', '2021-02-29'],
  ['byte', 'YWJj', 'YWJ'],
  ['duration', '1h2m', 'soon'],
  ['duration', '22 days', '22'],
  ['email', 'A <a@b.c>', 'a.b'],
  ['hostname', 'a.example.com', '2020-01-01'],
  ['ipv4', '010.1.2.3', '1.2.3'],
  ['ipv6', '::1', '::1%eth0'],
  ['cidr', '10.0.0.0/8', '10.0.0.0/33'],
  ['mac', 'aa:bb:cc:dd:ee:ff', 'aa:bb-cc:dd:ee:ff'],
  ['uri', 'http://a/b', 'a b'],
  ['uuid', 'E3b0c442-98fc-1c14-9afb-f4c8996fb924', 'e3b0'],
  ['uuid4', 'e3b0c442-98fc-4c14-9afb-f4c8996fb924', 'e3b0c442-98fc-1c14-9afb-f4c8996fb924'],
  ['isbn10', '0-306-40615-2', '0-306-40615-3'],
  ['isbn', '978-0-306-40615-7', '978-0-306-40615-8'],
  ['creditcard', '4111 1111 1111 1111', '4111 1111 1111 1112'],
  ['ssn', '078-05-1120', '078-05-112'],
  ['hexcolor', '#fff', '#ffff'],
  ['rgbcolor', 'rgb(1,2,255)', 'rgb(1,2,256)'],
  ['bsonobjectid', '507f1f77bcf86cd799439011', '507f'],
])('format %s: %s, not %s', (format, good, bad) => {
  expect([faults({ type: 'string', format }, good).length, faults({ type: 'string', format }, bad).length]).toEqual([0, 1])
})

test('sets and keyed lists hold nothing twice; each value is told of once', () => {
  const set: Structural = { type: 'array', items: text, 'x-kubernetes-list-type': 'set' }
  const map: Structural = {
    type: 'array',
    items: { type: 'object' },
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['k', 'l'],
  }
  const schema: Structural = { type: 'object', properties: { set, map }, additionalProperties: set }
  const found = (value: Json) => checkLists(schema, value).map(errorText)
  expect(found({ set: ['a', 'b', 'a', 'a'], other: ['x', 'x'] })).toEqual([
    'set[2]: Duplicate value: "a"',
    '[other][1]: Duplicate value: "x"',
  ])
  expect(found({ map: [{ k: 'a', l: 1, v: 1 }, { k: 'a', l: 1, v: 2 }, {}, null] })).toEqual([
    'map[1]: Duplicate value: map[string]interface {}{"k":"a", "l":1}',
    'map[3]: Duplicate value: map[string]interface {}{}',
  ])
  expect(found({ map: [{}, 'x'] })).toEqual(['map[1]: Invalid value: "x": must be an object for an array of list-type map'])
})

const pod: Structural = {
  type: 'object',
  'x-kubernetes-embedded-resource': true,
  properties: { spec: { type: 'object', properties: { a: text } } },
}
const holder: Structural = {
  type: 'object',
  properties: { pod, any: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { known: pod } } },
}

test('objects within objects have a kind and metadata of their own', () => {
  const found = (value: Json) => checkEmbedded(holder, { pod: value }).map(errorText)
  expect(found({})).toEqual(['pod.apiVersion: Required value: must not be empty', 'pod.kind: Required value: must not be empty'])
  expect(found({ apiVersion: 'a/b/c', kind: 'a_b', metadata: { labels: { 'a b': '' } } })).toEqual([
    'pod.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c',
    expect.stringContaining('pod.kind: Invalid value: "a_b": may have mixed case, but should otherwise match: a DNS-1035 label'),
    expect.stringContaining('pod.metadata.labels: Invalid value: "a b": name part must consist of alphanumeric characters'),
  ])
  const dirty = { pod: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', odd: 1 }, spec: { a: 'x', b: 1 } } }
  expect(withEmbeddedMeta(holder, dirty)).toEqual({ pod: { ...dirty.pod, metadata: { name: 'a' } } })
  expect(unknownInEmbedded(holder, dirty)).toEqual(['unknown field "pod.metadata.odd"'])
  expect(() => withEmbeddedMeta(holder, { pod: { metadata: { name: 1 } } })).toThrow('pod.metadata: Invalid value')
})

test('pruning goes on below what keeps everything, where the schema says more', () => {
  const value = {
    pod: { kind: 'P', metadata: { odd: 1 }, spec: { b: 1 }, c: 1 },
    any: { u: { v: 1 }, known: { spec: { a: 'x', b: 1 } } },
    z: 1,
  }
  expect(prune(holder, value, false)).toEqual({
    pod: { kind: 'P', metadata: { odd: 1 }, spec: {} },
    any: { u: { v: 1 }, known: { spec: { a: 'x' } } },
  })
  expect(unknownIn(holder, value)).toEqual(['pod.spec.b', 'pod.c', 'any.known.spec.b', 'z'].map((path) => `unknown field "${path}"`))
})

test('a null where none may be gives way to the default, or goes', () => {
  const schema: Structural = {
    type: 'object',
    properties: {
      a: { ...text, default: 'd' },
      n: { ...text, nullable: true, default: 'd' },
      g: text,
      l: { type: 'array', items: { ...text, default: 'i' } },
    },
    additionalProperties: { type: 'object', default: {}, properties: { p: { ...text, default: 'q' } } },
  }
  expect(withSchemaDefaults(schema, { a: null, n: null, g: null, l: [null, 'x'], other: null })).toEqual({
    a: 'd',
    n: null,
    l: ['i', 'x'],
    other: { p: 'q' },
  })
})
