import { expect, test } from 'vitest'
import { collect } from '../../checks/faults.ts'
import { checkRuleTexts } from './rule-texts.ts'

const faults = (...rules: object[]) =>
  collect((found) => {
    checkRuleTexts(found, { type: 'object', properties: { a: { type: 'string' } }, 'x-kubernetes-validations': rules } as never, 'spec')
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
    `${at}.reason: Unsupported value: "Other": supported values: "FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"`,
  ])
  expect(faults({ rule: 'true', fieldPath: '.b' })).toEqual([`${at}.fieldPath: Invalid value: ".b": fieldPath must be a valid path`])
  expect(faults({ rule: 'true', fieldPath: ' ' })[0]).toBe(`${at}.fieldPath: Invalid value: " ": fieldPath must be non-empty if specified`)
})
