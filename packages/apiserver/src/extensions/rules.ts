import type { ValidationRule } from '@skiff/api'
import { itemsOf, readFieldPath, type Structural, schemaOfKey, valuesOf } from '@skiff/api'
import {
  CelError,
  type CelNode,
  type CelValue,
  duplicate,
  errorText,
  evaluateCel,
  type FieldError,
  forbiddenField,
  invalidValue,
  isJsonArray,
  isJsonObject,
  type Json,
  mentions,
  parseCel,
  perCallCost,
  required,
  sameJson,
} from '@skiff/machinery'
import { celValue } from './cel-value.ts'

interface Compiled {
  readonly rule: ValidationRule
  readonly test: CelNode
  readonly message: CelNode | undefined
  /** Speaks of the value before: runs where there was one. */
  readonly transition: boolean
  /** Where the fault is shown, below the value. */
  readonly at: string
}

const compiled = new WeakMap<Structural, readonly Compiled[]>()

/** The rules of one schema; those that cannot be read were refused with the definition. */
const rulesOf = (schema: Structural): readonly Compiled[] => {
  const known = compiled.get(schema)
  if (known) return known
  const rules = (schema['x-kubernetes-validations'] ?? []).flatMap((rule) => {
    const test = parsed(rule.rule)
    if (!test) return []
    const message = rule.messageExpression ? parsed(rule.messageExpression) : undefined
    const at = rule.fieldPath ? readFieldPath(rule.fieldPath, schema) : undefined
    return [{ rule, test, message, transition: mentions(test, 'oldSelf'), at: typeof at === 'object' ? at.text : '' }]
  })
  compiled.set(schema, rules)
  return rules
}

const parsed = (source: string): CelNode | undefined => {
  try {
    return parseCel(source)
  } catch {
    return undefined
  }
}

/** True where a schema or one within it has rules. */
export const hasRules = (schema: Structural): boolean =>
  (schema['x-kubernetes-validations']?.length ?? 0) > 0 ||
  Object.values(schema.properties ?? {}).some(hasRules) ||
  [itemsOf(schema), schema.additionalProperties].some(
    (inner) => typeof inner === 'object' && inner !== null && hasRules(inner as Structural),
  )

/** What all rules of one object may cost together. */
const objectCost = 10_000_000

/** A walk over one object. */
interface Walk {
  readonly faults: FieldError[]
  readonly warnings: string[] | undefined
  budget: number
}

/** Nothing more is looked at. */
class Spent extends Error {}

/** A value, what stood in the same place before, where that can be told, and whether the nearest such place is as it was. */
interface Seen {
  readonly value: Json
  readonly old: Json | undefined
  readonly same: boolean
}

/** What the rules of a schema refuse, outer ones first. What is refused of values that did not change becomes a warning. */
export const checkRules = (schema: Structural, value: Json, old: Json | undefined, warnings?: string[]): readonly FieldError[] => {
  const walk: Walk = { faults: [], warnings, budget: objectCost }
  try {
    lookAt(walk, schema, { value, old, same: old !== undefined && sameJson(value, old) }, '')
  } catch (error) {
    if (!(error instanceof Spent)) throw error
  }
  return walk.faults
}

const lookAt = (walk: Walk, schema: Structural, seen: Seen, path: string): void => {
  const { value } = seen
  if (value === null) return
  for (const rule of rulesOf(schema)) checkRule(walk, schema, rule, seen, path)
  if (isJsonArray(value)) lookAtItems(walk, schema, seen, value, path)
  else if (isJsonObject(value))
    for (const name of Object.keys(value).sort()) {
      const inner = schemaOfKey(schema, name)
      if (!inner || !holdsRules(inner)) continue
      const { old } = seen
      const before = isJsonObject(old) && Object.hasOwn(old, name) ? old[name] : undefined
      const at = typeof valuesOf(schema) === 'object' ? `${path}[${name}]` : path === '' ? name : `${path}.${name}`
      lookAt(walk, inner, innerOf(seen, value[name] as Json, before), at)
    }
}

const holding = new WeakMap<Structural, boolean>()
const holdsRules = (schema: Structural): boolean => {
  const known = holding.get(schema) ?? hasRules(schema)
  holding.set(schema, known)
  return known
}

const innerOf = ({ same }: Seen, value: Json, old: Json | undefined): Seen => ({
  value,
  old,
  same: same || (old !== undefined && sameJson(value, old)),
})

