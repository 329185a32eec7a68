import {
  type Declared,
  duplicate,
  dynType,
  invalidValue,
  isDns1035Label,
  isDns1123Subdomain,
  required,
  type StaticType,
} from '@skiff/machinery'
import { checkConditions } from '../checks/conditions.ts'
import { checkOneOf, checkSupported, collect, type Faults, invalidShown } from '../checks/faults.ts'
import { checkLabelName } from '../checks/label-selector.ts'
import { validatingAdmissionPolicy as resource } from '../generated/resources.ts'
import type {
  AuditAnnotation,
  ParamKind,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicySpec,
  ValidatingAdmissionPolicyStatus,
  Validation,
  Variable,
} from '../generated/types.ts'
import { defineKind } from '../kind.ts'
import { checkExpression, declaredFor, type Speaks } from './expressions.ts'
import { checkMatchConditions } from './match-conditions.ts'
import { checkMatchResources } from './match-resources.ts'

const mostAnnotations = 20
const longestAnnotation = 5 * 1024
const reasons = ['Forbidden', 'Invalid', 'RequestEntityTooLarge']

const celName = /^[_a-zA-Z][_a-zA-Z0-9]*$/
const celReserved = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(' '),
)

const checkSpec = (faults: Faults, spec: ValidatingAdmissionPolicySpec, name: string): void => {
  checkOneOf(faults, spec.failurePolicy, ['Fail', 'Ignore'], 'spec.failurePolicy')
  if (spec.paramKind) checkParamKind(faults, spec.paramKind)
  if (spec.matchConstraints === undefined) faults.push(required('spec.matchConstraints'))
  else {
    checkMatchResources(faults, spec.matchConstraints, 'spec.matchConstraints')
    if (!spec.matchConstraints.resourceRules?.length) faults.push(required('spec.matchConstraints.resourceRules'))
  }
  const params = spec.paramKind !== undefined
  checkMatchConditions(faults, spec.matchConditions, 'spec.matchConditions', params)
  const variables = new Map<string, StaticType>()
  spec.variables?.forEach((variable, index) => {
    const type = checkVariable(faults, variable, `spec.variables[${index}]`, declaredFor({ params, authorizer: true, variables }))
    variables.set(variable.name, type ?? dynType)
  })
  if (!spec.validations?.length && !spec.auditAnnotations?.length) {
    for (const field of ['validations', 'auditAnnotations'])
      faults.push(required(`spec.${field}`, 'validations or auditAnnotations must contain at least one item'))
    return
  }
  spec.validations?.forEach((validation, index) => {
    checkValidation(faults, validation, `spec.validations[${index}]`, { params, variables })
  })
  checkAnnotations(faults, spec.auditAnnotations ?? [], name, declaredFor({ params, variables }))
}

const checkParamKind = (faults: Faults, { apiVersion = '', kind = '' }: ParamKind): void => {
  const path = 'spec.paramKind.apiVersion'
  const parts = apiVersion.split('/')
  const [version = '', group = ''] = parts.toReversed()
  if (apiVersion === '') faults.push(required(path))
  else if (parts.length > 2) faults.push(invalidValue(path, apiVersion, `unexpected GroupVersion string: ${apiVersion}`))
  else {
    const ofGroup = group === '' ? [] : isDns1123Subdomain(group)
    if (ofGroup.length > 0) faults.push(invalidValue(path, group, ofGroup.join(',')))
    const ofVersion = version === '' ? ['version must be specified'] : isDns1035Label(version)
    if (ofVersion.length > 0) faults.push(invalidValue(path, version || apiVersion, ofVersion.join(',')))
  }
  const ofKind = isDns1035Label(kind.toLowerCase())
  if (kind === '') faults.push(required('spec.paramKind.kind'))
  else if (ofKind.length > 0)
    faults.push(invalidValue('spec.paramKind.kind', kind, `may have mixed case, but should otherwise match: ${ofKind.join(',')}`))
}

