import { expect, test } from 'vitest'
import { type Json, putKey, sameJson } from '../json/value.ts'
import { seededRandom } from '../seeded.ts'
import { dumpYaml } from './dump.ts'
import { loadYaml, loadYamlAll } from './load.ts'

// Values and texts were compared with sigs.k8s.io/yaml.

const value = (text: string) => loadYaml(text).value

test('scalars as YAML 1.1 of Kubernetes has them', () => {
  expect(value('[yes, no, on, off, y, n, True, tRUE, ~, null, nULL]')).toEqual([
    true,
    false,
    true,
    false,
    true,
    false,
    true,
    'tRUE',
    null,
    null,
    'nULL',
  ])
  expect(value('[010, 08, 0o7, 0x1F, 0b11, 1_000, +1, -5]')).toEqual([8, 8, 7, 31, 3, 1000, 1, -5])
  expect(value('[1e3, .5, 1., 1:30, 12:30:45, 100m, 1e, e1]')).toEqual([1000, 0.5, 1, '1:30', '12:30:45', '100m', '1e', 'e1'])
  expect(value('[2024-05-01, 2024-05-01T10:00:00Z]')).toEqual(['2024-05-01', '2024-05-01T10:00:00Z'])
  expect(value('[9007199254740993, 9223372036854775807, 9223372036854775808]')).toEqual([9007199254740993n, 9223372036854775807n, 2 ** 63])
  expect(value('[!!str 10, !!int "3", !!float 3, !x y, !!binary aGk=, "1", \'yes\']')).toEqual(['10', 3, 3, 'y', 'hi', '1', 'yes'])
})

test('keys become text, awkward ones stay harmless', () => {
  expect(value('1: a\n1.5: b\ntrue: c\n0x10: d')).toEqual({ 1: 'a', '1.5': 'b', true: 'c', 16: 'd' })
  const awkward = value('__proto__: {x: 1}\nconstructor: 2\n10: 3') as object
  expect(Object.keys(awkward).sort()).toEqual(['10', '__proto__', 'constructor'])
  expect(Object.getPrototypeOf(awkward)).toBe(Object.prototype)
})

test('anchors, aliases and merge keys', () => {
  expect(value('a: &x {b: 1}\nc: *x')).toEqual({ a: { b: 1 }, c: { b: 1 } })
  expect(value('base: &b {x: 1, z: 2}\nd:\n  <<: *b\n  z: 3')).toEqual({ base: { x: 1, z: 2 }, d: { x: 1, z: 3 } })
  expect(value('a: &a {x: 1}\nb: &b {x: 2, z: 3}\ne:\n  <<: [*a, *b]')).toMatchObject({ e: { x: 1, z: 3 } })
  expect(value('"<<": 1')).toEqual({ '<<': 1 })
})

