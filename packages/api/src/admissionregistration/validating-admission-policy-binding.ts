import { duplicate, forbiddenField, nameIsDnsSubdomain, nameIsPathSegment, notSupported, repeats, required } from '@skiff/machinery'
import { addInvalid, collect, type Faults, invalidShown } from '../checks/faults.ts'
import { goStrings } from '../checks/go-syntax.ts'
import { checkLabelSelector } from '../checks/label-selector.ts'
import { validatingAdmissionPolicyBinding as resource } from '../generated/resources.ts'
import type { ParamRef, ValidatingAdmissionPolicyBinding, ValidatingAdmissionPolicyBindingSpec } from '../generated/types.ts'
import { defineKind } from '../kind.ts'
import { checkMatchResources } from './match-resources.ts'

const actions = ['Audit', 'Deny', 'Warn']
const bothText =
  'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)'

const checkSpec = (faults: Faults, spec: ValidatingAdmissionPolicyBindingSpec): void => {
  if (!spec.policyName) faults.push(required('spec.policyName'))
  else addInvalid(faults, nameIsDnsSubdomain(spec.policyName, false), spec.policyName, 'spec.policyName')
  if (spec.paramRef) checkParamRef(faults, spec.paramRef)
  // Upstream misspells this path.
  checkMatchResources(faults, spec.matchResources, 'spec.matchResouces')
  checkActions(faults, spec.validationActions ?? [])
}

const checkParamRef = (faults: Faults, { name, selector, parameterNotFoundAction: absent }: ParamRef): void => {
  const path = 'spec.paramRef'
  const exclusive = 'name and selector are mutually exclusive'
  if (name) {
    addInvalid(faults, nameIsPathSegment(name, false), name, `${path}.name`)
    if (selector) faults.push(forbiddenField(`${path}.name`, exclusive))
  }
  checkLabelSelector(faults, selector, `${path}.selector`)
  if (selector && name) faults.push(forbiddenField(`${path}.selector`, exclusive))
  if (!name && !selector) faults.push(required(path, 'one of name or selector must be specified'))
  if (!absent) faults.push(required(`${path}.parameterNotFoundAction`))
  else if (absent !== 'Deny' && absent !== 'Allow') faults.push(notSupported(`${path}.parameterNotFoundAction`, absent, ['Deny', 'Allow']))
}

const checkActions = (faults: Faults, given: readonly string[]): void => {
  const path = 'spec.validationActions'
  const again = repeats(given)
  given.forEach((action, index) => {
    if (!actions.includes(action)) faults.push(notSupported(`${path}[${index}]`, action, actions))
    if (again.has(index)) faults.push(duplicate(`${path}[${index}]`, action))
  })
  if (given.includes('Deny') && given.includes('Warn'))
    faults.push(invalidShown(path, goStrings(given, 'admissionregistration.ValidationAction'), bothText))
  if (given.length === 0) faults.push(required(path, 'at least one validation action is required'))
}

export const validatingAdmissionPolicyBinding = defineKind<ValidatingAdmissionPolicyBinding>(resource, {
  requireResourceVersion: true,
  validate: (next) => collect((faults) => checkSpec(faults, next.spec)),
})
