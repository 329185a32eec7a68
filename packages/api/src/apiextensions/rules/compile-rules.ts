import {
  boolType,
  CelError,
  compileCel,
  type Declared,
  estimateCel,
  type FieldError,
  forbiddenField,
  invalidValue,
  mentions,
  optionalType,
  parseCel,
  sameType,
  simpleType,
} from '@skiff/machinery'
import { type Faults, invalidShown } from '../../checks/faults.ts'
import type { JSONSchemaProps, ValidationRule } from '../../generated/types.ts'
import { propertiesOf, schemaAt } from '../schema-parts.ts'
import { type DeclaredSchema, declaredOf, sizeAt, timesInRequest } from './declared.ts'
import { goRule } from './rule-texts.ts'

/** What one rule may cost, by estimate, and what all rules of a schema together. */
const ruleLimit = 10_000_000
const schemaLimit = 100_000_000

/** Where a schema stands, and how often it is there. */
interface Place {
  readonly root: boolean
  /** How many values there may be; undefined where nothing limits them. */
  readonly count: number | undefined
  /** The schema within which old and new values can not be told to be the same one. */
  readonly uncorrelated: string | undefined
}

interface Survey {
  readonly faults: Faults
  /** Where something else is wrong: rules there and above it are not looked at. */
  readonly wrong: readonly string[]
  /** What was let through once is not held against it for its cost. */
  readonly suppressed: boolean
  readonly costs: { readonly path: string; readonly cost: number }[]
}

/** The rules of a schema that is right otherwise: whether they can be read, of which types they are, and what they may cost. */
export const compileRules = (faults: Faults, root: JSONSchemaProps, path: string, wrong: readonly string[], suppressed: boolean): void => {
  const survey: Survey = { faults, wrong, suppressed, costs: [] }
  look(survey, root, path, { root: true, count: 1, uncorrelated: undefined })
  const total = survey.costs.reduce((sum, { cost }) => sum + cost, 0)
  if (total <= schemaLimit) return
  const detail = 'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema'
  const expensive = survey.costs.filter(({ cost }) => cost >= schemaLimit / 100).sort((a, b) => b.cost - a.cost)
  for (const each of expensive.slice(0, 4)) faults.push(forbiddenField(each.path, detail))
  const what = 'x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema'
  faults.push(forbiddenField(path, costText(what, total, schemaLimit)))
}

const look = (survey: Survey, schema: JSONSchemaProps, path: string, place: Place): void => {
  const within = (limit: number | bigint | undefined): number | undefined =>
    limit === undefined || place.count === undefined ? undefined : place.count * Math.max(Number(limit), 0)
  const values = schemaAt(schema.additionalProperties)
  if (values) look(survey, values, `${path}.additionalProperties`, { ...place, root: false, count: within(schema.maxProperties) })
  for (const [, property, at] of propertiesOf(schema, path)) look(survey, property, at, { ...place, root: false })
  const items = schemaAt(schema.items)
  if (items) {
    const keyed = schema['x-kubernetes-list-type'] === 'map'
    const uncorrelated = place.uncorrelated ?? (keyed ? undefined : path)
    look(survey, items, `${path}.items`, { root: false, count: within(schema.maxItems), uncorrelated })
  }
  const rules = schema['x-kubernetes-validations'] ?? []
  if (rules.length === 0 || survey.wrong.some((fault) => fault === path || fault.startsWith(`${path}.`) || fault.startsWith(`${path}[`)))
    return
  const declared = declaredOf(schema, 'selfType', place.root || schema['x-kubernetes-embedded-resource'] === true)
  if (!declared) return
  rules.forEach((rule, index) => {
    compileRule(survey, declared, rule, `${path}.x-kubernetes-validations[${index}]`, place)
  })
}

const compileRule = (survey: Survey, declared: DeclaredSchema, rule: ValidationRule, path: string, place: Place): void => {
  const { faults, costs, suppressed } = survey
  const found = compiled(declared, rule, rule.rule, 'bool')
  const times = place.count ?? timesInRequest(declared.least)
  const cost = Math.min(found.cost * times, 2 ** 64)
  if (!suppressed && cost > ruleLimit) faults.push(forbiddenField(`${path}.rule`, costText('estimated rule cost', cost, ruleLimit)))
  costs.push({ path: `${path}.rule`, cost })
  if (found.fault !== undefined) faults.push(invalidShown(`${path}.rule`, goRule(rule), found.fault))
  if (rule.messageExpression?.trim()) {
    const message = compiled(declared, rule, rule.messageExpression, 'string')
    if (message.fault !== undefined) faults.push(invalidShown(`${path}.messageExpression`, goRule(rule), message.fault))
    else {
      if (!suppressed && message.cost > ruleLimit)
        faults.push(forbiddenField(`${path}.messageExpression`, costText('estimated messageExpression cost', message.cost, ruleLimit)))
      costs.push({ path: `${path}.messageExpression`, cost: message.cost })
    }
  }
  const fault = found.fault === undefined ? transitionFault(rule, path, place) : undefined
  if (fault) faults.push(fault)
}

const transitionFault = (rule: ValidationRule, path: string, { uncorrelated }: Place): FieldError | undefined => {
  if (mentions(parseCel(rule.rule), 'oldSelf')) {
    const detail = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelated}`
    return uncorrelated === undefined ? undefined : invalidValue(`${path}.rule`, rule.rule, detail)
  }
  if (rule.optionalOldSelf === undefined) return undefined
  return invalidValue(`${path}.optionalOldSelf`, rule.optionalOldSelf, 'may not be set if oldSelf is not used in rule')
}

const compiled = (
  declared: DeclaredSchema,
  { optionalOldSelf }: ValidationRule,
  source: string,
  wanted: 'bool' | 'string',
): { readonly cost: number; readonly fault?: string } => {
  const variables: Declared = new Map([
    ['self', declared.type],
    ['oldSelf', optionalOldSelf ? optionalType(declared.type) : declared.type],
  ])
  try {
    const checked = compileCel(source, variables)
    if (!sameType(checked.type, wanted === 'bool' ? boolType : simpleType('string')))
      return {
        cost: 0,
        fault: wanted === 'bool' ? 'cel expression must evaluate to a bool' : 'messageExpression must evaluate to a string',
      }
    return { cost: estimateCel(checked, (path) => sizeAt(declared, path)).max }
  } catch (error) {
    if (!(error instanceof CelError)) throw error
    return { cost: 0, fault: `${wanted === 'bool' ? '' : 'messageExpression '}compilation failed: ${error.message}` }
  }
}

const costText = (what: string, cost: number, limit: number): string => {
  const factor = cost / limit
  const shown = factor > 100 ? 'more than 100x' : `${factor.toFixed(factor < 1.5 ? 6 : 1)}x`
  return `${what} exceeds budget by factor of ${shown} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`
}
