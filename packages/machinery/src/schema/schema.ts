/** The shape of one value on the wire. */
export type Shape =
  | { readonly is: 'string' }
  | { readonly is: 'boolean' }
  | { readonly is: 'integer'; readonly bits: 32 | 64 }
  | { readonly is: 'number' }
  | { readonly is: 'bytes' }
  | { readonly is: 'time'; readonly micro: boolean }
  | { readonly is: 'duration' }
  | { readonly is: 'quantity' }
  | { readonly is: 'intOrString' }
  /** Kept as it came: JSON in a CRD's schema, RawExtension, fieldsV1. */
  | { readonly is: 'any' }
  | { readonly is: 'array'; readonly items: Shape }
  | { readonly is: 'map'; readonly values: Shape }
  | { readonly is: 'object'; readonly schema: ObjectSchema }
  /** A schema within a schema, or what else may stand in its place: several of them, a boolean, a list of strings. */
  | { readonly is: 'schemaOr'; readonly other: 'schemas' | 'bool' | 'strings'; readonly schema: ObjectSchema }

export interface FieldSchema {
  readonly name: string
  /** `"name":`, alone and behind a comma: how the field begins on the wire. */
  readonly firstKey: string
  readonly nextKey: string
  readonly shape: Shape
  /** An explicit empty value (0, "", false, {}) is kept: a pointer in the Go type. */
  readonly keepEmpty: boolean
  /** The JSON that is written when the field is unset; undefined when it is left out. */
  readonly unset: string | undefined
  /** The empty text, number or boolean of a field that is never left out: sent or not, it is there and compares equal. */
  readonly zero: unknown
  /** What an unset field becomes on decoding. */
  readonly fallback: unknown
}

/** A Go struct as data. `fields` is in Go's order, which is the order of encoding. Made lazily: recursive types refer to themselves. */
export interface ObjectSchema {
  readonly name: string
  readonly fields: readonly FieldSchema[]
  readonly byName: ReadonlyMap<string, FieldSchema>
}

/** A type of the facts file, as far as the compiler reads it. */
export interface TypeFacts {
  readonly special?: boolean
  readonly mapType?: string
  readonly fields?: Readonly<Record<string, FieldFacts>>
  readonly json?: { readonly zero?: unknown; readonly ref?: string }
  readonly gvk?: unknown
}
export interface FieldFacts {
  readonly type: string
  readonly format?: string
  readonly ref?: string
  readonly items?: FieldFacts
  readonly values?: FieldFacts
  readonly ptr?: boolean
  readonly zero?: unknown
  readonly default?: unknown
  readonly required?: boolean
  readonly enum?: readonly string[]
  readonly listType?: string
  readonly listMapKeys?: readonly string[]
  readonly mapType?: string
  readonly patchStrategy?: string
  readonly patchMergeKey?: string
  readonly gate?: string | readonly string[]
  /** Protobuf field number; a list is a path through messages that JSON flattens. */
  readonly proto?: number | readonly number[]
  /** Of an array: the element's. */
  readonly protoType?: string
}

export interface SchemaSource {
  readonly types: Readonly<Record<string, TypeFacts>>
  /** Constant defaults of a type: field name to value. */
  readonly defaults?: (typeName: string) => ReadonlyMap<string, unknown> | undefined
}

const lastSegment = (name: string): string => name.slice(name.lastIndexOf('.') + 1)
const specialShapes: Readonly<Record<string, Shape>> = {
  Time: { is: 'time', micro: false },
  MicroTime: { is: 'time', micro: true },
  Duration: { is: 'duration' },
  Quantity: { is: 'quantity' },
  QuantityValue: { is: 'quantity' },
  IntOrString: { is: 'intOrString' },
  ExtraValue: { is: 'array', items: { is: 'string' } },
  Verbs: { is: 'array', items: { is: 'string' } },
}
const unions: Readonly<Record<string, 'schemas' | 'bool' | 'strings'>> = {
  JSONSchemaPropsOrArray: 'schemas',
  JSONSchemaPropsOrBool: 'bool',
  JSONSchemaPropsOrStringArray: 'strings',
}
const formatShapes: Readonly<Record<string, Shape>> = {
  'date-time': { is: 'time', micro: false },
  'micro-time': { is: 'time', micro: true },
  duration: { is: 'duration' },
  quantity: { is: 'quantity' },
  'int-or-string': { is: 'intOrString' },
  byte: { is: 'bytes' },
}

