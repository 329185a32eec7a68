import type { Descriptions } from '@skiff/api'
import type { FieldFacts, TypeFacts } from '@skiff/machinery'

export type Schema = Readonly<Record<string, unknown>>

/** A type of the facts as far as OpenAPI tells of it. */
export interface DocumentedType extends TypeFacts {
  readonly gvk?: readonly GroupVersionKind[]
  readonly everyGroupVersion?: boolean
  readonly mapType?: string
  /** The form of a special type. */
  readonly json?: { readonly type?: string; readonly zero?: unknown; readonly ref?: string }
  readonly unions?: readonly { readonly discriminator?: string; readonly fields: Readonly<Record<string, string>> }[]
}
export interface GroupVersionKind {
  readonly group: string
  readonly version: string
  readonly kind: string
}

/** Where the two versions of OpenAPI differ: how a type is named, what a number or text is, whether defaults are told. */
export interface Dialect {
  readonly version: 2 | 3
  readonly refPrefix: string
}
export const openApi2: Dialect = { version: 2, refPrefix: '#/definitions/' }
export const openApi3: Dialect = { version: 3, refPrefix: '#/components/schemas/' }

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1.'
const formatTypes: Readonly<Record<string, string>> = {
  'date-time': `${meta}Time`,
  'micro-time': `${meta}MicroTime`,
  duration: `${meta}Duration`,
  quantity: 'io.k8s.apimachinery.pkg.api.resource.Quantity',
  'int-or-string': 'io.k8s.apimachinery.pkg.util.intstr.IntOrString',
}

export interface SchemaSource {
  readonly types: Readonly<Record<string, DocumentedType>>
  readonly descriptions: Descriptions
  readonly dialect: Dialect
  /** Names of options and watch events that every group version has, for those that are served. */
  readonly everywhere: (kind: string) => readonly GroupVersionKind[]
}

/** The schema of a type; the types that it names are added to `named`. */
export const schemaOfType = (source: SchemaSource, typeName: string, named: (typeName: string) => void): Schema => {
  const type = source.types[typeName]
  const text = source.descriptions.type(typeName)
  const description = text === '' ? {} : { description: text }
  if (!type?.fields) return { ...description, ...specialSchema(source.dialect, typeName) }
  const fields = Object.entries(type.fields)
  const required = fields.filter(([, field]) => field.required).map(([name]) => name)
  const properties = Object.fromEntries(fields.map(([name, field]) => [name, property(source, typeName, name, field, named)]))
  const gvk = type.everyGroupVersion ? source.everywhere(type.gvk?.[0]?.kind ?? '') : type.gvk
  return {
    ...description,
    type: 'object',
    ...(required.length > 0 ? { required } : {}),
    ...(fields.length > 0 ? { properties } : {}),
    ...(gvk ? { 'x-kubernetes-group-version-kind': gvk } : {}),
    ...(type.mapType ? { 'x-kubernetes-map-type': type.mapType } : {}),
    ...(type.unions ? { 'x-kubernetes-unions': type.unions.map(union) } : {}),
  }
}

const union = ({ discriminator, fields }: NonNullable<DocumentedType['unions']>[number]) => ({
  ...(discriminator ? { discriminator } : {}),
  'fields-to-discriminateBy': fields,
})

const specialSchema = ({ version }: Dialect, typeName: string): Schema => {
  switch (typeName.slice(typeName.lastIndexOf('.') + 1)) {
    case 'Time':
    case 'MicroTime':
      return { type: 'string', format: 'date-time' }
    case 'Duration':
      return { type: 'string' }
    case 'Quantity':
      return version === 2 ? { type: 'string' } : { oneOf: [{ type: 'string' }, { type: 'number' }] }
    case 'IntOrString':
      return version === 2
        ? { type: 'string', format: 'int-or-string' }
        : { format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] }
    case 'RawExtension':
    case 'FieldsV1':
      return { type: 'object' }
    default:
      return {}
  }
}

/** A field within its type: what stands beside a reference goes into allOf in version 3. */
const property = (source: SchemaSource, typeName: string, name: string, field: FieldFacts, named: (typeName: string) => void): Schema => {
  const text = source.descriptions.field(typeName, name)
  const value = valueSchema(source, field, named)
  const byDefault = source.dialect.version === 3 ? defaultOf(field) : undefined
  const wrapped = source.dialect.version === 3 && '$ref' in value && (text !== '' || byDefault !== undefined)
  return {
    ...(text === '' ? {} : { description: text }),
    ...(wrapped ? { allOf: [value] } : value),
    ...(byDefault === undefined ? {} : { default: byDefault }),
    ...(field.listMapKeys ? { 'x-kubernetes-list-map-keys': field.listMapKeys } : {}),
    ...(field.listType ? { 'x-kubernetes-list-type': field.listType } : {}),
    ...(field.mapType ? { 'x-kubernetes-map-type': field.mapType } : {}),
    ...(field.patchMergeKey ? { 'x-kubernetes-patch-merge-key': field.patchMergeKey } : {}),
    ...(field.patchStrategy ? { 'x-kubernetes-patch-strategy': field.patchStrategy } : {}),
  }
}

const refOf = (field: FieldFacts): string | undefined => (field.format ? formatTypes[field.format] : undefined) ?? field.ref

/** A default of the facts, or the zero that Go writes for a plain field. */
const defaultOf = (field: FieldFacts): unknown => {
  if (field.default !== undefined) return field.default
  return field.zero === null || field.format === 'quantity' || field.format === 'int-or-string' ? undefined : field.zero
}

const valueSchema = (source: SchemaSource, field: FieldFacts, named: (typeName: string) => void): Schema => {
  const ref = refOf(field)
  if (ref && source.types[ref]?.json?.type === 'array') return { type: 'array', items: element(source, { type: 'string' }, named) }
  if (ref) {
    named(ref)
    return { $ref: `${source.dialect.refPrefix}${ref}` }
  }
  switch (field.type) {
    case 'array':
      return { type: 'array', items: element(source, field.items, named) }
    case 'map':
      return { type: 'object', additionalProperties: element(source, field.values, named) }
    case 'any':
      return {}
    default:
      return { type: field.type, ...(field.format ? { format: field.format } : {}), ...(field.enum ? { enum: field.enum } : {}) }
  }
}

const zeros: Readonly<Record<string, unknown>> = { string: '', integer: 0, number: 0, boolean: false, object: {} }

/** An element of a list or map: Go holds it by value, so that it has a zero. */
const element = (source: SchemaSource, field: FieldFacts | undefined, named: (typeName: string) => void): Schema => {
  if (!field) return {}
  const value = valueSchema(source, field, named)
  if (source.dialect.version === 2) return value
  const zero = '$ref' in value ? (specialFormat(field) ? undefined : {}) : zeros[field.type]
  if ('$ref' in value) return zero === undefined ? value : { allOf: [value], default: zero }
  return zero === undefined ? value : { ...value, default: zero }
}
const specialFormat = (field: FieldFacts): boolean => field.format !== undefined || field.type === 'any'