const checkVariable = (faults: Faults, { name, expression }: Variable, path: string, declared: Declared): StaticType | undefined => {
  if (!name?.trim()) faults.push(required(`${path}.name`, 'name is not specified'))
  else if (!celName.test(name) || celReserved.has(name))
    faults.push(invalidValue(`${path}.name`, name, 'name is not a valid CEL identifier'))
  if (expression?.trim()) return checkExpression(faults, expression, `${path}.expression`, declared)
  faults.push(required(`${path}.expression`, 'expression is not specified'))
  return undefined
}

const checkValidation = (
  faults: Faults,
  { expression, message, messageExpression, reason }: Validation,
  path: string,
  speaks: Speaks,
): void => {
  if (!expression?.trim()) faults.push(required(`${path}.expression`, 'expression is not specified'))
  else checkExpression(faults, expression, `${path}.expression`, declaredFor({ ...speaks, authorizer: true }), ['bool'])
  if (messageExpression && !messageExpression.trim())
    faults.push(invalidValue(`${path}.messageExpression`, messageExpression, 'must be non-empty if specified'))
  else if (messageExpression) checkExpression(faults, messageExpression, `${path}.messageExpression`, declaredFor(speaks), ['string'])
  if (message && !message.trim()) faults.push(invalidValue(`${path}.message`, message, 'message must be non-empty if specified'))
  else if (message && /[\n\r]/.test(message.trim()))
    faults.push(invalidValue(`${path}.message`, message, 'message must not contain line breaks'))
  checkSupported(faults, reason, reasons, `${path}.reason`)
}

const checkAnnotations = (faults: Faults, annotations: readonly AuditAnnotation[], name: string, declared: Declared): void => {
  if (annotations.length > mostAnnotations) {
    const shown = annotations.map(
      ({ key, valueExpression }) =>
        `admissionregistration.AuditAnnotation{Key:${JSON.stringify(key)}, ValueExpression:${JSON.stringify(valueExpression)}}`,
    )
    const detail = `must not have more than ${mostAnnotations} auditAnnotations`
    faults.push(invalidShown('spec.auditAnnotations', `[]admissionregistration.AuditAnnotation{${shown.join(', ')}}`, detail))
  }
  const keys = annotations.map(({ key = '' }) => key)
  annotations.forEach(({ valueExpression = '' }, index) => {
    const path = `spec.auditAnnotations[${index}]`
    const key = keys[index] as string
    checkLabelName(faults, `${name}/${key}`, `${path}.key`)
    const value = valueExpression.trim()
    if (value === '') faults.push(required(`${path}.valueExpression`, 'valueExpression is not specified'))
    else if (Buffer.byteLength(value) > longestAnnotation)
      faults.push(required(`${path}.valueExpression`, `must not exceed ${longestAnnotation} bytes in length`))
    else checkExpression(faults, value, `${path}.valueExpression`, declared, ['string', 'null_type'])
    if (keys.indexOf(key) < index) faults.push(duplicate(`${path}.key`, key))
  })
}

const checkStatus = (faults: Faults, { typeChecking, conditions }: ValidatingAdmissionPolicyStatus): void => {
  typeChecking?.expressionWarnings?.forEach(({ fieldRef, warning }, index) => {
    const path = `status.typeChecking.expressionWarnings[${index}]`
    if (!warning) faults.push(required(`${path}.warning`))
    if (!fieldRef?.trim()) faults.push(required(`${path}.fieldRef`))
  })
  checkConditions(faults, conditions, 'status.conditions')
}

export const validatingAdmissionPolicy = defineKind<ValidatingAdmissionPolicy>(resource, {
  requireResourceVersion: true,
  validate: (next) => collect((faults) => checkSpec(faults, next.spec, next.metadata.name ?? '')),
  subresources: {
    status: {
      prepareForUpdate: (next, old) => ({ ...next, spec: old.spec }),
      validateUpdate: (next) => collect((faults) => checkStatus(faults, next.status ?? {})),
    },
  },
})
