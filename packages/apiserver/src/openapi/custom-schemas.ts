import { type Descriptions, itemsOf, type JSONSchemaProps, type Kind, keepsUnknown, type Structural, valuesOf } from '@skiff/api'
import type { Dialect, Schema } from './schemas.ts'

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1.'
const conventions = 'https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md'

/** The name of a custom kind's schema: its group turned round. */
export const customName = (kind: Kind): string => [...kind.group.split('.').reverse(), kind.version, kind.kind].join('.')

/** A custom kind's schema with what every object has, and its list's. */
export const customSchemas = (kind: Kind, dialect: Dialect, descriptions: Descriptions): Readonly<Record<string, Schema>> => {
  const name = customName(kind)
  const gvk = { group: kind.group, version: kind.version, kind: kind.kind }
  const list = {
    description: `${kind.listKind} is a list of ${kind.kind}`,
    type: 'object',
    required: ['items'],
    properties: {
      ...typeMeta(descriptions),
      metadata: referring(dialect, `${meta}ListMeta`, descriptions.field(`${meta}PartialObjectMetadataList`, 'metadata') || listMetadata),
      items: {
        description: `List of ${kind.plural}. More info: ${conventions}`,
        type: 'array',
        items: { $ref: `${dialect.refPrefix}${name}` },
      },
    },
    'x-kubernetes-group-version-kind': [{ ...gvk, kind: kind.listKind }],
  }
  // metadata.name and metadata.namespace come first; the kind's own selectable fields alone are told.
  const selectable = kind.selectable.slice(2).map((fieldPath) => ({ fieldPath }))
  const marks = {
    'x-kubernetes-group-version-kind': [gvk],
    ...(selectable.length > 0 ? { 'x-kubernetes-selectable-fields': selectable } : {}),
  }
  return { [name]: { ...objectSchema(kind, dialect, descriptions), ...marks }, [`${name}List`]: list }
}

const listMetadata = `Standard list metadata. More info: ${conventions}#types-kinds`
const objectMetadata = `Standard object's metadata. More info: ${conventions}#metadata`

const typeMeta = (descriptions: Descriptions): Schema => {
  const text = (field: string) => {
    const description = descriptions.field(`${meta}Status`, field)
    return { ...(description === '' ? {} : { description }), type: 'string' }
  }
  return { apiVersion: text('apiVersion'), kind: text('kind') }
}

const referring = ({ version, refPrefix }: Dialect, name: string, description: string): Schema => {
  const ref = { $ref: `${refPrefix}${name}` }
  return { description, ...(version === 3 ? { allOf: [ref] } : ref) }
}

/** Without a schema nothing is told: kubectl would refuse whatever is not. */
const objectSchema = (kind: Kind, dialect: Dialect, descriptions: Descriptions): Schema => {
  const own = kind.openApiSchema as Structural | undefined
  if (!own || Object.keys(own).length === 0) return { type: 'object' }
  if (dialect.version === 2 && keepsUnknown(own)) return { type: 'object' }
  const shaped = dialect.version === 2 ? forVersion2(own) : own
  const whole = unfolded(shaped, dialect)
  const properties = {
    ...(whole.properties as Schema),
    ...typeMeta(descriptions),
    metadata: referring(dialect, `${meta}ObjectMeta`, objectMetadata),
  }
  return { ...whole, properties }
}

const mapped = (schemas: Readonly<Record<string, Structural>> | undefined, change: (schema: Structural) => Structural) =>
  schemas && Object.fromEntries(Object.entries(schemas).map(([name, each]) => [name, change(each)]))

/** Every schema of a tree, changed from the leaves up; `before` is the one whose children are not changed yet. */
const throughout = (schema: Structural, change: (schema: Structural, before: Structural) => Structural): Structural => {
  const below = (each: Structural) => throughout(each, change)
  const items = itemsOf(schema)
  const values = valuesOf(schema)
  const next = {
    ...schema,
    ...(schema.properties ? { properties: mapped(schema.properties, below) } : {}),
    ...(items ? { items: below(items) } : {}),
    ...(typeof values === 'object' ? { additionalProperties: below(values) } : {}),
  } as Structural
  return change(next, schema)
}

/** What version 2, and kubectl's check by it, cannot take: junctors, null, and properties beside unknown fields. */
const forVersion2 = (schema: Structural): Structural => throughout(schema, reduced)

const reduced = (schema: Structural, before: Structural): Structural => {
  const { allOf, anyOf, oneOf, not, nullable, default: _, ...rest } = schema as JSONSchemaProps & { readonly default?: unknown }
  let next: Record<string, unknown> = rest as Record<string, unknown>
  if (nullable === true || keepsUnknown(schema)) {
    const { items, properties, ...bare } = next
    next = bare
  }
  if (nullable === true || (next.items === undefined && next.type === 'array')) {
    const { type, ...bare } = next
    next = bare
  }
  return withoutNullables(before, next) as Structural
}

/** A required field that may be null would be missed: version 2 knows no null. `before` still tells which may. */
const withoutNullables = (before: Structural, after: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => {
  const required = (after.required as readonly string[] | undefined)?.filter((name) => before.properties?.[name]?.nullable !== true)
  const { required: _, ...rest } = after
  return required && required.length > 0 ? { ...rest, required } : rest
}

const embedded = (dialect: Dialect): Schema => ({
  apiVersion: {
    description: `apiVersion defines the versioned schema of this representation of an object. More info: ${conventions}#resources`,
    type: 'string',
  },
  kind: {
    description: `kind is a string value representing the type of this object. In CamelCase. More info: ${conventions}#types-kinds`,
    type: 'string',
  },
  metadata: referring(dialect, `${meta}ObjectMeta`, objectMetadata),
})

/** What upstream adds to a schema when it publishes it: the two types of an int-or-string, and what an embedded object has. */
const unfolded = (schema: Structural, dialect: Dialect): Schema =>
  throughout(schema, (each) => {
    let next = each as Readonly<Record<string, unknown>>
    if (dialect.version === 3 && each['x-kubernetes-int-or-string'] === true && !each.anyOf && !each.allOf)
      next = { ...next, anyOf: [{ type: 'integer' }, { type: 'string' }] }
    if (each['x-kubernetes-embedded-resource'] === true && !(dialect.version === 2 && keepsUnknown(each))) {
      const required = [...new Set([...((next.required as readonly string[] | undefined) ?? []), 'kind', 'apiVersion'])]
      next = { ...next, properties: { ...(next.properties as Schema), ...embedded(dialect) }, required }
    }
    return next as Structural
  }) as Schema
