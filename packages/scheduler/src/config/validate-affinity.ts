import type { NodeAffinity, NodeSelectorRequirement, NodeSelectorTerm } from '@skiff/api'
import { type FieldError, invalidValue, isLabelValue, isQualifiedName, notSupported } from '@skiff/machinery'

/** As Go prints a list of texts. */
const shownList = (values: readonly string[]): string =>
  values.length === 0 ? '[]string{}' : `[]string{${values.map((each) => JSON.stringify(each)).join(', ')}}`
const badValues = (at: string, values: readonly string[], detail: string): FieldError => ({
  reason: 'FieldValueInvalid',
  field: `${at}.values`,
  body: `Invalid value: ${shownList(values)}: ${detail}`,
})

const integer = /^[+-]?\d+$/
const isInt64 = (text: string): boolean => {
  if (!integer.test(text)) return false
  const value = BigInt(text.replace('+', ''))
  return BigInt.asIntN(64, value) === value
}

const checkNumber = (faults: FieldError[], at: string, values: readonly string[]): void => {
  if (values.length !== 1) faults.push(badValues(at, values, "for 'Gt', 'Lt' operators, exactly one value is required"))
  for (const [index, value] of values.entries())
    if (!isInt64(value))
      faults.push(invalidValue(`${at}.values[${index}]`, value, "for 'Gt', 'Lt' operators, the value must be an integer"))
}

const operators = ['DoesNotExist', 'Exists', 'Gt', 'In', 'Lt', 'NotIn']
const checkExpression = (faults: FieldError[], at: string, { key, operator, values = [] }: NodeSelectorRequirement): void => {
  if (!operators.includes(operator)) {
    faults.push(notSupported(`${at}.operator`, operator, operators))
    return
  }
  const wrong = isQualifiedName(key)
  if (wrong.length > 0) faults.push(invalidValue(`${at}.key`, key, wrong.join('; ')))
  if ((operator === 'In' || operator === 'NotIn') && values.length === 0)
    faults.push(badValues(at, values, "for 'in', 'notin' operators, values set can't be empty"))
  if ((operator === 'Exists' || operator === 'DoesNotExist') && values.length > 0)
    faults.push(badValues(at, values, 'values set must be empty for exists and does not exist'))
  if (operator === 'Gt' || operator === 'Lt') checkNumber(faults, at, values)
  for (const [index, value] of values.entries()) {
    const messages = isLabelValue(value)
    if (messages.length > 0) faults.push(invalidValue(`${at}.values[${index}][${key}]`, value, messages.join('; ')))
  }
}

/** By its name a node is one or is not. */
const checkField = (faults: FieldError[], at: string, { operator, values = [] }: NodeSelectorRequirement): void => {
  if (operator !== 'In' && operator !== 'NotIn') faults.push(notSupported(`${at}.operator`, operator, ['In', 'NotIn']))
  else if (values.length !== 1) faults.push(badValues(at, values, 'must have one element'))
}

const checkTerm = (faults: FieldError[], path: string, { matchExpressions = [], matchFields = [] }: NodeSelectorTerm): void => {
  for (const [index, each] of matchExpressions.entries()) checkExpression(faults, `${path}.matchExpressions[${index}]`, each)
  for (const [index, each] of matchFields.entries()) checkField(faults, `${path}.matchFields[${index}]`, each)
}

/** What is wrong with the terms of an affinity, as upstream finds when it reads them. */
export const checkAffinity = (faults: FieldError[], path: string, affinity: NodeAffinity | undefined): void => {
  const terms = affinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
  const required = `${path}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms`
  for (const [index, term] of terms.entries()) checkTerm(faults, `${required}[${index}]`, term)
  const preferred = `${path}.preferredDuringSchedulingIgnoredDuringExecution`
  for (const [index, { weight, preference }] of (affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).entries())
    if (weight !== 0) checkTerm(faults, `${preferred}[${index}]`, preference ?? {})
}
