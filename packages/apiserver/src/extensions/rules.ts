import type { ValidationRule } from '@skiff/api'
import { itemsOf, type Structural, schemaOfKey } from '@skiff/api'
import {
  CelError,
  type CelNode,
  type CelValue,
  duplicate,
  evaluateCel,
  type FieldError,
  forbiddenField,
  invalidValue,
  isJsonArray,
  isJsonObject,
  type Json,
  mentions,
  parseCel,
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
    return [{ rule, test, message, transition: mentions(test, 'oldSelf') }]
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

/** What the rules of a schema refuse, outer ones first. `old` is what stood in the same place, where that can be told. */
export const checkRules = (schema: Structural, value: Json, old: Json | undefined, path: string): readonly FieldError[] => {
  const faults: FieldError[] = []
  const same = old !== undefined && sameJson(value, old)
  for (const rule of rulesOf(schema)) {
    // What did not change is not held against an update.
    if (same && !rule.transition) continue
    const fault = checkRule(schema, rule, value, old, path)
    if (fault) faults.push(fault)
  }
  if (isJsonArray(value)) faults.push(...checkItems(schema, value, isJsonArray(old) ? old : undefined, path))
  else if (isJsonObject(value))
    for (const name of Object.keys(value).sort()) {
      const inner = schemaOfKey(schema, name)
      const before = isJsonObject(old) && Object.hasOwn(old, name) ? old[name] : undefined
      if (inner) faults.push(...checkRules(inner, value[name] as Json, before, path === '' ? name : `${path}.${name}`))
    }
  return faults
}

const checkItems = (schema: Structural, value: readonly Json[], old: readonly Json[] | undefined, path: string): FieldError[] => {
  const items = itemsOf(schema)
  if (!items) return []
  const keys = schema['x-kubernetes-list-type'] === 'map' ? (schema['x-kubernetes-list-map-keys'] ?? []) : undefined
  const keyOf = (item: Json) => JSON.stringify(keys?.map((key) => (isJsonObject(item) ? (item[key] ?? null) : null)))
  const before = new Map(keys && old ? old.map((item) => [keyOf(item), item]) : [])
  return value.flatMap((item, index) => checkRules(items, item, keys ? before.get(keyOf(item)) : undefined, `${path}[${index}]`))
}

const checkRule = (
  schema: Structural,
  { rule, test, message, transition }: Compiled,
  value: Json,
  old: Json | undefined,
  path: string,
): FieldError | undefined => {
  if (transition && old === undefined && !rule.optionalOldSelf) return undefined
  const variables: Record<string, CelValue> = { self: celValue(schema, value) }
  if (transition) {
    const before = old === undefined ? undefined : celValue(schema, old)
    variables.oldSelf = rule.optionalOldSelf ? { is: 'optional', value: before } : (before as CelValue)
  }
  const plain = rule.message?.trim() || `failed rule: ${rule.rule.trim()}`
  try {
    if (evaluateCel(test, variables) === true) return undefined
  } catch (error) {
    if (!(error instanceof CelError)) throw error
    return invalidValue(path || '<nil>', schema.type ?? '', `${error.message} evaluating rule: ${plain}`)
  }
  return refusal(schema, rule, textOf(message, variables) ?? plain, value, path)
}

/** The text that messageExpression makes; undefined where it makes none that can be shown. */
const textOf = (message: CelNode | undefined, variables: Readonly<Record<string, CelValue>>): string | undefined => {
  if (!message) return undefined
  try {
    const text = evaluateCel(message, variables)
    return typeof text === 'string' && text.trim() !== '' && !text.includes('\n') ? text.trim() : undefined
  } catch (error) {
    if (error instanceof CelError) return undefined
    throw error
  }
}

const refusal = (schema: Structural, rule: ValidationRule, text: string, value: Json, path: string): FieldError => {
  const at = `${path}${rule.fieldPath ?? ''}`.replace(/^\./, '').replace(/\['([^']*)'\]/g, '[$1]') || '<nil>'
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
