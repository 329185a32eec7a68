import { forbiddenField, invalidValue, notSupported } from '@skiff/machinery'
import type { Faults } from '../checks/faults.ts'
import type { JSONSchemaProps } from '../generated/types.ts'
import { checkTopology } from './list-schema.ts'
import { checkRuleTexts } from './rules/rule-texts.ts'
import { propertiesOf, schemaAt, schemasAt } from './schema-parts.ts'

const types = ['array', 'boolean', 'integer', 'number', 'object', 'string']
const metaFields = new Set(['metadata', 'kind', 'apiVersion'])
/** Parts of JSON Schema that a definition may not use. */
const unsupported = ['id', 'additionalItems', 'patternProperties', 'definitions', 'dependencies', '$ref'] as const

interface Place {
  readonly root: boolean
  /** Within the metadata of the resource, or of one embedded in it. */
  readonly inMeta: boolean
  /** Why there may be no default here. */
  readonly noDefault?: string
}

/** What a definition's schema may not contain, its logical parts included. */
export const checkOpenApi = (faults: Faults, schema: JSONSchemaProps, path: string, place: Place = { root: true, inMeta: false }): void => {
  checkFeatures(faults, schema, path, place)
  if (schema.uniqueItems)
    faults.push(forbiddenField(`${path}.uniqueItems`, 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic'))
  const inner = { ...place, root: false }
  checkAdditional(faults, schema, path, inner)
  for (const [name, property, at] of propertiesOf(schema, path)) checkOpenApi(faults, property, at, placeOf(schema, name, place))
  if (schema.not) checkOpenApi(faults, schema.not, `${path}.not`, inner)
  for (const junctor of ['allOf', 'oneOf', 'anyOf'] as const)
    schema[junctor]?.forEach((each, index) => {
      checkOpenApi(faults, each, `${path}.${junctor}[${index}]`, inner)
    })
  const items = schemaAt(schema.items)
  if (items) checkOpenApi(faults, items, `${path}.items`, inner)
  if (schema['x-kubernetes-preserve-unknown-fields'] === false)
    faults.push(invalidValue(`${path}.x-kubernetes-preserve-unknown-fields`, false, 'must be true or undefined'))
  checkTopology(faults, schema, path)
  checkRuleTexts(faults, schema, path)
}

const placeOf = (schema: JSONSchemaProps, property: string, { root, inMeta, noDefault }: Place): Place => {
  const meta = (root || schema['x-kubernetes-embedded-resource'] === true) && metaFields.has(property)
  const reason = meta && root ? `in top-level ${property}` : noDefault
  return { root: false, inMeta: inMeta || meta, ...(reason === undefined ? {} : { noDefault: reason }) }
}

const checkFeatures = (faults: Faults, schema: JSONSchemaProps, path: string, { inMeta, noDefault }: Place): void => {
  if (schema.type && !types.includes(schema.type)) faults.push(notSupported(`${path}.type`, schema.type, types))
  if (schema.default !== undefined && noDefault !== undefined)
    faults.push(forbiddenField(`${path}.default`, `must not be set ${noDefault}`))
  for (const field of unsupported)
    if (schema[field] !== undefined && schema[field] !== '') faults.push(forbiddenField(`${path}.${field}`, `${field} is not supported`))
  if (schema.type === 'null') faults.push(forbiddenField(`${path}.type`, 'type cannot be set to null, use nullable as an alternative'))
  if (schemasAt(schema.items)?.length) faults.push(forbiddenField(`${path}.items`, 'items must be a schema object and not an array'))
  if (inMeta && schema['x-kubernetes-embedded-resource'])
    faults.push(forbiddenField(`${path}.x-kubernetes-embedded-resource`, 'must not be used inside of resource meta'))
}

const checkAdditional = (faults: Faults, schema: JSONSchemaProps, path: string, place: Place): void => {
  const { additionalProperties: additional } = schema
  if (additional === undefined) return
  const nested = schemaAt(additional)
  if (Object.keys(schema.properties ?? {}).length > 0 && (nested || additional === false))
    faults.push(forbiddenField(`${path}.additionalProperties`, 'additionalProperties and properties are mutual exclusive'))
  const inside = place.inMeta ? { ...place, noDefault: 'inside additionalProperties applying to object metadata' } : place
  if (nested) checkOpenApi(faults, nested, `${path}.additionalProperties`, inside)
}
