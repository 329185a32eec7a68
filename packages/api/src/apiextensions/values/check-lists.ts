import { duplicate, type FieldError, invalidValue, isJsonArray, isJsonObject, type Json, type JsonObject } from '@skiff/machinery'
import { itemsOf, type Structural, schemaOfKey, valuesOf } from './structural.ts'

/** Lists that are sets or maps hold nothing twice. */
export const checkLists = (schema: Structural, value: Json, path = ''): readonly FieldError[] => {
  const faults: FieldError[] = []
  if (hasUniqueLists(schema)) walk(schema, value, path, faults)
  return faults
}

const known = new WeakMap<Structural, boolean>()
const hasUniqueLists = (schema: Structural): boolean => {
  const held = known.get(schema)
  if (held !== undefined) return held
  const items = itemsOf(schema)
  const values = valuesOf(schema)
  const found =
    schema['x-kubernetes-list-type'] === 'set' ||
    schema['x-kubernetes-list-type'] === 'map' ||
    Object.values(schema.properties ?? {}).some(hasUniqueLists) ||
    (items !== undefined && hasUniqueLists(items)) ||
    (typeof values === 'object' && hasUniqueLists(values))
  known.set(schema, found)
  return found
}

const walk = (schema: Structural, value: Json, path: string, faults: FieldError[]): void => {
  if (isJsonArray(value)) {
    if (schema['x-kubernetes-list-type'] === 'set') checkSet(value, path, faults)
    if (schema['x-kubernetes-list-type'] === 'map') checkMap(schema, value, path, faults)
    const items = itemsOf(schema)
    if (items && hasUniqueLists(items))
      value.forEach((item, index) => {
        walk(items, item, `${path}[${index}]`, faults)
      })
  } else if (isJsonObject(value))
    for (const name of Object.keys(value)) {
      const within = schemaOfKey(schema, name)
      if (!within || !hasUniqueLists(within)) continue
      const isProperty = schema.properties && Object.hasOwn(schema.properties, name)
      walk(within, value[name] as Json, isProperty ? (path === '' ? name : `${path}.${name}`) : `${path}[${name}]`, faults)
    }
}

const checkSet = (value: readonly Json[], path: string, faults: FieldError[]): void => {
  for (const index of repeated(value)) faults.push(duplicate(`${path}[${index}]`, value[index]))
}

/** Where something stands for the second time. Upstream says it once for each value. */
const repeated = (values: readonly (Json | undefined)[]): readonly number[] => {
  const met = new Map<string, number>()
  const found: number[] = []
  values.forEach((value, index) => {
    const identity = identityOf(value)
    const times = met.get(identity) ?? 0
    if (times === 1) found.push(index)
    met.set(identity, times + 1)
  })
  return found
}

const identityOf = (value: Json | undefined): string => {
  if (value === undefined) return 'undefined'
  if (typeof value === 'bigint') return String(value)
  if (isJsonArray(value)) return `[${value.map(identityOf).join()}]`
  if (!isJsonObject(value)) return JSON.stringify(value)
  return `{${Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${identityOf(value[key])}`)
    .join()}}`
}

const checkMap = (schema: Structural, value: readonly Json[], path: string, faults: FieldError[]): void => {
  const odd = value.findIndex((item) => item !== null && !isJsonObject(item))
  if (odd >= 0) {
    faults.push(invalidValue(`${path}[${odd}]`, value[odd], 'must be an object for an array of list-type map'))
    return
  }
  const keys = schema['x-kubernetes-list-map-keys'] ?? []
  const identities = value.map((item) => keysOf(keys, item))
  for (const index of repeated(identities)) faults.push(duplicate(`${path}[${index}]`, identities[index]))
}

const keysOf = (keys: readonly string[], item: Json): JsonObject =>
  Object.fromEntries(keys.flatMap((key) => (isJsonObject(item) && Object.hasOwn(item, key) ? [[key, item[key] as Json]] : [])))
