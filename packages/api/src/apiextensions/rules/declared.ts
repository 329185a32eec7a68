import { dynType, listType, mapType, objectType, type StaticType, simpleType } from '@skiff/machinery'
import { isEmbedded, isIntOrString, itemsOf, type Structural, valuesOf } from '../values/structural.ts'

/** A schema as expressions see it: a type, and how large its values may be. */
export interface DeclaredSchema {
  readonly type: StaticType
  /** The most items, entries or bytes; 0 for what has one size only. */
  readonly most: number
  /** The fewest bytes that a value takes in a request. */
  readonly least: number
  readonly fields?: ReadonlyMap<string, DeclaredSchema>
  /** Of the items of a list, or the values of a map. */
  readonly inner?: DeclaredSchema
}

const requestBytes = 3 * 1024 * 1024
const text: Structural = { type: 'string' }

/** Kind and names are there in every resource, whatever its schema says. */
const withMeta = (schema: Structural): Structural => ({
  ...schema,
  properties: {
    ...schema.properties,
    kind: text,
    apiVersion: text,
    metadata: { type: 'object', properties: { name: text, generateName: text } },
  },
})

/** Undefined for a schema that rules can not look into. `name` is that of its type in refusals. */
export const declaredOf = (schema: Structural, name: string, root = isEmbedded(schema)): DeclaredSchema | undefined => {
  if (isIntOrString(schema)) return { type: dynType, most: requestBytes - 2, least: 1 }
  switch (schema.type) {
    case 'array':
      return listOf(schema, name)
    case 'object':
      return objectOf(root ? withMeta(schema) : schema, name)
    case 'string':
      return textOf(schema)
    case 'boolean':
      return { type: simpleType('bool'), most: 0, least: 4 }
    case 'number':
      return { type: simpleType('double'), most: 0, least: 1 }
    case 'integer':
      return { type: simpleType('int'), most: 0, least: 1 }
    default:
      return undefined
  }
}

const listOf = (schema: Structural, name: string): DeclaredSchema | undefined => {
  const items = itemsOf(schema)
  const inner = items && declaredOf(items, `${name}.@elem`)
  if (!inner) return undefined
  const most = schema.maxItems === undefined ? Math.floor((requestBytes - 2) / (inner.least + 1)) : atLeastNone(schema.maxItems)
  return { type: listType(inner.type), most, least: 2, inner }
}

const objectOf = (schema: Structural, name: string): DeclaredSchema | undefined => {
  const values = valuesOf(schema)
  if (typeof values === 'object') {
    const inner = declaredOf(values, `${name}.@elem`)
    if (!inner) return undefined
    const most = schema.maxProperties === undefined ? Math.floor((requestBytes - 2) / (inner.least + 6)) : atLeastNone(schema.maxProperties)
    return { type: mapType(simpleType('string'), inner.type), most, least: 2, inner }
  }
  const fields = new Map<string, DeclaredSchema>()
  let least = 2
  for (const [property, inner] of Object.entries(schema.properties ?? {})) {
    const escaped = escapedName(property)
    const declared = declaredOf(inner, `${name}.${escaped ?? property}`)
    if (!declared) continue
    if (escaped !== undefined) fields.set(escaped, declared)
    if (schema.required?.includes(property) && inner.default === undefined) least += property.length + declared.least + 4
  }
  return { type: objectType(name, new Map([...fields].map(([field, { type }]) => [field, type]))), most: 0, least, fields }
}

const atLeastNone = (size: number | bigint): number => Math.max(Number(size), 0)

const times: Readonly<Record<string, DeclaredSchema>> = {
  duration: { type: simpleType('duration'), most: 32, least: 3 },
  date: { type: simpleType('timestamp'), most: 12, least: 12 },
  'date-time': { type: simpleType('timestamp'), most: 32, least: 21 },
}

const textOf = ({ format, maxLength, enum: values }: Structural): DeclaredSchema => {
  if (format === 'byte')
    return { type: simpleType('bytes'), most: maxLength === undefined ? requestBytes - 2 : atLeastNone(maxLength), least: 2 }
  const timed = times[format ?? '']
  if (timed) return timed
  const longest = Math.max(0, ...(values ?? []).map((each) => (typeof each === 'string' ? Buffer.byteLength(each) : 0)))
  // A character of the schema may take four bytes.
  const most = maxLength !== undefined ? atLeastNone(maxLength) * 4 : values?.length ? longest : requestBytes - 2
  return { type: simpleType('string'), most, least: 2 }
}

const reserved = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(' '),
)
const escapes: Readonly<Record<string, string>> = { __: '__underscores__', '.': '__dot__', '-': '__dash__', '/': '__slash__' }

/** A property's name as an expression has to write it; undefined where it can not. */
export const escapedName = (name: string): string | undefined => {
  if (name === '' || /^\d/.test(name) || /[^\w./-]/.test(name)) return undefined
  return reserved.has(name) ? `__${name}__` : name.replace(/__|[./-]/g, (found) => escapes[found] as string)
}

/** The size of what lies at a path behind a variable. */
export const sizeAt = (root: DeclaredSchema, path: readonly string[]): number | undefined => {
  let at: DeclaredSchema | undefined = root
  for (const name of path.slice(1)) {
    if (at === undefined) return undefined
    if (name === '@items' || name === '@values') at = at.inner
    else if (name === '@keys') return at.inner && at.type.kind === 'map' ? 0 : undefined
    else at = at.fields?.get(name)
  }
  return at?.most
}

/** How often a value of some size fits into a request. */
export const timesInRequest = (least: number): number => Math.floor(requestBytes / (least + 1))
