import { addFaults, compilePattern, errorText, forbiddenField, invalidValue, required } from '@skiff/machinery'
import { collect, type Faults, same } from '../checks/faults.ts'
import type { JSONSchemaProps } from '../generated/types.ts'
import { propertiesOf, schemaAt } from './schema-parts.ts'

/** Where a schema stands: it decides how a missing type is worded. */
type Level = 'root' | 'item' | 'field'

const untyped: Readonly<Record<Level, string>> = {
  root: 'must not be empty at the root',
  item: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
}

const embedded = 'x-kubernetes-embedded-resource'
const preserve = 'x-kubernetes-preserve-unknown-fields'
const intOrString = 'x-kubernetes-int-or-string'

/**
 * Complaints about a schema that is not structural: one whose shape, as opposed to what it demands of values, is not told outside of
 * allOf, anyOf, oneOf and not. Sorted by their texts, as upstream has them.
 */
export const checkStructural = (faults: Faults, schema: JSONSchemaProps, path: string): void => {
  const found = collect((own) => {
    checkShape(own, schema, 'root', path)
    checkComplete(own, { values: schema, valuesPath: path, shape: schema, shapePath: path })
  })
  addFaults(
    faults,
    found.toSorted((a, b) => (errorText(a) < errorText(b) ? -1 : 1)),
  )
}

const checkShape = (faults: Faults, schema: JSONSchemaProps, level: Level, path: string): void => {
  const items = schemaAt(schema.items)
  if (schema.type === 'array' && items === undefined) faults.push(required(`${path}.items`, 'must be specified'))
  if (items) checkShape(faults, items, 'item', `${path}.items`)
  for (const [, property, at] of propertiesOf(schema, path)) checkShape(faults, property, 'field', at)
  const additional = schemaAt(schema.additionalProperties)
  if (schema.additionalProperties !== undefined && level === 'root')
    faults.push(forbiddenField(`${path}.additionalProperties`, 'must not be used at the root'))
  if (additional) checkShape(faults, additional, 'field', `${path}.additionalProperties`)
  if (schema[intOrString])
    for (const field of [preserve, embedded] as const)
      if (schema[field]) faults.push(invalidValue(`${path}.${field}`, true, 'must be false if x-kubernetes-int-or-string is true'))
  checkValues(faults, schema, path, isIntOrString(schema.anyOf), isIntOrString(schema.allOf?.[0]?.anyOf))
  checkType(faults, schema, level, path)
  if (schema[embedded]) checkEmbedded(faults, schema, path)
  if (level === 'root' || schema[embedded]) checkMetaTypes(faults, schema, path)
  if (level === 'root' && schema.properties?.metadata) checkRootMetadata(faults, schema.properties.metadata, path)
}

const isIntOrString = (schemas: readonly JSONSchemaProps[] | undefined): boolean =>
  schemas !== undefined && same(schemas, [{ type: 'integer' }, { type: 'string' }])

const checkType = (faults: Faults, schema: JSONSchemaProps, level: Level, path: string): void => {
  const { type } = schema
  const detail = 'must be object if x-kubernetes-embedded-resource is true'
  if (schema[embedded] && type !== 'object')
    faults.push(type ? invalidValue(`${path}.type`, type, detail) : required(`${path}.type`, detail))
  else if (!type && !schema[intOrString] && !schema[preserve]) faults.push(required(`${path}.type`, untyped[level]))
  if (level === 'root' && type && type !== 'object') faults.push(invalidValue(`${path}.type`, type, 'must be object at the root'))
}

const checkEmbedded = (faults: Faults, schema: JSONSchemaProps, path: string): void => {
  if (schema.additionalProperties !== undefined)
    faults.push(forbiddenField(`${path}.additionalProperties`, 'must not be used if x-kubernetes-embedded-resource is set'))
  if (!schema[preserve] && Object.keys(schema.properties ?? {}).length === 0) {
    const detail = 'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields'
    faults.push(required(`${path}.properties`, detail))
  }
}

const metaTypes = { kind: 'string', apiVersion: 'string', metadata: 'object' } as const

const checkMetaTypes = (faults: Faults, schema: JSONSchemaProps, path: string): void => {
  for (const [name, type] of Object.entries(metaTypes)) {
    const property = schema.properties?.[name]
    if (property && property.type !== type)
      faults.push(invalidValue(`${path}.properties[${name}].type`, property.type ?? '', `must be ${type}`))
  }
}

