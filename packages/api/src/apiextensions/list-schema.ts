import { forbiddenField, invalidValue, notSupported, repeats, required } from '@skiff/machinery'
import { checkSupported, type Faults, invalidShown, orNull } from '../checks/faults.ts'
import { goStrings } from '../checks/go-syntax.ts'
import type { JSONSchemaProps } from '../generated/types.ts'
import { schemaAt } from './schema-parts.ts'

const listType = 'x-kubernetes-list-type'
const mapType = 'x-kubernetes-map-type'
const keysField = 'x-kubernetes-list-map-keys'

/** How lists and maps of a schema are merged. */
export const checkTopology = (faults: Faults, schema: JSONSchemaProps, path: string): void => {
  checkTypeFor(faults, schema, 'object', mapType, path)
  checkSupported(faults, schema[mapType], ['atomic', 'granular'], `${path}.${mapType}`)
  checkTypeFor(faults, schema, 'array', listType, path)
  if (schema.type === 'array' && schema[listType] === 'set') checkSetItems(faults, schemaAt(schema.items), path)
  const kind = schema[listType]
  if (kind !== undefined && !['atomic', 'set', 'map'].includes(kind))
    faults.push(notSupported(`${path}.${listType}`, kind, ['atomic', 'set', 'map']))
  if (schema[keysField]?.length && kind !== 'map') {
    const detail = 'must be map if x-kubernetes-list-map-keys is non-empty'
    faults.push(kind === undefined ? required(`${path}.${listType}`, detail) : invalidValue(`${path}.${listType}`, kind, detail))
  }
  if (kind === 'map') checkMapList(faults, schema, path)
  if (kind === 'map' || kind === 'set') {
    if (schemaAt(schema.items)?.nullable)
      faults.push(forbiddenField(`${path}.items.nullable`, `cannot be nullable when x-kubernetes-list-type is ${kind}`))
  }
  if (kind === 'map') checkKeyProperties(faults, schema, path)
}

const checkTypeFor = (
  faults: Faults,
  schema: JSONSchemaProps,
  type: string,
  marker: typeof listType | typeof mapType,
  path: string,
): void => {
  if (schema[marker] === undefined || schema.type === type) return
  const detail = `must be ${type} if ${marker} is specified`
  faults.push(schema.type ? invalidValue(`${path}.type`, schema.type, detail) : required(`${path}.type`, detail))
}

/** Items of a set are compared as wholes. */
const checkSetItems = (faults: Faults, items: JSONSchemaProps | undefined, path: string): void => {
  const detail = 'must be atomic as item of a list with x-kubernetes-list-type=set'
  if (items?.type === 'array' && items[listType] !== undefined && items[listType] !== 'atomic')
    faults.push(invalidValue(`${path}.items.${listType}`, items[listType], detail))
  if (items?.type === 'object' && items[mapType] !== 'atomic')
    faults.push(invalidValue(`${path}.items.${mapType}`, orNull(items[listType]), detail))
}

const checkMapList = (faults: Faults, schema: JSONSchemaProps, path: string): void => {
  const keys = schema[keysField] ?? []
  const items = schemaAt(schema.items)
  if (keys.length === 0) faults.push(required(`${path}.${keysField}`, 'must not be empty if x-kubernetes-list-type is map'))
  if (schema.items === undefined) faults.push(required(`${path}.items`, 'must have a schema if x-kubernetes-list-type is map'))
  if (items === undefined) return
  if (items.type !== 'object') {
    faults.push(invalidValue(`${path}.items.type`, items.type ?? '', "must be object if parent array's x-kubernetes-list-type is map"))
    return
  }
  const again = repeats(keys)
  keys.forEach((key, index) => {
    const property = items.properties?.[key]
    const wrongKeys = (detail: string) => faults.push(invalidShown(`${path}.${keysField}`, goStrings(keys), detail))
    if (property === undefined) wrongKeys('entries must all be names of item properties')
    else if (property.type === 'array' || property.type === 'object') {
      const detail = "must be a scalar type if parent array's x-kubernetes-list-type is map"
      faults.push(invalidValue(`${path}.items.properties[${key}].type`, items.type, detail))
    }
    if (again.has(index)) wrongKeys('must not contain duplicate entries')
  })
}

const checkKeyProperties = (faults: Faults, schema: JSONSchemaProps, path: string): void => {
  const items = schemaAt(schema.items)
  for (const key of schema[keysField] ?? []) {
    const property = items?.properties?.[key]
    if (property === undefined) continue
    const at = `${path}.items.properties[${key}]`
    const why = 'this property is in x-kubernetes-list-map-keys, so it'
    if (!items?.required?.includes(key) && property.default === undefined)
      faults.push(required(`${at}.default`, `${why} must have a default or be a required property`))
    if (property.nullable) faults.push(forbiddenField(`${at}.nullable`, `${why} cannot be nullable`))
  }
}
