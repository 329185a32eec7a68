import { describe, expect, test } from 'vitest'
import type { Json } from '../json/value.ts'
import { collectFields } from './collect.ts'
import { compareFields } from './compare.ts'
import { decodeFields, encodeFields, intersect, noFields, pathsOf, sameFields, setOf, unite, without, withoutBelow } from './field-set.ts'
import { mergeConfiguration } from './merge.ts'
import { type ApplyConflicts, applyConfiguration, type Holdings, holdingsAfterUpdate, type Versions } from './ownership.ts'
import { pathText } from './path-element.ts'
import type { Typed } from './typed.ts'
import { typeFaults } from './validate.ts'

const text: Typed = { is: 'scalar', of: 'string' }
const number: Typed = { is: 'scalar', of: 'number' }
const struct = (fields: Record<string, Typed>, implied: readonly (readonly [string, Json])[] = []): Typed => ({
  is: 'object',
  named: (name) => fields[name],
  rest: undefined,
  implied,
})
const map = (rest: Typed): Typed => ({ is: 'object', named: () => undefined, rest, implied: [] })
const port = struct({ port: number, protocol: text, name: text })
const keyed: Typed = {
  is: 'keyed',
  keys: [
    { name: 'port', fallback: undefined },
    { name: 'protocol', fallback: 'TCP' },
  ],
  items: port,
}
const type = struct(
  {
    labels: map(text),
    finalizers: { is: 'set', items: text },
    ports: keyed,
    rules: { is: 'atomic', within: { is: 'list', items: struct({ a: number }) } },
    nested: struct({ a: number, deep: struct({ b: number }) }),
    strategy: struct({ type: text }),
    any: { is: 'free' },
  },
  [
    ['strategy', {}],
    ['rules', null],
  ],
)
const versions: Versions = {
  typeOf: (version) => (version === 'v1' ? type : undefined),
  convert: (value) => value,
  ignored: () => noFields,
}
const change = (holdings: Holdings, manager: string) => ({ versions, apiVersion: 'v1', holdings, manager })
const shown = (holdings: Holdings) => Object.fromEntries([...holdings].map(([manager, { fields }]) => [manager, encodeFields(fields)]))

/** Applies one configuration after the other; the last answer. */
const apply = (live: Json, holdings: Holdings, manager: string, configuration: Json, force = false) => {
  const { object, holdings: after } = applyConfiguration(change(holdings, manager), live, configuration, force)
  return { object: object ?? live, unchanged: object === undefined, holdings: after }
}
const none: Holdings = new Map()

describe('field sets', () => {
  test('the wire form comes back, in canonical form', () => {
    const wire = { 'f:a': {}, 'f:b': { '.': {}, 'k:{"protocol":"TCP","port":80}': { 'f:x': {} } }, 'f:c': { 'v:"x"': {} } }
    expect(JSON.stringify(encodeFields(decodeFields(wire)))).toBe(
      '{"f:a":{},"f:b":{".":{},"k:{\\"port\\":80,\\"protocol\\":\\"TCP\\"}":{"f:x":{}}},"f:c":{"v:\\"x\\"":{}}}',
    )
    expect(() => decodeFields({ x: {} })).toThrow('no path element: x')
  })
  test('elements are ordered by kind, then by value and not by text', () => {
    const set = setOf(['i:10'], ['i:9'], ['v:10'], ['v:9'], ['k:{"port":443}'], ['k:{"port":80}'], ['f:b'], ['f:B'])
    expect(Object.keys(encodeFields(set))).toEqual(['f:B', 'f:b', 'k:{"port":80}', 'k:{"port":443}', 'v:9', 'v:10', 'i:9', 'i:10'])
  })
  test('algebra', () => {
    const a = setOf(['f:a'], ['f:a', 'f:b'], ['f:c'])
    const b = setOf(['f:a'], ['f:c', 'f:d'])
    expect(encodeFields(unite(a, b))).toEqual({ 'f:a': { '.': {}, 'f:b': {} }, 'f:c': { '.': {}, 'f:d': {} } })
    expect(encodeFields(without(a, b))).toEqual({ 'f:a': { 'f:b': {} }, 'f:c': {} })
    expect(encodeFields(withoutBelow(a, b))).toEqual({ 'f:c': {} })
    expect(encodeFields(intersect(a, b))).toEqual({ 'f:a': {} })
    expect(sameFields(unite(a, b), unite(b, a))).toBe(true)
    expect(sameFields(a, b)).toBe(false)
  })
  test('paths read as people write them', () => {
    const set = setOf(['f:ports', 'k:{"port":80,"protocol":"TCP"}', 'f:name'], ['f:finalizers', 'v:"a/b"'], ['f:l', 'i:0'])
    expect([...pathsOf(set)].map(pathText)).toEqual(['.finalizers[="a/b"]', '.l[0]', '.ports[port=80,protocol="TCP"].name'])
  })
})

