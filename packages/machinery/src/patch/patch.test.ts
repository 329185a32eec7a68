import { expect, test } from 'vitest'
import { type Json, type JsonObject, sameJson } from '../json/value.ts'
import { seededRandom } from '../seeded.ts'
import { createStrategicMergePatch, createThreeWayMergePatch, createThreeWayStrategicPatch } from './diff.ts'
import { applyJsonPatch, decodeJsonPatch } from './json-patch.ts'
import { applyMergePatch, createMergePatch } from './merge-patch.ts'
import { applyStrategicMergePatch, type PatchField, type PatchSchema } from './strategic.ts'

const schema = (fields: Readonly<Record<string, PatchField>>): PatchSchema => ({
  field: (name) => (Object.hasOwn(fields, name) ? fields[name] : undefined),
})
const container = schema({ env: { strategy: ['merge'], mergeKey: 'name' }, ports: { strategy: ['merge'], mergeKey: 'containerPort' } })
const pod = schema({
  metadata: { schema: schema({ finalizers: { strategy: ['merge'] } }) },
  spec: {
    schema: schema({
      containers: { strategy: ['merge'], mergeKey: 'name', schema: container },
      volumes: { strategy: ['merge', 'retainKeys'], mergeKey: 'name' },
      strategy: { strategy: ['retainKeys'] },
    }),
  },
})
const strategic = (object: JsonObject, patch: JsonObject) => applyStrategicMergePatch(object, patch, pod)
const jsonPatch = (object: Json, ...operations: Json[]) => applyJsonPatch(object, decodeJsonPatch(operations))

test('JSON patch: every operation', () => {
  const object = { a: 1, list: [1, 2, 3], deep: { 'x/y': 1, '~': 2 } }
  expect(jsonPatch(object, { op: 'add', path: '/b', value: null })).toEqual({ ...object, b: null })
  expect(jsonPatch(object, { op: 'add', path: '/list/1', value: 9 })).toMatchObject({ list: [1, 9, 2, 3] })
  expect(jsonPatch(object, { op: 'add', path: '/list/-', value: 9 })).toMatchObject({ list: [1, 2, 3, 9] })
  expect(jsonPatch(object, { op: 'remove', path: '/deep/x~1y' })).toMatchObject({ deep: { '~': 2 } })
  expect(jsonPatch(object, { op: 'replace', path: '/deep/~0', value: 3 })).toMatchObject({ deep: { '~': 3 } })
  expect(jsonPatch(object, { op: 'move', from: '/a', path: '/list/0' })).toEqual({ list: [1, 1, 2, 3], deep: object.deep })
  expect(jsonPatch(object, { op: 'test', path: '/list', value: [1, 2, 3] })).toEqual(object)
  expect(jsonPatch(object, { op: 'test', path: '/none', value: null })).toEqual(object)
  const copied: Json[] = [
    { op: 'copy', from: '/deep', path: '/c' },
    { op: 'add', path: '/deep/z', value: 1 },
    { op: 'add', path: '/c/w', value: 2 },
  ]
  expect(jsonPatch(object, ...copied)).toMatchObject({ c: { 'x/y': 1, '~': 2, w: 2 }, deep: { 'x/y': 1, '~': 2, z: 1 } })
  expect(object).toEqual({ a: 1, list: [1, 2, 3], deep: { 'x/y': 1, '~': 2 } })
})

test('JSON patch never reaches a prototype', () => {
  const made = jsonPatch({ a: {} }, { op: 'add', path: '/a/__proto__', value: { x: 1 } }, { op: 'add', path: '/a/__proto__/y', value: 2 })
  expect(Object.hasOwn((made as { a: object }).a, '__proto__')).toBe(true)
  expect(({} as { x?: number; y?: number }).y).toBe(undefined)
  expect(() => jsonPatch({}, { op: 'add', path: '/constructor/x', value: 1 })).toThrow('doc is missing path')
})

