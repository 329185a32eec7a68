import {
  addFaults,
  type FieldError,
  invalidValue,
  isJsonArray,
  isJsonObject,
  type Json,
  type JsonObject,
  required,
  sameJson,
  sortedKeys,
  typeInvalid,
} from '@skiff/machinery'
import { checkEnum, checkItemCount, checkNumber, checkPropertyCount, checkText, fieldOf } from './check-keywords.ts'
import { formatFault, knownFormat } from './formats.ts'
import { isNearlyWhole, isWhole } from './numbers.ts'
import { isIntOrString, itemsOf, type Structural, valuesOf } from './structural.ts'

/**
 * What is wrong with a value by its schema, in the order and words of upstream's validator. Where `old` stood in the same place with the
 * same value, nothing is: faults are inherited.
 */
export const checkValue = (schema: Structural, value: Json, old: Json | undefined, path: string): readonly FieldError[] => {
  const faults: FieldError[] = []
  check(schema, value, old, path, faults)
  return faults.length < 2 ? faults : distinct(faults)
}

const distinct = (faults: readonly FieldError[]): readonly FieldError[] => {
  const met = new Set<string>()
  return faults.filter(({ reason, field, body }) => met.size < met.add(`${reason} ${field} ${body}`).size)
}

/** Adds a value's faults, and counts the checks that it passed: of several alternatives, upstream speaks of the one with the most. */
const check = (schema: Structural, value: Json, old: Json | undefined, path: string, faults: FieldError[]): number => {
  const before = faults.length
  const passed = checkHere(schema, value, old, path, faults)
  if (faults.length > before && old !== undefined && sameJson(value, old)) faults.length = before
  return passed
}

/** As `check`, without the grace for what did not change. */
const checkHere = (schema: Structural, value: Json, old: Json | undefined, path: string, faults: FieldError[]): number => {
  let passed = value === null ? 0 : 4
  const format = schema.format && knownFormat(schema.format) ? schema.format : undefined
  if (schema.type !== undefined || isIntOrString(schema) || format) passed += checkType(schema, format, value, path, faults) + 1
  if (value === null) {
    checkEnum(faults, schema, value, path)
    return passed
  }
  passed += checkJunctors(schema, value, old, path, faults)
  if (typeof value === 'string') passed += checkString(schema, format, value, path, faults)
  else if (typeof value === 'number' || typeof value === 'bigint') {
    checkNumber(faults, schema, value, path)
    passed += 2
  } else if (isJsonArray(value)) passed += checkItems(schema, value, isJsonArray(old) ? old : undefined, path, faults)
  checkEnum(faults, schema, value, path)
  if (isJsonObject(value)) passed += checkFields(schema, value, isJsonObject(old) ? old : undefined, path, faults)
  return passed
}

const checkString = (schema: Structural, format: string | undefined, value: string, path: string, faults: FieldError[]): number => {
  checkText(faults, schema, value, path)
  if (!format) return 1
  if (formatFault(format, value)) wrongType(faults, path, format, value)
  return 2
}

/** The JSON type of a value as upstream reads it: numbers beyond int64 are floats. */
const typeOf = (value: Exclude<Json, null>): string => {
  if (isJsonArray(value)) return 'array'
  if (typeof value === 'bigint' || typeof value === 'number') return isWhole(value) ? 'integer' : 'number'
  return typeof value
}

const wrongType = (faults: FieldError[], path: string, wanted: string, is: string): void => {
  faults.push(typeInvalid(fieldOf(path), is, `${path} in body must be of type ${wanted}: ${JSON.stringify(is)}`))
}

/** 1 where the type is right. A format takes the place of the type for some values, by upstream's rule. */
const checkType = (schema: Structural, format: string | undefined, value: Json, path: string, faults: FieldError[]): number => {
  const types = schema.type ? [schema.type] : isIntOrString(schema) ? ['integer', 'string'] : []
  if (value === null) {
    if (types.length === 0 || schema.nullable) return 1
    wrongType(faults, path, types.join(), 'null')
    return 0
  }
  const is = typeOf(value)
  const numeric = types.includes('integer') || types.includes('number')
  const fits =
    types.includes(is) ||
    (is === 'number' && types.includes('integer') && isNearlyWhole(Number(value))) ||
    (is === 'integer' && types.includes('number'))
  if (format && (is === 'string' || is === 'array')) {
    if (!numeric) return 1
  } else if (format && !fits) {
    wrongType(faults, path, format, is === 'integer' ? 'int64' : is === 'number' ? 'float64' : '')
    return 0
  }
  if (fits) return 1
  wrongType(faults, path, types.join(), is)
  return 0
}

