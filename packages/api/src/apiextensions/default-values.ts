import { addFaults, errorText, type FieldError, invalidValue, isJsonObject, type Json, type JsonObject, sameJson } from '@skiff/machinery'
import type { Faults } from '../checks/faults.ts'
import type { JSONSchemaProps } from '../generated/types.ts'
import { propertiesOf, schemaAt } from './schema-parts.ts'
import { checkEmbedded } from './values/check-embedded.ts'
import { checkValue } from './values/check-value.ts'
import { prune, withEmbeddedMeta } from './values/prune.ts'
import { isEmbedded, isTypeMeta } from './values/structural.ts'

/** Puts a value where it stands within the object whose metadata it belongs to. */
type Surround = (value: Json) => Json

interface Place {
  /** The object that the default is part of: the resource, or one embedded in it. */
  readonly resource: JSONSchemaProps
  readonly surround: Surround
  /** Within apiVersion, kind or metadata. */
  readonly inMeta: boolean
}

const asResource: Surround = (value) => (isJsonObject(value) ? { apiVersion: 'validation/v1', kind: 'Validation', ...value } : value)

/** Defaults are values of their own schemas, without unknown fields. `pruned`: whether the latter is held against them. */
export const checkDefaults = (faults: Faults, root: JSONSchemaProps, path: string, pruned: boolean): void => {
  walk(faults, { ...root, 'x-kubernetes-embedded-resource': true }, path, { resource: root, surround: asResource, inMeta: false }, pruned)
}

const walk = (faults: Faults, schema: JSONSchemaProps, path: string, outer: Place, pruned: boolean): void => {
  const place = isEmbedded(schema) ? { resource: schema, surround: asResource, inMeta: false } : outer
  const { default: value } = schema
  if (value !== undefined && value !== null) {
    if (place.inMeta) checkMetaDefault(faults, schema, value as Json, `${path}.default`, place)
    else checkDefault(faults, schema, value as Json, `${path}.default`, pruned)
  }
  const items = schemaAt(schema.items)
  if (items) walk(faults, items, `${path}.items`, { ...place, surround: (inner) => place.surround([inner]) }, pruned)
  for (const [name, property, at] of propertiesOf(schema, path)) {
    const inMeta = place.inMeta || (isEmbedded(schema) && isTypeMeta(name))
    walk(faults, property, at, { ...place, inMeta, surround: (inner) => place.surround({ [name]: inner }) }, pruned)
  }
}

const checkDefault = (faults: Faults, schema: JSONSchemaProps, value: Json, path: string, pruned: boolean): void => {
  const embedded = isEmbedded(schema)
  if (pruned && !sameJson(prune(schema, value, embedded), value)) faults.push(invalidValue(path, value, 'must not have unknown fields'))
  try {
    withEmbeddedMeta(schema, value)
  } catch (error) {
    faults.push(invalidValue(path, value, (error as Error).message))
    return
  }
  const within = checkEmbedded(schema, value, path, embedded)
  addFaults(faults, within.length > 0 ? within : valueFaults(schema, value, path))
}

const valueFaults = (schema: JSONSchemaProps, value: Json, path: string): readonly FieldError[] =>
  checkValue(schema, value, undefined, '').map((fault) => ({ ...fault, field: fault.field === '<nil>' ? path : `${path}.${fault.field}` }))

const checkMetaDefault = (faults: Faults, schema: JSONSchemaProps, value: Json, path: string, { resource, surround }: Place): void => {
  const refuse = (why: string) => faults.push(invalidValue(path, value, `must result in valid metadata: ${why}`))
  const object = surround(value) as JsonObject
  const whole = { ...resource, 'x-kubernetes-embedded-resource': true }
  try {
    withEmbeddedMeta(whole, object)
  } catch (error) {
    refuse((error as Error).message)
    return
  }
  const within = checkEmbedded(whole, object, '', true)
  if (within.length === 0) addFaults(faults, valueFaults(schema, value, path))
  else refuse(within.length === 1 ? errorText(within[0] as FieldError) : `[${within.map(errorText).join(', ')}]`)
}
