import { addFaults, at, type FieldError, forbiddenField, invalidValue, item, required, summariseErrors } from '../field.ts'
import { compareBytes } from '../json/value.ts'
import { validateLabelName, validateLabels } from '../names/objectmeta.ts'
import { isLabelValue } from '../names/syntax.ts'
import { parseLabelRequirements } from './parse.ts'
import {
  checkRequirement,
  compileRequirements,
  type LabelMatcher,
  type LabelOperator,
  type LabelRequirement,
  type Labels,
  requirementText,
} from './requirement.ts'

/** metav1.LabelSelector. */
export interface LabelSelector {
  readonly matchLabels?: Labels
  readonly matchExpressions?: readonly LabelSelectorRequirement[]
}
export interface LabelSelectorRequirement {
  readonly key: string
  readonly operator: string
  readonly values?: readonly string[]
}

/** A selector as a value: what it requires, and whether labels meet it. */
export interface CompiledSelector {
  readonly requirements: readonly LabelRequirement[]
  readonly matches: LabelMatcher
  /** Selects everything. */
  readonly empty: boolean
  /** The canonical string form. */
  toString(): string
}

const compiled = (requirements: readonly LabelRequirement[]): CompiledSelector => ({
  requirements,
  matches: compileRequirements(requirements),
  empty: requirements.length === 0,
  toString: () => requirements.map(requirementText).join(','),
})

/** Selects all objects. */
export const selectEverything: CompiledSelector = compiled([])
/** Selects no object: what an absent LabelSelector means. */
export const selectNothing: CompiledSelector = { requirements: [], matches: () => false, empty: false, toString: () => '' }

/** Reads the string form (`app=web,tier in (a,b)`); throws upstream's texts. */
export const parseLabelSelector = (text: string): CompiledSelector => compiled(parseLabelRequirements(text))

/** Labels that must all be there, as `spec.selector` of a Service or ReplicationController: none selects everything. */
export const selectorFromLabels = (labels: Labels | undefined): CompiledSelector => compiled(requirementsOf(labels))

const requirementsOf = (labels: Labels | undefined): LabelRequirement[] =>
  Object.keys(labels ?? {})
    .sort(compareBytes)
    .map((key) => ({ key, operator: '=', values: [(labels as Labels)[key] as string] }))

const operators: Readonly<Record<string, LabelOperator>> = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: '!' }
const known = new WeakMap<LabelSelector, CompiledSelector>()

/**
 * Compiles a LabelSelector: undefined selects nothing, an empty one everything. Throws for a selector that validation would
 * refuse. Kept per selector object, since objects never change.
 */
export const compileLabelSelector = (selector: LabelSelector | undefined): CompiledSelector => {
  if (!selector) return selectNothing
  const before = known.get(selector)
  if (before) return before
  const requirements = [...requirementsOf(selector.matchLabels), ...(selector.matchExpressions ?? []).map(fromExpression)]
  const errors = requirements.flatMap((each) => checkRequirement(each))
  if (errors.length > 0) throw new Error(summariseErrors(errors))
  const made = compiled(requirements.sort((a, b) => compareBytes(a.key, b.key)))
  known.set(selector, made)
  return made
}

const fromExpression = ({ key, operator, values }: LabelSelectorRequirement): LabelRequirement => {
  if (!Object.hasOwn(operators, operator)) throw new Error(`${JSON.stringify(operator)} is not a valid label selector operator`)
  return { key, operator: operators[operator] as LabelOperator, values: [...new Set(values ?? [])].sort(compareBytes) }
}

/** A LabelSelector in string form as tables and describe print it: `<none>` for everything, `<error>` for a bad one. */
export const formatLabelSelector = (selector: LabelSelector | undefined): string => {
  try {
    return compileLabelSelector(selector).toString() || '<none>'
  } catch {
    return '<error>'
  }
}

/** metav1's ValidateLabelSelector. `checkValues` is off where old objects with bad values must stay valid. */
export const validateLabelSelector = (selector: LabelSelector | undefined, field: string, checkValues = true): FieldError[] => {
  if (!selector) return []
  return [
    ...validateLabels(selector.matchLabels, at(field, 'matchLabels')),
    ...(selector.matchExpressions ?? []).flatMap((each, i) =>
      validateExpression(each, item(at(field, 'matchExpressions'), i), checkValues),
    ),
  ]
}

const validateExpression = ({ key, operator, values }: LabelSelectorRequirement, field: string, checkValues: boolean): FieldError[] => {
  const errors: FieldError[] = []
  const path = at(field, 'values')
  switch (operator) {
    case 'In':
    case 'NotIn':
      if (!values?.length) errors.push(required(path, "must be specified when `operator` is 'In' or 'NotIn'"))
      break
    case 'Exists':
    case 'DoesNotExist':
      if (values?.length) errors.push(forbiddenField(path, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
      break
    default:
      errors.push(invalidValue(at(field, 'operator'), operator ?? '', 'not a valid selector operator'))
  }
  addFaults(errors, validateLabelName(key ?? '', at(field, 'key')))
  if (checkValues)
    values?.forEach((value, i) => {
      for (const complaint of isLabelValue(value)) errors.push(invalidValue(item(path, i), value, complaint))
    })
  return errors
}
