import { isJsonObject, type Json, type JsonObject } from '@skiff/machinery'
import type { JSONSchemaProps } from '../../generated/types.ts'

/** A schema whose shape is complete: what a definition's validation lets through. */
export type Structural = JSONSchemaProps

export const itemsOf = (schema: Structural): Structural | undefined => schema.items as Structural | undefined

/** The schema of a map's values; true where anything may be in it. */
export const valuesOf = (schema: Structural): Structural | boolean | undefined =>
  schema.additionalProperties as Structural | boolean | undefined

export const propertyOf = (schema: Structural, name: string): Structural | undefined =>
  schema.properties && Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined

/** The schema of a key's value: its property's, or that of all values. */
export const schemaOfKey = (schema: Structural, name: string): Structural | undefined => {
  const values = valuesOf(schema)
  return propertyOf(schema, name) ?? (typeof values === 'object' ? values : undefined)
}

export const keepsUnknown = (schema: Structural): boolean => schema['x-kubernetes-preserve-unknown-fields'] === true
export const isEmbedded = (schema: Structural): boolean => schema['x-kubernetes-embedded-resource'] === true
export const isIntOrString = (schema: Structural): boolean => schema['x-kubernetes-int-or-string'] === true

/** Fields that every object has, whatever its schema says. */
export const isTypeMeta = (name: string): boolean => name === 'apiVersion' || name === 'kind' || name === 'metadata'

/** A copy of an object with one key changed, added, or, where undefined, left out. */
export const mapValues = (object: JsonObject, change: (name: string, value: Json) => Json | undefined): JsonObject => {
  let changed = false
  const entries: [string, Json][] = []
  for (const name of Object.keys(object)) {
    const value = object[name] as Json
    const next = change(name, value)
    if (next !== value) changed = true
    if (next !== undefined) entries.push([name, next])
  }
  return changed ? Object.fromEntries(entries) : object
}

/** The schemas right within a schema, its logical parts left out. */
export const partsOf = (schema: Structural): readonly Structural[] => {
  const values = valuesOf(schema)
  const items = itemsOf(schema)
  return [
    ...Object.values(schema.properties ?? {}),
    ...(items ? [items] : []),
    ...(isJsonObject(values as Json) ? [values as Structural] : []),
  ]
}
