import { isJsonArray, isJsonObject, type Json } from '@skiff/machinery'
import type { JSONSchemaProps } from '../generated/types.ts'

/** A schema among fields that may also hold a boolean or a list: items, additionalProperties. */
export const schemaAt = (value: unknown): JSONSchemaProps | undefined =>
  isJsonObject(value as Json) ? (value as JSONSchemaProps) : undefined

export const schemasAt = (value: unknown): readonly JSONSchemaProps[] | undefined =>
  isJsonArray(value as Json) ? (value as readonly JSONSchemaProps[]) : undefined

/** A schema's properties with their paths, in the order of their names. */
export const propertiesOf = (schema: JSONSchemaProps, path: string): readonly (readonly [string, JSONSchemaProps, string])[] =>
  Object.entries(schema.properties ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, property]) => [name, property, `${path}.properties[${name}]`] as const)
