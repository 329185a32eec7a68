import { CelError, invalidValue, notSupported, parseCel, quoted, required } from '@skiff/machinery'
import { type Faults, invalidShown } from '../checks/faults.ts'
import type { JSONSchemaProps, ValidationRule } from '../generated/types.ts'

const reasons = ['FieldValueRequired', 'FieldValueInvalid', 'FieldValueForbidden', 'FieldValueDuplicate']
const hasBreaks = (text: string): boolean => /[\r\n]/.test(text)

/** The validation rules of a schema: their texts, and that they can be read. */
export const checkRules = (faults: Faults, schema: JSONSchemaProps, path: string): void => {
  schema['x-kubernetes-validations']?.forEach((rule, index) => {
    checkRule(faults, rule, `${path}.x-kubernetes-validations[${index}]`)
  })
}

const checkRule = (faults: Faults, given: Partial<ValidationRule>, path: string): void => {
  const { message = '', messageExpression, reason, fieldPath } = given
  const rule = given.rule?.trim() ?? ''
  if (rule === '') faults.push(required(`${path}.rule`, 'rule is not specified'))
  if (message !== '' && message.trim() === '')
    faults.push(invalidValue(`${path}.message`, message, 'message must be non-empty if specified'))
  else if (hasBreaks(message.trim())) faults.push(invalidValue(`${path}.message`, message, 'message must not contain line breaks'))
  else if (hasBreaks(rule) && message === '')
    faults.push(required(`${path}.message`, 'message must be specified if rule contains line breaks'))
  if (messageExpression?.trim() === '' && messageExpression !== '')
    faults.push(required(`${path}.messageExpression`, 'messageExpression must be non-empty if specified'))
  if (reason !== undefined && !reasons.includes(reason)) faults.push(notSupported(`${path}.reason`, reason, reasons))
  if (fieldPath !== undefined && fieldPath.trim() === '')
    faults.push(invalidValue(`${path}.fieldPath`, fieldPath, 'fieldPath must be non-empty if specified'))
  if (rule !== '') checkExpression(faults, given, rule, `${path}.rule`)
  if (messageExpression?.trim()) checkExpression(faults, given, messageExpression, `${path}.messageExpression`)
}

const checkExpression = (faults: Faults, rule: Partial<ValidationRule>, source: string, path: string): void => {
  try {
    parseCel(source)
  } catch (error) {
    if (!(error instanceof CelError)) throw error
    faults.push(invalidShown(path, goRule(rule), `compilation failed: ${error.message}`))
  }
}

const goRule = ({ rule = '', message = '', messageExpression = '', fieldPath = '' }: Partial<ValidationRule>): string =>
  `apiextensions.ValidationRule{Rule:${quoted(rule)}, Message:${quoted(message)}, MessageExpression:${quoted(messageExpression)}, Reason:(*apiextensions.FieldValueErrorReason)(nil), FieldPath:${quoted(fieldPath)}, OptionalOldSelf:(*bool)(nil)}`