// Texts of the library that upstream uses.
test.each<[Json, string]>([
  [{ op: 'test', path: '/a', value: 2 }, 'testing value /a failed: test failed'],
  [{ op: 'remove', path: '/none' }, "error in remove for path: '/none': Unable to remove nonexistent key: none: missing value"],
  [{ op: 'remove', path: '/none/x' }, 'remove operation does not apply: doc is missing path: "/none/x": missing value'],
  [{ op: 'replace', path: '/none', value: 1 }, 'replace operation does not apply: doc is missing key: /none: missing value'],
  [{ op: 'add', path: '', value: 1 }, 'add operation does not apply: doc is missing path: "": missing value'],
  [
    { op: 'add', path: '/list/9', value: 1 },
    "error in add for path: '/list/9': Unable to access invalid index: 9: invalid index referenced",
  ],
  [
    { op: 'add', path: '/list/x', value: 1 },
    "error in add for path: '/list/x': value was not a proper array index: 'x': strconv.Atoi: parsing \"x\": invalid syntax",
  ],
  [{ op: 'move', from: '/none/x', path: '/b' }, 'move operation does not apply: doc is missing from path: /none/x: missing value'],
  [{ op: 'copy', from: '/a', path: '/none/x' }, 'copy operation does not apply: doc is missing destination path: /none/x: missing value'],
  [{ op: 'spin', path: '/a' }, 'Unexpected kind: spin'],
  [{ path: '/a' }, 'Unexpected kind: unknown'],
  [{ op: 'add', value: 1 }, 'add operation failed to decode path: missing value'],
])('complaint about %j', (operation, message) => {
  expect(() => jsonPatch({ a: 1, list: [] }, operation)).toThrow(new Error(message))
})

test('what is no JSON patch, and copies that explode', () => {
  expect(() => decodeJsonPatch({ op: 'remove' })).toThrow('json: cannot unmarshal object into Go value of type jsonpatch.Patch')
  expect(() => decodeJsonPatch(['x'])).toThrow('json: cannot unmarshal string into Go value of type jsonpatch.Operation')
  const bomb = Array.from({ length: 40 }, () => ({ op: 'copy', from: '/a', path: '/a/-' }))
  expect(() => jsonPatch({ a: ['x'.repeat(100)] }, ...bomb)).toThrow(
    /accumulated size increase of copy is \d+, exceeding the limit 3145728/,
  )
})

// The examples of RFC 7386, but for nulls within lists of new objects.
test.each<[Json, Json, Json]>([
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [{ a: 'foo' }, ['c'], ['c']],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
])('merge patch %j + %j', (object, patch, result) => expect(applyMergePatch(object, patch)).toEqual(result))

test('merge patch: what is no patch, and awkward keys', () => {
  for (const bad of [null, 1, 'x']) expect(() => applyMergePatch({}, bad)).toThrow('Invalid JSON Patch')
  const made = applyMergePatch({}, JSON.parse('{"__proto__":{"x":1},"10":2}'))
  expect(Object.keys(made as object).sort()).toEqual(['10', '__proto__'])
  expect(({} as { x?: number }).x).toBe(undefined)
})

const two = {
  spec: {
    containers: [
      { name: 'a', image: '1' },
      { name: 'b', image: '1' },
    ],
  },
}
test('strategic merge: lists of maps', () => {
  expect(strategic(two, { spec: { containers: [{ name: 'b', image: '2' }] } })).toEqual({
    spec: {
      containers: [
        { name: 'a', image: '1' },
        { name: 'b', image: '2' },
      ],
    },
  })
  expect(strategic(two, { spec: { containers: [{ name: 'c' }] } })).toEqual({
    spec: { containers: [{ name: 'c' }, ...two.spec.containers] },
  })
  expect(strategic(two, { spec: { containers: [{ name: 'a', $patch: 'delete' }] } })).toEqual({
    spec: { containers: [{ name: 'b', image: '1' }] },
  })
  expect(strategic(two, { spec: { containers: [{ name: 'x' }, { $patch: 'replace' }] } })).toEqual({
    spec: { containers: [{ name: 'x' }] },
  })
  expect(
    strategic(
      {},
      {
        spec: {
          containers: [
            { name: 'x', image: null },
            { name: 'y', $patch: 'delete' },
          ],
        },
      },
    ),
  ).toEqual({
    spec: { containers: [{ name: 'x' }] },
  })
})

test('strategic merge: order', () => {
  const order = { '$setElementOrder/containers': [{ name: 'b' }, { name: 'c' }, { name: 'a' }], containers: [{ name: 'c' }] }
  expect(strategic(two, { spec: order })).toEqual({
    spec: { containers: [{ name: 'b', image: '1' }, { name: 'c' }, { name: 'a', image: '1' }] },
  })
  expect(() => strategic(two, { spec: { ...order, containers: [{ name: 'a' }, { name: 'b' }] } })).toThrow(
    "doesn't match $setElementOrder list:",
  )
})

test('strategic merge: lists of scalars', () => {
  const object = { metadata: { finalizers: ['a', 'b'] } }
  expect(strategic(object, { metadata: { finalizers: ['c', 'a'] } })).toEqual({ metadata: { finalizers: ['c', 'a', 'b'] } })
  expect(strategic(object, { metadata: { '$deleteFromPrimitiveList/finalizers': ['a'] } })).toEqual({ metadata: { finalizers: ['b'] } })
  expect(strategic({ x: [1] }, { x: [2] })).toEqual({ x: [2] })
})

