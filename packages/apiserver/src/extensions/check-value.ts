import {
  duplicate,
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
import { checkKeywords } from './check-keywords.ts'
import { isIntOrString, itemsOf, propertyOf, type Structural, schemaOfKey } from './structural.ts'

/** What is wrong with a value by its schema. Where `old` stood in the same place with the same value, nothing is: faults are inherited. */
export const checkValue = (schema: Structural, value: Json, old: Json | undefined, path: string): readonly FieldError[] => {
  if (old !== undefined && sameJson(value, old)) return []
  const wrong = typeFault(schema, value)
  if (wrong) return [typeInvalid(path, wrong.is, `${path} in body must be of type ${wrong.wanted}: ${JSON.stringify(wrong.is)}`)]
  if (value === null) return []
  const faults: FieldError[] = [...checkKeywords(schema, value, path), ...checkJunctors(schema, value, path)]
  if (isJsonArray(value)) faults.push(...checkItems(schema, value, isJsonArray(old) ? old : undefined, path))
  else if (isJsonObject(value)) faults.push(...checkFields(schema, value, isJsonObject(old) ? old : undefined, path))
  return faults
}

const jsonType = (value: Json): string => {
  if (value === null) return 'null'
  if (isJsonArray(value)) return 'array'
  if (typeof value === 'bigint') return 'integer'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return typeof value === 'object' ? 'object' : typeof value
}

const typeFault = (schema: Structural, value: Json): { readonly is: string; readonly wanted: string } | undefined => {
  const is = jsonType(value)
  if (value === null && schema.nullable) return undefined
  if (isIntOrString(schema)) return is === 'integer' || is === 'string' ? undefined : { is, wanted: 'integer,string' }
  if (!schema.type || schema.type === is || (schema.type === 'number' && is === 'integer')) return undefined
  return { is, wanted: schema.type }
}

const inner = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`)

const checkFields = (schema: Structural, value: JsonObject, old: JsonObject | undefined, path: string): FieldError[] => {
  const faults: FieldError[] = []
  for (const name of schema.required ?? []) if (!Object.hasOwn(value, name)) faults.push(required(inner(path, name)))
  for (const name of sortedKeys(value)) {
    const property = schemaOfKey(schema, name)
    const at = propertyOf(schema, name) ? inner(path, name) : inner(path, name)
    if (property) faults.push(...checkValue(property, value[name] as Json, old && Object.hasOwn(old, name) ? old[name] : undefined, at))
  }
  return faults
}

const keysOf = (schema: Structural, item: Json): string =>
  JSON.stringify((schema['x-kubernetes-list-map-keys'] ?? []).map((key) => (isJsonObject(item) ? (item[key] ?? null) : null)))

const checkItems = (schema: Structural, value: readonly Json[], old: readonly Json[] | undefined, path: string): FieldError[] => {
  const items = itemsOf(schema)
  const listType = schema['x-kubernetes-list-type']
  const faults: FieldError[] = []
  const before = listType === 'map' && old ? new Map(old.map((item) => [keysOf(schema, item), item])) : undefined
  if (items)
    for (const [index, item] of value.entries())
      faults.push(...checkValue(items, item, before?.get(keysOf(schema, item)), `${path}[${index}]`))
  if (listType === 'map' || listType === 'set') faults.push(...checkUnique(schema, value, listType, path))
  return faults
}

const checkUnique = (schema: Structural, value: readonly Json[], listType: 'map' | 'set', path: string): FieldError[] => {
  const met = new Set<string>()
  const faults: FieldError[] = []
  for (const [index, item] of value.entries()) {
    const identity = listType === 'map' ? keysOf(schema, item) : JSON.stringify(item)
    if (met.has(identity)) faults.push(duplicate(`${path}[${index}]`, listType === 'map' ? keyObject(schema, item) : item))
    met.add(identity)
  }
  return faults
}

const keyObject = (schema: Structural, item: Json): JsonObject =>
  Object.fromEntries((schema['x-kubernetes-list-map-keys'] ?? []).map((key) => [key, isJsonObject(item) ? (item[key] ?? null) : null]))

/** allOf, anyOf, oneOf and not: faults of their own have no place, as upstream has it. */
const checkJunctors = (schema: Structural, value: Json, path: string): FieldError[] => {
  const faults: FieldError[] = []
  const nowhere = (text: string) => faults.push(invalidValue('<nil>', '', text))
  const holds = (each: Structural) => checkValue(each, value, undefined, path).length === 0
  const name = JSON.stringify(path)
  for (const each of schema.allOf ?? []) faults.push(...checkValue(each, value, undefined, path))
  if (schema.allOf && !schema.allOf.every(holds)) nowhere(`${name} must validate all the schemas (allOf)`)
  if (schema.anyOf && !schema.anyOf.some(holds)) {
    faults.push(...closest(schema.anyOf, value, path))
    nowhere(`${name} must validate at least one schema (anyOf)`)
  }
  if (schema.oneOf) {
    const count = schema.oneOf.filter(holds).length
    if (count === 0) faults.push(...closest(schema.oneOf, value, path))
    if (count !== 1)
      nowhere(`${name} must validate one and only one schema (oneOf). Found ${count === 0 ? 'none valid' : `${count} valid alternatives`}`)
  }
  if (schema.not && holds(schema.not)) nowhere(`${name} must not validate the schema (not)`)
  return faults
}

/** The faults of the alternative that comes nearest. */
const closest = (alternatives: readonly Structural[], value: Json, path: string): readonly FieldError[] =>
  alternatives.map((each) => checkValue(each, value, undefined, path)).reduce((best, each) => (each.length < best.length ? each : best))