test('a configuration holds its leaves, keys and elements, and not the structs around them', () => {
  const value = {
    labels: { x: 'y' },
    ports: [{ port: 80, name: 'a' }],
    nested: { a: 1, deep: {} },
    rules: [{ a: 1 }],
    any: { q: { r: [1] } },
  }
  expect(encodeFields(collectFields(type, value))).toEqual({
    'f:any': { 'f:q': { '.': {}, 'f:r': {} } },
    'f:labels': { 'f:x': {} },
    'f:nested': { 'f:a': {}, 'f:deep': {} },
    'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:name': {}, 'f:port': {} } },
    'f:rules': {},
  })
})

test('what is null or an empty map is held itself; an empty list of elements is not', () => {
  expect(encodeFields(collectFields(type, { labels: {}, nested: null, finalizers: null, ports: [], any: {} }))).toEqual({
    'f:any': {},
    'f:finalizers': {},
    'f:labels': {},
    'f:nested': {},
  })
})

test('elements that share a key are one leaf, another than one of them alone', () => {
  const [one, two] = [
    { port: 1, name: 'a' },
    { port: 1, name: 'b' },
  ]
  const wire = (old: Json, next: Json) =>
    Object.values(compareFields(type, { ports: old }, { ports: next })).map((set) => encodeFields(set))
  const leaf = { 'f:ports': { 'k:{"port":1,"protocol":"TCP"}': {} } }
  const whole = { 'f:ports': { 'k:{"port":1,"protocol":"TCP"}': { '.': {}, 'f:name': {}, 'f:port': {} } } }
  expect(wire([one, two], [one, one])).toEqual([{}, leaf, {}])
  expect(wire([one, two], [two])).toEqual([whole, {}, leaf])
  expect(wire([one], [one, two])).toEqual([leaf, {}, whole])
})

test('a change adds what is new with its containers; a struct that is always there is never new', () => {
  const { added, modified, removed } = compareFields(
    type,
    { labels: { x: 'y' }, rules: [{ a: 1 }], finalizers: ['a', 'b'] },
    { labels: { x: 'z', w: 'v' }, nested: { a: 1 }, strategy: { type: 'T' }, rules: [{ a: 2 }], finalizers: ['b', 'c'] },
  )
  expect(encodeFields(added)).toEqual({
    'f:finalizers': { 'v:"c"': {} },
    'f:labels': { 'f:w': {} },
    'f:nested': { '.': {}, 'f:a': {} },
    'f:strategy': { 'f:type': {} },
  })
  expect(encodeFields(modified)).toEqual({ 'f:labels': { 'f:x': {} }, 'f:rules': {} })
  expect(encodeFields(removed)).toEqual({ 'f:finalizers': { 'v:"a"': {} } })
})

describe('merging lists', () => {
  const merged = (live: string[], given: string[]) => mergeConfiguration({ is: 'set', items: text }, live, given)
  test.each([
    [['a', 'b'], ['c'], ['a', 'b', 'c']],
    [
      ['a', 'b', 'c'],
      ['c', 'a'],
      ['b', 'c', 'a'],
    ],
    [
      ['a', 'x', 'b'],
      ['a', 'b'],
      ['a', 'x', 'b'],
    ],
    [
      ['x', 'b'],
      ['a', 'b'],
      ['x', 'a', 'b'],
    ],
    [[], ['a'], ['a']],
  ])('%j with %j', (live, given, expected) => expect(merged(live, given)).toEqual(expected))
})