test('strategic merge: maps', () => {
  const object = { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } }, nodeSelector: { a: '1', b: '2' } } }
  expect(strategic(object, { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } })).toMatchObject({
    spec: { strategy: { type: 'Recreate' } },
  })
  expect(strategic(object, { spec: { nodeSelector: { $patch: 'replace', c: '3' } } })).toMatchObject({ spec: { nodeSelector: { c: '3' } } })
  expect(strategic(object, { spec: { nodeSelector: { $patch: 'delete' } } })).toMatchObject({ spec: { nodeSelector: {} } })
  expect(strategic(object, { spec: { nodeSelector: { a: null, c: null } } })).toMatchObject({ spec: { nodeSelector: { b: '2' } } })
  expect(strategic(object, { spec: null })).toEqual({})
})

test.each<[JsonObject, string]>([
  [{ spec: { containers: [{ image: 'x' }] } }, 'map: map[image:x] does not contain declared merge key: name'],
  [{ spec: { containers: ['x'] } }, 'list element types are not identical'],
  [{ spec: { containers: [{ name: 'a', $patch: 'bogus' }] } }, 'unknown patch type: bogus in map: map[$patch:bogus name:a]'],
  [{ spec: { $patch: 'bogus' } }, 'unknown patch type: bogus in map: map[$patch:bogus]'],
  [{ spec: { $retainKeys: ['x'], containers: [] } }, 'invalid patch format of retainKeys'],
  [{ spec: { '$setElementOrder/containers': 'x' } }, 'expected a []interface {}, but received a string'],
])('strategic merge: complaint about %j', (patch, message) => expect(() => strategic(two, patch)).toThrow(message))

test('apply’s patches keep what others set and remove what the file no longer has', () => {
  const last = { metadata: { labels: { a: '1', b: '1' } }, spec: { containers: [{ name: 'a', env: [{ name: 'x', value: '1' }] }] } }
  const file = { metadata: { labels: { a: '2' } }, spec: { containers: [{ name: 'a', env: [{ name: 'y', value: '1' }] }] } }
  const live = { metadata: { labels: { a: '1', b: '1', mine: '1' } }, spec: { containers: [...last.spec.containers, { name: 'sidecar' }] } }
  const patch = createThreeWayStrategicPatch(last, file, live, pod)
  expect(patch).toEqual({
    metadata: { labels: { a: '2', b: null } },
    spec: {
      '$setElementOrder/containers': [{ name: 'a' }],
      containers: [
        {
          name: 'a',
          '$setElementOrder/env': [{ name: 'y' }],
          env: [
            { name: 'y', value: '1' },
            { $patch: 'delete', name: 'x' },
          ],
        },
      ],
    },
  })
  expect(strategic(live, patch)).toEqual({
    metadata: { labels: { a: '2', mine: '1' } },
    spec: { containers: [{ name: 'a', env: [{ name: 'y', value: '1' }] }, { name: 'sidecar' }] },
  })
  const plain = createThreeWayMergePatch(last.metadata, file.metadata, live.metadata)
  expect(plain).toEqual({ labels: { a: '2', b: null } })
})

test('seeded objects: a patch made of two of them leads from one to the other', () => {
  const random = seededRandom(21)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
  const names = ['a', 'b', 'c', '10', 'constructor', '__proto__']
  const map = () =>
    JSON.parse(`{${[...new Set(some(() => pick(names)))].map((each) => `${JSON.stringify(each)}:"${pick(names)}"`).join()}}`)
  const some = <T>(make: () => T): T[] => Array.from({ length: Math.floor(random() * 5) }, make)
  const keyed = (more: (name: string) => object) => [...new Set(some(() => pick(names)))].map((name) => ({ name, ...more(name) }))
  const object = (): JsonObject => ({
    metadata: { labels: map(), finalizers: [...new Set(some(() => pick(names)))] },
    spec: {
      containers: keyed(() => ({ env: keyed(() => ({ value: pick(names) })), args: some(() => pick(names)), limits: map() })),
      volumes: keyed(() => (random() < 0.5 ? { emptyDir: {} } : { hostPath: { path: pick(names) } })),
    },
  })
  for (let round = 0; round < 300; round++) {
    const [from, to] = [object(), object()]
    const before = JSON.stringify([from, to])
    expect(sameJson(strategic(from, createStrategicMergePatch(from, to, pod)), to)).toBe(true)
    expect(sameJson(applyMergePatch(from, createMergePatch(from, to)), to)).toBe(true)
    expect(sameJson(strategic(from, createThreeWayStrategicPatch(from, to, from, pod)), to)).toBe(true)
    expect(JSON.stringify([from, to])).toBe(before)
  }
  expect(Object.keys(Object.prototype)).toEqual([])
})