test('an alias bomb is refused', () => {
  const levels = Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join(', ')}]`)
  expect(() => loadYaml(['a0: &a0 [lol, lol]', ...levels].join('\n'))).toThrow('yaml: document contains excessive aliasing')
})

test('duplicate keys are named together, the last stands', () => {
  expect(loadYaml('a:\n  b: 1\n  b: 2\nc: 1\nc: 3')).toEqual({
    value: { a: { b: 2 }, c: 3 },
    duplicates: ['yaml: unmarshal errors:\n  line 3: key "b" already set in map\n  line 5: key "c" already set in map'],
  })
})

test.each([
  ['a: b: c', 'yaml: mapping values are not allowed in this context'],
  ['x: 1\na: b\n c: d', 'yaml: line 3: mapping values are not allowed in this context'],
  ['a:\n\t- b', 'yaml: line 2: found character that cannot start any token'],
  ['a: [1, 2', "yaml: line 1: did not find expected ',' or ']'"],
  ['{', 'yaml: line 1: did not find expected node content'],
  ['x: 1\na: {\n', 'yaml: line 2: did not find expected node content'],
  ['{"a":1', "yaml: line 1: did not find expected ',' or '}'"],
  ["a: 'b\n", 'yaml: line 2: found unexpected end of stream'],
  ['a: |\n b\n c: d\ne', "yaml: line 5: could not find expected ':'"],
  ['\t', 'yaml: found character that cannot start any token'],
  ['\n \ta: b', 'yaml: line 2: found character that cannot start any token'],
  ['a: b\n\tc: d', 'yaml: line 2: found a tab character that violates indentation'],
  ['- a\nb: c', "yaml: line 1: did not find expected '-' indicator"],
  ['a: }', 'yaml: did not find expected node content'],
  ['%YAML 3.0\n---\na', 'yaml: found incompatible YAML document'],
  ['a: @x', 'yaml: found character that cannot start any token'],
  ['a: *x', "yaml: unknown anchor 'x' referenced"],
  ['a: &a [*a]', "yaml: anchor 'a' value contains itself"],
  ['a: !!int x', 'yaml: cannot decode !!str `x` as a !!int'],
  ['<<: 5', 'yaml: map merge requires map or sequence of maps as the value'],
  ['a: .inf', 'json: unsupported value: +Inf'],
  ['[a, {b: [', 'yaml: line 1: did not find expected node content'],
])('complaint about %j', (text, message) => expect(() => loadYaml(text)).toThrow(new Error(message)))

test('a stream of documents', () => {
  const stream = '# head\n---\na: 1\n--- # next\n{"b":"2"}\n---\n\n---\n- c\n'
  expect(loadYamlAll(stream).map((each) => each.value)).toEqual([{ a: 1 }, { b: '2' }, ['c']])
  expect(loadYamlAll('').length).toBe(0)
  expect(value('a: 1\n---\nb: 2')).toEqual({ a: 1 })
})

test('prints as kubectl does', () => {
  const object = {
    metadata: { name: 'a', creationTimestamp: '2024-05-01T10:00:00Z', labels: { a10: '1', a9: 'true', '10': 'null', 'b/c': '' } },
    apiVersion: 'v1',
    data: {
      script: '#!/bin/sh\necho hi\n',
      tail: 'x\ny',
      tab: 'a\tb\n',
      odd: 'it: is',
      dash: '- a',
      time: '12:30',
      long: 'word '.repeat(20).trim(),
      gone: undefined,
    },
    list: [{ a: 1, b: [] }, [1.5, 1234567.5, 2 ** 53, 9007199254740993n], {}],
  }
  expect(dumpYaml(object)).toBe(`apiVersion: v1
data:
  dash: '- a'
  long: word word word word word word word word word word word word word word word
    word word word word word
  odd: 'it: is'
  script: |
    #!/bin/sh
    echo hi
  tab: "a\\tb\\n"
  tail: |-
    x
    y
  time: "12:30"
list:
- a: 1
  b: []
- - 1.5
  - 1.2345675e+06
  - 9007199254740992
  - 9007199254740993
- {}
metadata:
  creationTimestamp: "2024-05-01T10:00:00Z"
  labels:
    "10": "null"
    a9: "true"
    a10: "1"
    b/c: ""
  name: a
`)
})

test('seeded values come back', () => {
  const random = seededRandom(5)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
  const words = [
    'a',
    'true',
    'y',
    '~',
    '',
    '1',
    '010',
    '1e3',
    '12:30',
    '2024-05-01',
    '-',
    '- a',
    'a: b',
    'a #b',
    '*x',
    '&y',
    '%p',
    "it's",
    '?',
    ': x',
    '---',
  ]
  const more = [
    'a\nb',
    'a\n\n',
    ' a',
    'a ',
    'a \nb',
    '\tb',
    'é',
    '😀',
    '\u0085',
    '\u2028',
    '\r\n',
    '<<',
    '=',
    '__proto__',
    'constructor',
    '10',
    'word '.repeat(30),
    'a  b '.repeat(30),
  ]
  const text = () => pick([...words, ...more]) + (random() < 0.2 ? pick([...words, ...more]) : '')
  const make = (depth: number): Json => {
    const kind = random() * (depth > 4 ? 0.5 : 1)
    if (kind < 0.4) return text()
    if (kind < 0.5) return pick([0, -1, 1.5, 1e21, 1e-7, true, false, null, 9007199254740993n])
    if (kind < 0.7) return Array.from({ length: Math.floor(random() * 4) }, () => make(depth + 1))
    const object: { [key: string]: Json } = {}
    for (let i = Math.floor(random() * 5); i > 0; i--) putKey(object, text(), make(depth + 1))
    return object
  }
  for (let round = 0; round < 500; round++) {
    const made = { root: make(0) }
    expect(sameJson(value(dumpYaml(made)), made), dumpYaml(made)).toBe(true)
  }
})