/** The schema of metadata is the server's own; names alone may be restricted. */
const checkRootMetadata = (faults: Faults, metadata: JSONSchemaProps, path: string): void => {
  const { type: _type, default: _default, properties = {}, ...rest } = metadata
  const named = Object.keys(properties).every((name) => name === 'name' || name === 'generateName')
  if (named && Object.keys(rest).length === 0) return
  const detail = 'must not specify anything other than name and generateName, but metadata is implicitly specified'
  faults.push(forbiddenField(`${path}.properties[metadata]`, detail))
}

const checkValues = (faults: Faults, schema: JSONSchemaProps, path: string, skipAnyOf: boolean, skipInAllOf: boolean): void => {
  if (!skipAnyOf)
    schema.anyOf?.forEach((each, index) => {
      checkNested(faults, each, `${path}.anyOf[${index}]`, false)
    })
  schema.allOf?.forEach((each, index) => {
    checkNested(faults, each, `${path}.allOf[${index}]`, skipInAllOf && index === 0)
  })
  schema.oneOf?.forEach((each, index) => {
    checkNested(faults, each, `${path}.oneOf[${index}]`, false)
  })
  if (schema.not) checkNested(faults, schema.not, `${path}.not`, false)
  const fault = schema.pattern ? patternFault(schema.pattern) : undefined
  if (fault) faults.push(invalidValue(`${path}.pattern`, schema.pattern, `must be a valid regular expression, but isn't: ${fault}`))
}

/** Go's words for what is wrong with a regular expression. */
const patternFault = (pattern: string): string | undefined => {
  try {
    compilePattern(pattern)
    return undefined
  } catch (error) {
    const { message } = error as Error
    return message.endsWith('at end of expression') ? `${message}: \`\`` : message
  }
}

/** What tells of shape, with the word for what it must be instead. */
const shapeFields = {
  type: 'empty',
  additionalProperties: 'undefined',
  default: 'undefined',
  title: 'empty',
  description: 'empty',
  nullable: 'false',
  [preserve]: 'false',
  [embedded]: 'false',
  [intOrString]: 'false',
  'x-kubernetes-list-map-keys': 'empty',
  'x-kubernetes-list-type': 'undefined',
  'x-kubernetes-map-type': 'undefined',
  'x-kubernetes-validations': 'empty',
} as const

const checkNested = (faults: Faults, schema: JSONSchemaProps, path: string, skipAnyOf: boolean): void => {
  checkValues(faults, schema, path, skipAnyOf, false)
  const items = schemaAt(schema.items)
  if (items) checkNested(faults, items, `${path}.items`, false)
  for (const [, property, at] of propertiesOf(schema, path)) checkNested(faults, property, at, false)
  for (const [field, word] of Object.entries(shapeFields)) {
    const value = schema[field as keyof typeof shapeFields]
    if (value !== undefined && value !== '' && value !== false && (value as { length?: number }).length !== 0)
      faults.push(forbiddenField(`${path}.${field}`, `must be ${word} to be structural`))
  }
  if (schema.properties?.metadata) faults.push(forbiddenField(`${path}.properties[metadata]`, 'must not be specified in a nested context'))
}

interface Pair {
  readonly values: JSONSchemaProps
  readonly valuesPath: string
  readonly shape: JSONSchemaProps
  readonly shapePath: string
}

/** Every field that something is demanded of must be told of by the shape. */
const checkComplete = (faults: Faults, { values, valuesPath, ...shape }: Pair): void => {
  if (values.not) checkNestedComplete(faults, { ...shape, values: values.not, valuesPath: `${valuesPath}.not` })
  for (const junctor of ['allOf', 'anyOf', 'oneOf'] as const)
    values[junctor]?.forEach((each, index) => {
      checkNestedComplete(faults, { ...shape, values: each, valuesPath: `${valuesPath}.${junctor}[${index}]` })
    })
}

const checkNestedComplete = (faults: Faults, pair: Pair): void => {
  checkComplete(faults, pair)
  const { values, valuesPath, shape, shapePath } = pair
  const inner = (part: JSONSchemaProps, partPath: string, told: JSONSchemaProps | undefined, toldPath: string): void => {
    if (told === undefined) faults.push(required(toldPath, `because it is defined in ${partPath}`))
    else checkNestedComplete(faults, { values: part, valuesPath: partPath, shape: told, shapePath: toldPath })
  }
  const items = schemaAt(values.items)
  if (items) inner(items, `${valuesPath}.items`, schemaAt(shape.items), `${shapePath}.items`)
  for (const [name, property, at] of propertiesOf(values, valuesPath))
    inner(property, at, shape.properties?.[name], `${shapePath}.properties[${name}]`)
}
