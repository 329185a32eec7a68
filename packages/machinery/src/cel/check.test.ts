import { expect, test } from 'vitest'
import { compileCel } from './compile.ts'
import { dynType, listType, mapType, objectType, optionalType, type StaticType, shownType, simpleType } from './static-types.ts'

const [text, int] = [simpleType('string'), simpleType('int')]
const port = objectType('self.ports', new Map([['name', text]]))
const self = objectType(
  'self',
  new Map<string, StaticType>([
    ['name', text],
    ['size', int],
    ['share', simpleType('double')],
    ['any', dynType],
    ['tags', listType(text)],
    ['ports', listType(port)],
    ['labels', mapType(text, text)],
    ['since', simpleType('timestamp')],
    ['spec', objectType('self.spec', new Map([['on', simpleType('bool')]]))],
  ]),
)
const declared = new Map([
  ['self', self],
  ['oldSelf', optionalType(self)],
])

test.each([
  ['self.size > 1 && self.name != ""', 'bool'],
  ['self.ports.all(p, p.name.startsWith("a")) || self.labels.exists(k, self.labels[k] == k)', 'bool'],
  ['self.ports.map(p, p.name)', 'list(string)'],
  ['self.tags.filter(t, t != "")', 'list(string)'],
  ['self.labels.transformMap(k, v, size(v))', 'map(string, int)'],
  ['self.any', 'dyn'],
  ['self.any + 1', 'int'],
  ['self.size > 1.5 ? [1] : []', 'list(int)'],
  ['has(self.spec.on) ? self.spec.on : false', 'bool'],
  ['oldSelf.?size.orValue(0)', 'int'],
  ['oldSelf.size', 'optional_type(int)'],
  ['oldSelf.optMap(o, o.name).orValue("")', 'string'],
  ['self.tags[?0]', 'optional_type(string)'],
  ['cel.bind(x, self.size, x * 2)', 'int'],
  ['{"a": [1]}.a', 'list(int)'],
  ['type(self.size) == int', 'bool'],
  ['self.since + duration("1h")', 'timestamp'],
  ['quantity("1").add(2).isGreaterThan(quantity(self.name))', 'bool'],
  ['self.since.getHours("UTC")', 'int'],
  ['"%s".format([self.size])', 'string'],
  ['self.size == null', 'no'],
  ['self.spec == null', 'bool'],
  ['sets.contains(self.tags, ["a"])', 'bool'],
  ['url(self.name).getQuery()["a"].exists(x, x == "b")', 'bool'],
  ['dyn(self.name) == 1', 'bool'],
  ['[self.tags, [[]][0]]', 'list(list(string))'],
])('%s is of type %s', (source, type) => {
  if (type === 'no') expect(() => compileCel(source, declared)).toThrow("found no matching overload for '_==_' applied to '(int, null)'")
  else expect(shownType(compileCel(source, declared).type)).toBe(type)
})

test.each([
  ['self.missing', '1:5', "undefined field 'missing'"],
  ['other.x', '1:1', "undeclared reference to 'other' (in container '')"],
  ['constructor == 1', '1:1', "undeclared reference to 'constructor' (in container '')"],
  ['self.constructor(x, x)', '1:17', "undeclared reference to 'constructor' (in container '')"],
  ['self.frob()', '1:10', "undeclared reference to 'frob' (in container '')"],
  ['semver("1.0.0")', '1:7', "undeclared reference to 'semver' (in container '')"],
  ['self.name == 1', '1:11', "found no matching overload for '_==_' applied to '(string, int)'"],
  ['self.size + self.share', '1:11', "found no matching overload for '_+_' applied to '(int, double)'"],
  ['self.name.startsWith(1)', '1:21', "found no matching overload for 'startsWith' applied to 'string.(int)'"],
  ['size(1)', '1:5', "found no matching overload for 'size' applied to '(int)'"],
  ['self.size && true', '1:5', "expected type 'bool' but found 'int'"],
  ['self.name.x', '1:10', "type 'string' does not support field selection"],
  ['self.size.all(x, true)', '1:5', "expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)"],
  ['self.tags.all(t, t)', '1:18', "expected type 'bool' but found 'string'"],
  ['self.tags.filter(t, 1)', '1:17', "found no matching overload for '_?_:_' applied to '(int, list(string), list(string))'"],
  ['[1, "a"]', '1:5', "expected type 'int' but found 'string'"],
  ['self.labels[1]', '1:12', "found no matching overload for '_[_]' applied to '(map(string, string), int)'"],
  ['1 in self.tags', '1:3', "found no matching overload for '@in' applied to '(int, list(string))'"],
  ['has(self)', '1:5', 'invalid argument to has() macro'],
  ['self.name.matches("[")', '1:19', 'invalid matches argument'],
  ['duration("x") > duration("1s")', '1:10', 'invalid duration argument'],
])('%s is refused at %s: %s', (source, at, message) => {
  const column = Number(at.split(':')[1])
  expect(() => compileCel(source, declared)).toThrow(`ERROR: <input>:${at}: ${message}\n | ${source}\n | ${'.'.repeat(column - 1)}^`)
})

test('all faults are told, in the order of their places', () => {
  expect(() => compileCel('self.a == 1 &&\n  self.b == 2', declared)).toThrow(
    "ERROR: <input>:1:5: undefined field 'a'\n | self.a == 1 &&\n | ....^\nERROR: <input>:2:7: undefined field 'b'\n |   self.b == 2\n | ......^",
  )
})
