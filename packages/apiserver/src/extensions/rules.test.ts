import { expect, test } from 'vitest'
import { checkRules } from './rules.ts'

const ruled = (rule: object, more: object = {}) => ({ type: 'object', ...more, 'x-kubernetes-validations': [rule] }) as never
const told = (schema: never, value: object, old?: object, warnings?: string[]) =>
  checkRules(schema, value as never, old as never, warnings).map(({ field, body }) => `${field}: ${body}`)

const numbers = { properties: { a: { type: 'array', items: { type: 'integer' } } } }
const many = { a: Array.from({ length: 2000 }, (_, index) => index) }

test('a rule ends that costs too much, and those after it do not run', () => {
  const rule = 'self.a.all(x, self.a.all(y, x + y >= 0))'
  const schema = { ...(ruled({ rule }, numbers) as object), 'x-kubernetes-validations': [{ rule }, { rule: 'false' }] } as never
  expect(told(schema, many)).toEqual([
    `<nil>: Invalid value: "object": 'operation cancelled: actual cost limit exceeded': no further validation rules will be run due to call cost exceeds limit for rule: ${rule}`,
  ])
})

test('all rules of an object share one budget', () => {
  const rule = 'self.a.all(x, x >= 0 && x >= 0 && x >= 0)'
  const schema = { type: 'object', ...numbers, 'x-kubernetes-validations': Array.from({ length: 600 }, () => ({ rule })) } as never
  expect(told(schema, many)).toEqual([
    '<nil>: Invalid value: "object": validation failed due to running out of cost budget, no further validation rules will be run',
  ])
})

test('what was broken before and did not change is warned of; transitions are not let off', () => {
  const item = ruled({ rule: 'self.v < 3', message: 'too large' }, { properties: { v: { type: 'integer' }, k: { type: 'string' } } })
  const list = { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'], items: item }
  const schema = { type: 'object', properties: { l: list, n: { type: 'integer' } } } as never
  const old = { l: [{ k: 'x', v: 5 }] }
  const warnings: string[] = []
  expect(
    told(
      schema,
      {
        l: [
          { k: 'new', v: 1 },
          { k: 'x', v: 5 },
        ],
        n: 1,
      },
      old,
      warnings,
    ),
  ).toEqual([])
  expect(warnings).toEqual(['l[1]: Invalid value: "object": too large'])
  expect(told(schema, { l: [{ k: 'x', v: 6 }] }, old)).toEqual(['l[0]: Invalid value: "object": too large'])
  const fixed = ruled({ rule: 'self == oldSelf && false', message: 'never' })
  expect(told(fixed, {}, {})).toEqual(['<nil>: Invalid value: "object": never'])
})

test('faults of evaluation, keys of maps, field paths and nulls', () => {
  const text = { type: 'string' }
  const any = ruled({ rule: 'self.p + 1 == 2' }, { properties: { p: { 'x-kubernetes-int-or-string': true } } })
  expect(told(any, { p: 'x' })).toEqual([
    `<nil>: Invalid value: "object": 'no such overload': call arguments did not match a supported operator, function or macro signature for rule: self.p + 1 == 2`,
  ])
  const map = {
    type: 'object',
    properties: {
      m: { type: 'object', additionalProperties: ruled({ rule: 'false', message: 'no', fieldPath: '.x' }, { properties: { x: text } }) },
    },
  } as never
  expect(told(map, { m: { 'a.b': {} } })).toEqual(['m[a.b].x: Invalid value: "object": no'])
  expect(told(map, { m: { a: null } })).toEqual([])
  const long = ruled({ rule: 'false', messageExpression: '"a\\nb"', message: 'plain' })
  expect(told(long, {})).toEqual(['<nil>: Invalid value: "object": plain'])
})