/** Properties lie behind their parent's path; at the root of values that have none upstream shows a dot. */
const inner = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`)

const checkFields = (schema: Structural, value: JsonObject, old: JsonObject | undefined, path: string, faults: FieldError[]): number => {
  const keys = sortedKeys(value)
  if (!checkPropertyCount(faults, schema, keys.length, path)) return 0
  const before = (name: string) => (old && Object.hasOwn(old, name) ? old[name] : undefined)
  const isProperty = (name: string) => schema.properties !== undefined && Object.hasOwn(schema.properties, name)
  const values = valuesOf(schema)
  let passed = 0
  if (typeof values === 'object')
    for (const name of keys) if (!isProperty(name)) passed += check(values, value[name] as Json, before(name), `${path}.${name}`, faults)
  if (values === false)
    for (const name of keys)
      if (!isProperty(name)) faults.push(invalidValue(fieldOf(path), name, `${path}.${name} in body is a forbidden property`))
  for (const name of keys)
    if (isProperty(name))
      passed += check(schema.properties?.[name] as Structural, value[name] as Json, before(name), inner(path, name), faults)
  for (const name of schema.required ?? []) if (!Object.hasOwn(value, name)) faults.push(required(fieldOf(`${path}.${name}`)))
  return passed
}

const checkItems = (
  schema: Structural,
  value: readonly Json[],
  old: readonly Json[] | undefined,
  path: string,
  faults: FieldError[],
): number => {
  const items = itemsOf(schema)
  const before = old && correlate(schema, old)
  let passed = 2
  if (items) for (const [index, item] of value.entries()) passed += check(items, item, before?.(item), `${path}[${index}]`, faults)
  checkItemCount(faults, schema, value.length, path)
  return passed
}

/** Finds what an item was before: items of lists with keys alone have an identity. */
export const correlate = (schema: Structural, old: readonly Json[]): ((item: Json) => Json | undefined) | undefined => {
  if (schema['x-kubernetes-list-type'] !== 'map') return undefined
  const keys = schema['x-kubernetes-list-map-keys'] ?? []
  const items = itemsOf(schema)
  const identity = (item: Json): string =>
    JSON.stringify(keys.map((key) => (isJsonObject(item) && Object.hasOwn(item, key) ? item[key] : items?.properties?.[key]?.default)))
  const byKey = new Map<string, Json>()
  // Of several items with one identity the first is meant.
  for (const item of old) if (!byKey.has(identity(item))) byKey.set(identity(item), item)
  return (item) => byKey.get(identity(item))
}

interface Outcome {
  readonly faults: readonly FieldError[]
  readonly passed: number
}

/** allOf, anyOf, oneOf and not: faults of their own have no place. What is within an unchanged part is inherited here too. */
const checkJunctors = (schema: Structural, value: Json, old: Json | undefined, path: string, faults: FieldError[]): number => {
  if (!schema.anyOf && !schema.oneOf && !schema.allOf && !schema.not) return 1
  const outcome = (each: Structural): Outcome => {
    const own: FieldError[] = []
    const passed = checkHere(each, value, old, path, own)
    return { faults: own, passed }
  }
  const nowhere = (text: string) => faults.push(invalidValue('<nil>', '', `${JSON.stringify(path)} must ${text}`))
  let passed = 1
  const take = (taken: Outcome | undefined) => {
    addFaults(faults, taken?.faults ?? [])
    passed += taken?.passed ?? 0
  }
  if (schema.anyOf?.length) {
    const { best, success } = firstOf(schema.anyOf, outcome)
    if (!success) nowhere('validate at least one schema (anyOf)')
    take(success ?? best)
  }
  if (schema.oneOf?.length) {
    const all = schema.oneOf.map(outcome)
    const valid = all.filter((each) => each.faults.length === 0)
    const found = valid.length === 0 ? 'none valid' : `${valid.length} valid alternatives`
    if (valid.length !== 1) nowhere(`validate one and only one schema (oneOf). Found ${found}`)
    if (valid.length < 2) take(valid[0] ?? closest(all))
  }
  if (schema.allOf?.length) {
    const all = schema.allOf.map(outcome)
    for (const each of all) take(each)
    const valid = all.filter((each) => each.faults.length === 0).length
    if (valid < all.length) nowhere(`validate all the schemas (allOf)${valid === 0 ? '. None validated' : ''}`)
  }
  if (schema.not && outcome(schema.not).faults.length === 0) nowhere('not validate the schema (not)')
  return passed
}

const firstOf = (alternatives: readonly Structural[], outcome: (each: Structural) => Outcome) => {
  const failed: Outcome[] = []
  for (const each of alternatives) {
    const found = outcome(each)
    if (found.faults.length === 0) return { success: found, best: undefined }
    failed.push(found)
  }
  return { success: undefined, best: closest(failed) }
}

/** The alternative that passed the most checks; the first of several. */
const closest = (outcomes: readonly Outcome[]): Outcome | undefined =>
  outcomes.reduce<Outcome | undefined>((best, each) => (best === undefined || each.passed > best.passed ? each : best), undefined)
