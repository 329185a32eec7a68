import { isJsonArray, isJsonObject, type Json } from '@skiff/machinery'
import { itemsOf, mapValues, propertyOf, type Structural, valuesOf } from './structural.ts'

/** Fills in defaults. A null where none may be counts as left out: it gives way to the default, or goes. */
export const withSchemaDefaults = (schema: Structural, value: Json): Json => {
  if (isJsonArray(value)) {
    const items = itemsOf(schema)
    if (!items) return value
    const out = value.map((item) => withSchemaDefaults(items, replacesNull(items, item) ? (items.default as Json) : item))
    return out.some((item, index) => item !== value[index]) ? out : value
  }
  if (!isJsonObject(value)) return value
  const values = valuesOf(schema)
  const kept = mapValues(value, (name, inner) => {
    const within = propertyOf(schema, name) ?? (typeof values === 'object' ? values : undefined)
    if (!within) return inner
    if (replacesNull(within, inner)) return withSchemaDefaults(within, within.default as Json)
    return inner === null && !within.nullable ? undefined : withSchemaDefaults(within, inner)
  })
  const added: Record<string, Json> = Object.create(null)
  for (const [name, property] of Object.entries(schema.properties ?? {}))
    if (property.default !== undefined && property.default !== null && !Object.hasOwn(kept, name))
      added[name] = withSchemaDefaults(property, property.default as Json)
  return Object.keys(added).length > 0 ? { ...kept, ...added } : kept
}

const replacesNull = (schema: Structural, value: Json): boolean =>
  value === null && !schema.nullable && schema.default !== undefined && schema.default !== null
