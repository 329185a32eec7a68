import { addFaults, forbiddenField, invalidValue } from '@skiff/machinery'
import { collect, type Faults, invalidShown } from '../checks/faults.ts'
import type { CustomResourceDefinitionVersion, JSONSchemaProps } from '../generated/types.ts'
import { checkDefaults } from './default-values.ts'
import { checkOpenApi } from './open-api-schema.ts'
import { compileRules } from './rules/compile-rules.ts'
import { propertiesOf, schemaAt, schemasAt } from './schema-parts.ts'
import { checkStructural } from './structural.ts'

/** What was in the definition before an update. */
export interface Known {
  /** Schemas that are as they were, by version: what they were once let through with is not held against them. */
  readonly unchanged: ReadonlySet<string>
}

/** One schema of a definition. Upstream looks at its structure first, then at defaults, and at rules only where all else is right. */
export const checkSchema = (
  faults: Faults,
  { name, schema }: CustomResourceDefinitionVersion,
  path: string,
  hasStatus: boolean,
  { unchanged }: Known,
): void => {
  const root = schema?.openAPIV3Schema
  if (root === undefined) return
  const at = `${path}.openAPIV3Schema`
  const found = collect((own) => {
    if (hasStatus) checkRoot(own, root, path)
    if (root.nullable) own.push(forbiddenField(`${at}.nullable`, 'nullable cannot be true at the root'))
    const unknown = unreadable(root)
    if (unknown === undefined) {
      const before = own.length
      checkStructural(own, root, at)
      if (own.length === before) checkDefaults(own, root, at, true)
    }
    const structural = own.length === 0 && unknown === undefined
    checkOpenApi(own, root, at)
    if (structural) {
      const wrong = own.map(({ field }) => field)
      compileRules(own, root, at, wrong, unchanged.has(name))
    }
    if (unknown !== undefined && own.length === 0) own.push(invalidValue(at, '', unknown))
  })
  addFaults(faults, found)
}

/** Why a schema cannot be looked at for its structure. Most of it is a fault by itself as well. */
const unreadable = (schema: JSONSchemaProps): string | undefined => {
  const odd = (['id', '$schema', '$ref', 'patternProperties', 'dependencies', 'additionalItems', 'definitions'] as const).find(
    (field) => schema[field] !== undefined && schema[field] !== '',
  )
  if (odd !== undefined) return `OpenAPIV3Schema '${odd === '$schema' ? 'schema' : odd}' is not supported`
  if (schemasAt(schema.items)?.length) return "OpenAPIV3Schema 'items' must be a schema, but is an array"
  if (schema['x-kubernetes-preserve-unknown-fields'] === false)
    return "internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined"
  const inner = [
    schemaAt(schema.items),
    schemaAt(schema.additionalProperties),
    schema.not,
    ...(schema.allOf ?? []),
    ...(schema.anyOf ?? []),
    ...(schema.oneOf ?? []),
    ...propertiesOf(schema, '').map(([, property]) => property),
  ]
  for (const each of inner) {
    const found = each && unreadable(each)
    if (found !== undefined) return found
  }
  return undefined
}

/** What may stand at the root of a schema whose status is checked by itself. */
const rootFields = {
  description: 'Description',
  type: 'Type',
  format: 'Format',
  title: 'Title',
  maximum: 'Maximum',
  exclusiveMaximum: 'ExclusiveMaximum',
  minimum: 'Minimum',
  exclusiveMinimum: 'ExclusiveMinimum',
  maxLength: 'MaxLength',
  minLength: 'MinLength',
  pattern: 'Pattern',
  maxItems: 'MaxItems',
  minItems: 'MinItems',
  uniqueItems: 'UniqueItems',
  multipleOf: 'MultipleOf',
  required: 'Required',
  items: 'Items',
  properties: 'Properties',
  externalDocs: 'ExternalDocs',
  example: 'Example',
  'x-kubernetes-preserve-unknown-fields': 'XPreserveUnknownFields',
  'x-kubernetes-validations': 'XValidations',
}

const checkRoot = (faults: Faults, root: JSONSchemaProps, path: string): void => {
  const rule = 'of the schema if the status subresource is enabled'
  if (root.type && root.type !== 'object')
    faults.push(invalidValue(`${path}.openAPIV3Schema.type`, root.type, `only "object" is allowed as the type at the root ${rule}`))
  else if (Object.keys(root).some((field) => !(field in rootFields)))
    faults.push(
      invalidShown(
        `${path}.openAPIV3Schema`,
        'apiextensions.JSONSchemaProps{}',
        `only [${Object.values(rootFields).join(' ')}] fields are allowed at the root ${rule}`,
      ),
    )
}