/** Compiles types of the facts to schemas, each once and only when asked for. */
export const compileSchemas = (source: SchemaSource): ((typeName: string) => ObjectSchema) => {
  const done = new Map<string, ObjectSchema>()
  const shapeOf = (field: FieldFacts): Shape => {
    const byFormat = field.format ? formatShapes[field.format] : undefined
    if (byFormat) return byFormat
    if (field.ref) return refShape(field.ref)
    switch (field.type) {
      case 'string':
        return { is: 'string' }
      case 'boolean':
        return { is: 'boolean' }
      case 'integer':
        return { is: 'integer', bits: field.format === 'int32' ? 32 : 64 }
      case 'number':
        return { is: 'number' }
      case 'array':
        return { is: 'array', items: field.items ? shapeOf(field.items) : { is: 'any' } }
      case 'map':
        return { is: 'map', values: field.values ? shapeOf(field.values) : { is: 'any' } }
      default:
        return { is: 'any' }
    }
  }
  const refShape = (ref: string): Shape => {
    const type = source.types[ref]
    const other = unions[lastSegment(ref)]
    const held = type?.json?.ref
    if (other && held !== undefined)
      return {
        is: 'schemaOr',
        other,
        get schema() {
          return schemaOf(held)
        },
      }
    if (!type || type.special || !type.fields) return specialShapes[lastSegment(ref)] ?? { is: 'any' }
    return {
      is: 'object',
      get schema() {
        return schemaOf(ref)
      },
    }
  }
  const schemaOf = (typeName: string): ObjectSchema => {
    const known = done.get(typeName)
    if (known) return known
    const type = source.types[typeName]
    if (!type?.fields) throw new Error(`no type ${typeName} in the facts`)
    const defaults = source.defaults?.(typeName)
    const fields: FieldSchema[] = []
    const schema: ObjectSchema = { name: lastSegment(typeName), fields, byName: new Map() }
    done.set(typeName, schema)
    for (const [name, facts] of Object.entries(type.fields)) {
      const shape = shapeOf(facts)
      const field: FieldSchema = {
        name,
        firstKey: `"${name}":`,
        nextKey: `,"${name}":`,
        shape,
        keepEmpty: facts.ptr === true,
        unset: facts.zero === undefined ? undefined : unsetText(facts.zero, shape),
        zero: facts.zero === null || typeof facts.zero === 'object' ? undefined : facts.zero,
        fallback: kept(defaults?.get(name) ?? facts.default, facts),
      }
      fields.push(field)
      ;(schema.byName as Map<string, FieldSchema>).set(name, field)
    }
    return schema
  }
  return schemaOf
}

/** Go leaves an empty value out again unless the field is a pointer or always written. */
const kept = (fallback: unknown, { ptr, zero }: FieldFacts): unknown =>
  ptr !== true && zero === undefined && (fallback === '' || fallback === 0 || fallback === false) ? undefined : fallback

/** `{}` stands for the nested type's own unset fields. */
const unsetText = (zero: unknown, shape: Shape): string => {
  if (shape.is !== 'object' || JSON.stringify(zero) !== '{}') return JSON.stringify(zero)
  const parts = shape.schema.fields.filter((field) => field.unset !== undefined).map((field) => `"${field.name}":${field.unset}`)
  return `{${parts.join(',')}}`
}