const lookAtItems = (walk: Walk, schema: Structural, seen: Seen, value: readonly Json[], path: string): void => {
  const items = itemsOf(schema)
  if (!items || !holdsRules(items)) return
  const keys = schema['x-kubernetes-list-type'] === 'map' ? (schema['x-kubernetes-list-map-keys'] ?? []) : undefined
  const keyOf = (item: Json) =>
    JSON.stringify(keys?.map((key) => (isJsonObject(item) ? (item[key] ?? items.properties?.[key]?.default ?? null) : null)))
  const before = new Map(keys && isJsonArray(seen.old) ? seen.old.map((item) => [keyOf(item), item]) : [])
  value.forEach((item, index) => {
    lookAt(walk, items, innerOf(seen, item, keys ? before.get(keyOf(item)) : undefined), `${path}[${index}]`)
  })
}

const ruleText = ({ message, rule }: ValidationRule): string => (message ? message : rule).trim()

const checkRule = (walk: Walk, schema: Structural, compiledRule: Compiled, { value, old, same }: Seen, path: string): void => {
  const { rule, test, transition } = compiledRule
  if (transition && old === undefined && !rule.optionalOldSelf) return
  const variables: Record<string, CelValue> = { self: celValue(schema, value) }
  if (transition) {
    const before = old === undefined ? undefined : celValue(schema, old)
    variables.oldSelf = rule.optionalOldSelf ? { is: 'optional', value: before } : (before as CelValue)
  }
  const refuse = (detail: string) => walk.faults.push(invalidValue(path || '<nil>', schema.type ?? '', detail))
  const outcome = run(walk, test, variables)
  if (walk.budget < 0) {
    refuse(`validation failed due to running out of cost budget, ${noMore}`)
    throw new Spent()
  }
  if (outcome instanceof CelError) evaluationFault(outcome.message, rule, refuse)
  if (outcome === true || outcome instanceof CelError) return
  const add = (fault: FieldError) => {
    if (!transition && same) walk.warnings?.push(errorText(fault))
    else walk.faults.push(fault)
  }
  refuseBy(walk, schema, compiledRule, variables, value, path, add)
}

const noMore = 'no further validation rules will be run'
const costExceeded = 'operation cancelled: actual cost limit exceeded'

const evaluationFault = (said: string, rule: ValidationRule, refuse: (detail: string) => void): void => {
  if (said.startsWith('no such overload'))
    refuse(`'${said}': call arguments did not match a supported operator, function or macro signature for rule: ${ruleText(rule)}`)
  else if (said.startsWith(costExceeded)) {
    refuse(`'${said}': ${noMore} due to call cost exceeds limit for rule: ${ruleText(rule)}`)
    throw new Spent()
  } else refuse(`${said} evaluating rule: ${ruleText(rule)}`)
}

/** A rule does not hold: its message, or the one that its expression makes, where the rule says that the fault is. */
const refuseBy = (
  walk: Walk,
  schema: Structural,
  { rule, message, at }: Compiled,
  variables: Readonly<Record<string, CelValue>>,
  value: Json,
  path: string,
  add: (fault: FieldError) => void,
): void => {
  const plain = rule.message?.trim() || `failed rule: ${rule.rule.trim()}`
  const place = path === '' || at === '' || at.startsWith('[') ? `${path}${at}` : `${path}.${at}`
  const text = message && run(walk, message, variables)
  const end = (detail: string): never => {
    add(invalidValue(path || '<nil>', schema.type ?? '', detail))
    throw new Spent()
  }
  if (walk.budget < 0) end(`messageExpression evaluation failed due to running out of cost budget, ${noMore}`)
  if (text instanceof CelError && text.message.startsWith(costExceeded))
    end(`${noMore} due to call cost exceeds limit for messageExpression: ${rule.messageExpression}`)
  add(refusal(schema, rule, (text !== undefined && shownText(text)) || plain, value, place))
}

/** An expression's value, or why it has none; what it cost is taken from what the object may cost. */
const run = (walk: Walk, node: CelNode, variables: Readonly<Record<string, CelValue>>): CelValue | CelError => {
  const budget = { left: perCallCost }
  try {
    return evaluateCel(node, variables, budget)
  } catch (error) {
    if (!(error instanceof CelError)) throw error
    return error
  } finally {
    walk.budget -= perCallCost - Math.max(budget.left, 0)
  }
}

const longestMessageBytes = 5 * 1024

/** The text that messageExpression makes; undefined where it makes none that can be shown. */
const shownText = (text: CelValue | CelError): string | undefined => {
  if (typeof text !== 'string' || Buffer.byteLength(text) > longestMessageBytes || /[\r\n]/.test(text.trim())) return undefined
  return text.trim() || undefined
}

const refusal = (schema: Structural, rule: ValidationRule, text: string, value: Json, path: string): FieldError => {
  const at = path || '<nil>'
  switch (rule.reason) {
    case 'FieldValueRequired':
      return required(at, text)
    case 'FieldValueForbidden':
      return forbiddenField(at, text)
    case 'FieldValueDuplicate':
      return duplicate(at, value)
    default:
      return invalidValue(at, schema.type ?? '', text)
  }
}