describe('apply', () => {
  test('what is named no more goes, what others hold stays', () => {
    const first = apply({}, none, 'one', { labels: { x: '1', y: '1' }, nested: { deep: { b: 1 } } })
    const second = apply(first.object, first.holdings, 'two', { labels: { y: '1', z: '1' } })
    const third = apply(second.object, second.holdings, 'one', { labels: { x: '1' } })
    expect(third.object).toEqual({ labels: { x: '1', y: '1', z: '1' } })
    expect(shown(third.holdings)).toEqual({ one: { 'f:labels': { 'f:x': {} } }, two: { 'f:labels': { 'f:y': {}, 'f:z': {} } } })
  })
  test('another value is a conflict unless forced; the same is shared', () => {
    const first = apply({}, none, 'one', { labels: { x: '1' } })
    expect(apply(first.object, first.holdings, 'two', { labels: { x: '1' } }).unchanged).toBe(true)
    let conflicts: unknown
    try {
      apply(first.object, first.holdings, 'two', { labels: { x: '2' } })
    } catch (error) {
      conflicts = (error as ApplyConflicts).conflicts
    }
    expect(conflicts).toEqual([{ manager: 'one', path: ['f:labels', 'f:x'] }])
    const forced = apply(first.object, first.holdings, 'two', { labels: { x: '2' } }, true)
    expect(forced.object).toEqual({ labels: { x: '2' } })
    expect(shown(forced.holdings)).toEqual({ two: { 'f:labels': { 'f:x': {} } } })
  })
  test('elements of a list belong to those who named them; what was added by others within stays', () => {
    const first = apply({}, none, 'one', { ports: [{ port: 80, name: 'a' }, { port: 81 }] })
    const defaulted = {
      ports: [
        { port: 80, name: 'a', protocol: 'TCP' },
        { port: 81, protocol: 'TCP' },
      ],
    }
    const second = apply(defaulted as Json, first.holdings, 'one', { ports: [{ port: 80 }] })
    expect(second.object).toEqual({ ports: [{ port: 80, protocol: 'TCP' }] })
  })
  test('what is always there in some form still goes when it is named no more', () => {
    const first = apply({}, none, 'one', { rules: [{ a: 1 }], strategy: { type: 'T' }, labels: { x: '1' } })
    expect(apply(first.object, first.holdings, 'one', { labels: { x: '1' } }).object).toEqual({ labels: { x: '1' } })
  })
  test('a write takes what it changes; what it removes is held by nobody', () => {
    const first = apply({}, none, 'one', { labels: { x: '1', y: '1' } })
    const after = holdingsAfterUpdate(change(first.holdings, 'editor'), first.object, { labels: { x: '2' } })
    expect(shown(after)).toEqual({ editor: { 'f:labels': { 'f:x': {} } } })
  })
  test('what was held in a version that is gone is forgotten', () => {
    const gone: Holdings = new Map([['old', { apiVersion: 'v0', fields: setOf(['f:labels', 'f:x']), applied: true }]])
    expect(shown(apply({ labels: { x: '1' } }, gone, 'one', { labels: { x: '2' } }).holdings)).toEqual({
      one: { 'f:labels': { 'f:x': {} } },
    })
  })
})

test.each([
  [{ foo: 1 }, '.foo: field not declared in schema'],
  [{ nested: { a: 'x' } }, '.nested.a: expected numeric (int or float), got string'],
  [{ labels: { x: 1 } }, '.labels.x: expected string, got &value.valueUnstructured{Value:1}'],
  [{ ports: {} }, '.ports: expected list, got &{map[]}'],
  [
    { ports: [{ name: 'a' }] },
    `.ports: element 0: associative list with keys has an element that omits key field "port" (and doesn't have default value)`,
  ],
  [{ ports: [{ port: 1 }, { port: 1 }] }, '.ports: duplicate entries for key [port=1,protocol="TCP"]'],
  [{ rules: [{ b: 1 }] }, '.rules[0].b: field not declared in schema'],
])('%j is no value of its type', (value, fault) => expect(typeFaults(type, value as Json)).toEqual([fault]))
