import { invalidValue, notSupported, quoted, required } from '@skiff/machinery'
import type { Faults } from '../../checks/faults.ts'
import type { JSONSchemaProps, ValidationRule } from '../../generated/types.ts'
import { readFieldPath } from '../field-path.ts'

const reasons = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired']
const hasBreaks = (text: string): boolean => /[\r\n]/.test(text)

/** What the validation rules of a schema say, whatever their expressions mean. */
export const checkRuleTexts = (faults: Faults, schema: JSONSchemaProps, path: string): void => {
  schema['x-kubernetes-validations']?.forEach((rule, index) => {
    checkRule(faults, schema, rule, `${path}.x-kubernetes-validations[${index}]`)
  })
}

const checkRule = (faults: Faults, schema: JSONSchemaProps, given: Partial<ValidationRule>, path: string): void => {
  const { message = '', messageExpression, reason, fieldPath = '' } = given
  const rule = given.rule?.trim() ?? ''
  if (rule === '') faults.push(required(`${path}.rule`, 'rule is not specified'))
  else if (message !== '' && message.trim() === '')
    faults.push(invalidValue(`${path}.message`, message, 'message must be non-empty if specified'))
  else if (hasBreaks(message.trim())) faults.push(invalidValue(`${path}.message`, message, 'message must not contain line breaks'))
  else if (hasBreaks(rule) && message === '')
    faults.push(required(`${path}.message`, 'message must be specified if rule contains line breaks'))
  if (messageExpression?.trim() === '' && messageExpression !== '')
    faults.push(required(`${path}.messageExpression`, 'messageExpression must be non-empty if specified'))
  if (reason !== undefined && !reasons.includes(reason)) faults.push(notSupported(`${path}.reason`, reason, reasons))
  checkFieldPath(faults, schema, fieldPath, `${path}.fieldPath`)
}

const checkFieldPath = (faults: Faults, schema: JSONSchemaProps, fieldPath: string, path: string): void => {
  if (fieldPath === '') return
  if (fieldPath.trim() === '') faults.push(invalidValue(path, fieldPath, 'fieldPath must be non-empty if specified'))
  if (hasBreaks(fieldPath)) faults.push(invalidValue(path, fieldPath, 'fieldPath must not contain line breaks'))
  if (typeof readFieldPath(fieldPath, schema) === 'string') faults.push(invalidValue(path, fieldPath, 'fieldPath must be a valid path'))
}

/** A rule as Go prints it. */
export const goRule = ({ rule = '', message = '', messageExpression = '', fieldPath = '' }: Partial<ValidationRule>): string =>
  `apiextensions.ValidationRule{Rule:${quoted(rule)}, Message:${quoted(message)}, MessageExpression:${quoted(messageExpression)}, Reason:(*apiextensions.FieldValueErrorReason)(nil), FieldPath:${quoted(fieldPath)}, OptionalOldSelf:(*bool)(nil)}`
