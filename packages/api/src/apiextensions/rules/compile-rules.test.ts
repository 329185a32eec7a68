import { expect, test } from 'vitest'
import { collect } from '../../checks/faults.ts'
import type { JSONSchemaProps } from '../../generated/types.ts'
import { compileRules } from './compile-rules.ts'

const faults = (schema: object, suppressed = false) =>
  collect((found) => compileRules(found, schema as JSONSchemaProps, 's', [], suppressed)).map(({ field, body }) => `${field}: ${body}`)

/** The estimate of a rule, out of the text that tells how far it is beyond what all rules may cost: they are many in here. */
const estimate = (schema: object, rule: string, at = 10_000_001): number => {
  const found = faults({
    type: 'object',
    properties: { a: { type: 'array', maxItems: at, items: { ...schema, 'x-kubernetes-validations': [{ rule }] } } },
  })
  const factor = /estimated rule cost exceeds budget by factor of ([\d.]+)x/.exec(found[0] ?? '')
  return factor ? Math.round((Number(factor[1]) * 10_000_000) / at) : -1
}

const list = (items: object, maxItems?: number) => ({ type: 'array', items, ...(maxItems === undefined ? {} : { maxItems }) })
const map = (additionalProperties: object, maxProperties?: number) => ({
  type: 'object',
  additionalProperties,
  ...(maxProperties === undefined ? {} : { maxProperties }),
})
const text = (maxLength?: number) => ({ type: 'string', ...(maxLength === undefined ? {} : { maxLength }) })
const number = { type: 'number' }

// The numbers are those of upstream's own tests.
test.each<[object, string, number]>([
  [list(number, 10), 'self.all(x, true)', 32],
  [list(text(), 20), 'self.all(x, true)', 62],
  [map(number, 10), 'self.all(x, true)', 32],
  [text(10), "self.contains('test')", 5],
  [text(), "self.startsWith('test')", 2],
  [text(4), 'size(self + "hello") > size("hello")', 7],
  [list(number), 'self[1] == 0.0', 2],
  [text(50), 'self.matches("x")', 22],
  [text(), '"".matches("(((((((((())))))))))[0-9]")', 7],
  [text(), 'self.matches("")', 1],
  [map(number, 0), 'self["x"] == 0.0', 2],
  [text(), 'self == "x"', 2],
  [text(0), 'self == "x"', 1],
  [list({ 'x-kubernetes-int-or-string': true }, 10), 'self[0] == 5', 3],
  [list(list(number)), 'self[0][0] == -1.0', 3],
  [list(map(number), 12), 'self.all(x, x.y == 25.2)', 74],
  [list(map(number)), 'self[0].x > 2.0', 4],
  [list({ type: 'string', format: 'duration' }), 'self[0].getHours() == 2', 4],
])('%j: %s costs %d', (schema, rule, cost) => expect(estimate(schema, rule)).toBe(cost))

test('loops within loops multiply, and what nothing limits is beyond all that there may be', () => {
  expect(estimate(list(number, 10), 'self.all(x, self.all(y, true))', 1_000_001)).toBe(352)
  expect(faults({ ...list(number), 'x-kubernetes-validations': [{ rule: 'self.all(x, self.all(y, true))' }] })).toEqual([
    's.x-kubernetes-validations[0].rule: Forbidden: estimated rule cost exceeds budget by factor of more than 100x (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)',
    's.x-kubernetes-validations[0].rule: Forbidden: contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema',
    's: Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds budget by factor of more than 100x (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)',
  ])
})

const ruled = (rule: object) => ({ 'x-kubernetes-validations': [rule] })
test('rules are of type bool, their messages of type string, and speak of the past where it can be told', () => {
  const at = 's.x-kubernetes-validations[0]'
  const object = { type: 'object', properties: { a: { type: 'integer' }, 'b-c': text(), namespace: text() } }
  expect(
    faults({ ...object, ...ruled({ rule: 'self.a > 0 && self.b__dash__c == self.__namespace__', messageExpression: 'string(self.a)' }) }),
  ).toEqual([])
  expect(faults({ ...object, ...ruled({ rule: 'self.a' }) })[0]).toMatch(/: cel expression must evaluate to a bool$/)
  expect(faults({ ...object, ...ruled({ rule: 'true', messageExpression: 'self.a' }) })[0]).toMatch(
    /^s\.x-kubernetes-validations\[0\]\.messageExpression: Invalid value: apiextensions\.ValidationRule\{.*\}: messageExpression must evaluate to a string$/,
  )
  expect(faults({ ...object, ...ruled({ rule: 'self.z == 1' }) })[0]).toMatch(
    /: compilation failed: ERROR: <input>:1:5: undefined field 'z'\n \| self\.z == 1\n \| \.\.\.\.\^$/,
  )
  expect(faults({ ...object, ...ruled({ rule: 'self.metadata.name == self.kind && self.a == oldSelf.a' }) })).toEqual([])
  expect(faults({ ...object, ...ruled({ rule: 'self.metadata.labels.size() > 0' }) })[0]).toContain("undefined field 'labels'")
  expect(faults({ ...object, ...ruled({ rule: 'true', optionalOldSelf: true }) })).toEqual([
    `${at}.optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule`,
  ])
  expect(faults({ ...object, ...ruled({ rule: 'oldSelf.hasValue() || self.a == 1', optionalOldSelf: true }) })).toEqual([])
  const inList = { type: 'object', properties: { l: list({ type: 'integer', ...ruled({ rule: 'self == oldSelf' }) }, 3) } }
  expect(faults(inList)).toEqual([
    's.properties[l].items.x-kubernetes-validations[0].rule: Invalid value: "self == oldSelf": oldSelf cannot be used on the uncorrelatable portion of the schema within s.properties[l]',
  ])
})

test('texts whose length nothing tells are beyond every limit, as upstream has it', () => {
  const schema = { type: 'object', properties: { attempts: { type: 'integer' } } }
  const rule = { rule: 'self.attempts >= 0', messageExpression: "'invalid attempts: ' + string(self.attempts)" }
  expect(faults({ ...schema, ...ruled(rule) })[0]).toMatch(
    /messageExpression: Forbidden: estimated messageExpression cost exceeds budget by factor of more than 100x/,
  )
})

test('what was let through before is not held against a schema for the cost of one rule', () => {
  const schema = { ...list(text(), 10000), ...ruled({ rule: 'self.all(x, self.all(y, x == y))' }) }
  expect(faults(schema)[0]).toContain('estimated rule cost exceeds budget')
  expect(faults(schema, true)[0]).toContain('contributed to estimated rule cost total')
})
