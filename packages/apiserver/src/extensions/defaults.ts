import { isJsonArray, isJsonObject, type Json } from '@skiff/machinery'
import { itemsOf, mapValues, type Structural, schemaOfKey } from './structural.ts'

/** Fills in defaults. A null where none may be counts as left out: it gives way to the default, or goes. */
export const withSchemaDefaults = (schema: Structural, value: Json): Json => {
  if (isJsonArray(value)) {
    const items = itemsOf(schema)
    if (!items) return value
    const out = value.map((item) =>
      item === null && items.default !== undefined && !items.nullable ? (items.default as Json) : withSchemaDefaults(items, item),
    )
    return out.some((item, index) => item !== value[index]) ? out : value
  }
  if (!isJsonObject(value)) return value
  const kept = mapValues(value, (name, inner) => {
    const property = schemaOfKey(schema, name)
    if (!property) return inner
    if (inner === null && !property.nullable) return undefined
    return withSchemaDefaults(property, inner)
  })
  const added: Record<string, Json> = {}
  for (const [name, property] of Object.entries(schema.properties ?? {}))
    if (property.default !== undefined && !Object.hasOwn(kept, name)) added[name] = withSchemaDefaults(property, property.default as Json)
  return Object.keys(added).length > 0 ? { ...kept, ...added } : kept
}
