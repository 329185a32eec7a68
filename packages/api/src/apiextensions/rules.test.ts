import { expect, test } from 'vitest'
import { collect } from '../checks/faults.ts'
import { checkRules } from './rules.ts'

const faults = (...rules: object[]) =>
  collect((found) => {
    checkRules(found, { 'x-kubernetes-validations': rules } as never, 'spec')
  }).map(({ field, body }) => `${field}: ${body}`)

test('rules can be read and say what they mean', () => {
  const at = 'spec.x-kubernetes-validations[0]'
  expect(faults({ rule: 'self.a == 1', message: 'a is 1', reason: 'FieldValueForbidden', fieldPath: '.a' })).toEqual([])
  expect(faults({ rule: ' ' })).toEqual([`${at}.rule: Required value: rule is not specified`])
  expect(faults({ rule: 'true', message: 'a\nb' })).toEqual([`${at}.message: Invalid value: "a\\nb": message must not contain line breaks`])
  expect(faults({ rule: 'true &&\ntrue' })).toEqual([
    `${at}.message: Required value: message must be specified if rule contains line breaks`,
  ])
  expect(faults({ rule: 'true', reason: 'Other' })).toEqual([
    `${at}.reason: Unsupported value: "Other": supported values: "FieldValueRequired", "FieldValueInvalid", "FieldValueForbidden", "FieldValueDuplicate"`,
  ])
  expect(faults({ rule: 'self.a =' })[0]).toMatch(
    /\.rule: Invalid value: apiextensions\.ValidationRule\{.*\}: compilation failed: ERROR: <input>:1:8: Syntax error/,
  )
})
