import type { ValidatingAdmissionPolicy, Validation } from '@skiff/api'
import { type CelValue, typeName } from '@skiff/machinery'
import {
  type Compiled,
  type Condition,
  compile,
  conditionsHold,
  lazyVariables,
  type Purse,
  PurseEmpty,
  policyCost,
  run,
  type Variables,
} from './expressions.ts'

interface Check {
  readonly validation: Validation
  readonly test: Compiled
  readonly message: Compiled | undefined
}
interface Annotation {
  readonly key: string
  readonly value: Compiled
}

/** A policy with its expressions read. */
export interface Policy {
  readonly object: ValidatingAdmissionPolicy
  readonly conditions: readonly Condition[]
  readonly variables: readonly Condition[]
  readonly checks: readonly Check[]
  readonly annotations: readonly Annotation[]
}

const compiled = new WeakMap<ValidatingAdmissionPolicy, Policy>()

/** Reads a policy's expressions, once for as long as it stands. */
export const compilePolicy = (object: ValidatingAdmissionPolicy): Policy => {
  const known = compiled.get(object)
  if (known) return known
  const { matchConditions = [], variables = [], validations = [], auditAnnotations = [] } = object.spec
  const named = ({ name, expression }: { name: string; expression: string }) => ({ name, compiled: compile(expression) })
  const policy: Policy = {
    object,
    conditions: matchConditions.map(named),
    variables: variables.map(named),
    checks: validations.map((validation) => ({
      validation,
      test: compile(validation.expression),
      message: validation.messageExpression ? compile(validation.messageExpression) : undefined,
    })),
    annotations: auditAnnotations.map(({ key, valueExpression }) => ({ key, value: compile(valueExpression.trim()) })),
  }
  compiled.set(object, policy)
  return policy
}

/** A rule that does not hold, or that could not be asked. */
export interface Finding {
  /** The place of the rule in the policy. */
  readonly index: number
  readonly message: string
  readonly reason: string | undefined
}

/** What a policy says of a request with one set of parameters. */
export interface Findings {
  readonly failed: readonly Finding[]
  /** For the audit log, by key. */
  readonly annotations: readonly (readonly [key: string, value: string])[]
  /** Annotations that could not be worked out: they refuse the request whatever a binding's actions are. */
  readonly annotationFaults: readonly string[]
}

const nothing: Findings = { failed: [], annotations: [], annotationFaults: [] }

/** Asks all rules of a policy. `given`: what expressions may speak of. */
export const checkPolicy = (policy: Policy, given: Variables): Findings => {
  const fails = policy.object.spec.failurePolicy !== 'Ignore'
  const faulty = (message: string): Findings => (fails ? { ...nothing, failed: [{ index: 0, message, reason: undefined }] } : nothing)
  const holds = conditionsHold(policy.conditions, given)
  if (typeof holds === 'object') return faulty(holds.fault)
  if (!holds) return nothing
  const purse = { left: policyCost }
  const all = policy.variables.length > 0 ? { ...given, variables: lazyVariables(policy.variables, given, purse) } : given
  try {
    return { failed: failedChecks(policy.checks, all, purse, fails), ...annotationsOf(policy.annotations, all, purse, fails) }
  } catch (error) {
    if (!(error instanceof PurseEmpty)) throw error
    return faulty(error.message)
  }
}

const failedChecks = (checks: readonly Check[], variables: Variables, purse: Purse, fails: boolean): readonly Finding[] =>
  checks.flatMap(({ validation, test, message }, index) => {
    const outcome = run(test, variables, purse)
    if ('fault' in outcome) return fails ? [{ index, message: outcome.fault, reason: undefined }] : []
    if (outcome.value === true) return []
    return [{ index, message: textOf(validation, message, variables, purse), reason: validation.reason }]
  })

/** Upstream's bound on what messageExpression may say. */
const longestMessageBytes = 5 * 1024

const textOf = (
  { expression, message }: Validation,
  said: Compiled | undefined,
  { authorizer: _, ...variables }: Variables,
  purse: Purse,
): string => {
  const outcome = said && run(said, variables, purse)
  const text: CelValue = outcome && 'value' in outcome ? outcome.value : ''
  const trimmed = typeof text === 'string' ? text.trim() : ''
  if (trimmed !== '' && !trimmed.includes('\n') && Buffer.byteLength(trimmed) <= longestMessageBytes) return trimmed
  return message ? message.trim() : `failed expression: ${expression.trim()}`
}

const longestAnnotationBytes = 10 * 1024

const annotationsOf = (annotations: readonly Annotation[], { authorizer: _, ...variables }: Variables, purse: Purse, fails: boolean) => {
  const found: (readonly [string, string])[] = []
  const annotationFaults: string[] = []
  for (const { key, value: expression } of annotations) {
    const outcome = run(expression, variables, purse)
    if ('fault' in outcome) {
      if (fails) annotationFaults.push(outcome.fault)
    } else if (typeof outcome.value === 'string') {
      const text = outcome.value.trim()
      if (text !== '') found.push([key, cutTo(text, longestAnnotationBytes)])
    } else if (outcome.value !== null)
      annotationFaults.push(
        `valueExpression '${expression.source}' resulted in unsupported return type: ${typeName(outcome.value)}. Return type must be either string or null.`,
      )
  }
  return { annotations: found, annotationFaults }
}

const cutTo = (text: string, bytes: number): string =>
  Buffer.byteLength(text) <= bytes ? text : Buffer.from(text).subarray(0, bytes).toString('utf8')
