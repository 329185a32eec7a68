import { DecodeError, isJsonArray, isJsonObject, type Json, type JsonObject, unknownFields } from '@skiff/machinery'
import { hasEmbedded } from './check-embedded.ts'
import { decodeMeta, objectMetaSchema } from './object-meta.ts'
import { isEmbedded, isTypeMeta, itemsOf, keepsUnknown, mapValues, propertyOf, type Structural, valuesOf } from './structural.ts'

/** The value without the fields that its schema does not know. `root`: an object with apiVersion, kind and metadata, which stay. */
export const prune = (schema: Structural, value: Json, root: boolean): Json => walk(schema, value, root, '', nothing)

const nothing = () => {}

/** The fields that pruning takes away, as strict decoding names them. */
export const unknownIn = (schema: Structural, value: Json): readonly string[] => {
  const found: string[] = []
  walk(schema, value, true, '', (path) => found.push(`unknown field ${JSON.stringify(path)}`))
  return found
}

type Lost = (path: string) => void

const walk = (schema: Structural | undefined, value: Json, root: boolean, path: string, lost: Lost): Json => {
  if (schema && keepsUnknown(schema)) return keep(schema, value, root, path, lost)
  if (isJsonArray(value)) return mapItems(value, (item, index) => walk(schema && itemsOf(schema), item, false, `${path}[${index}]`, lost))
  if (!isJsonObject(value)) return value
  const values = schema && valuesOf(schema)
  return mapValues(value, (name, inner) => {
    const at = path === '' ? name : `${path}.${name}`
    if ((root || (schema && isEmbedded(schema))) && isTypeMeta(name)) return inner
    const property = schema && propertyOf(schema, name)
    if (property) return walk(property, inner, false, at, lost)
    if (values !== undefined && values !== false) return typeof values === 'object' ? walk(values, inner, false, at, lost) : inner
    lost(at)
    return undefined
  })
}

const mapItems = (value: readonly Json[], change: (item: Json, index: number) => Json): Json => {
  const out = value.map(change)
  return out.some((item, index) => item !== value[index]) ? out : value
}

/** What a schema that keeps everything does say of some fields holds within them. */
const keep = (schema: Structural, value: Json, root: boolean, path: string, lost: Lost): Json => {
  if (isJsonArray(value)) {
    const items = itemsOf(schema)
    return items ? mapItems(value, (item, index) => keep(items, item, false, `${path}[${index}]`, lost)) : value
  }
  if (!isJsonObject(value)) return value
  const values = valuesOf(schema)
  return mapValues(value, (name, inner) => {
    if ((root || isEmbedded(schema)) && isTypeMeta(name)) return inner
    const within = propertyOf(schema, name) ?? (typeof values === 'object' ? values : undefined)
    return within ? walk(within, inner, false, path === '' ? name : `${path}.${name}`, lost) : inner
  })
}

/** Reads the metadata of objects within an object: what it does not know is dropped. Throws a DecodeError for what is no metadata. */
export const withEmbeddedMeta = (schema: Structural, value: Json, path = ''): Json => {
  if (!hasEmbedded(schema)) return value
  if (isJsonArray(value)) {
    const items = itemsOf(schema)
    return items ? mapItems(value, (item, index) => withEmbeddedMeta(items, item, `${path}[${index}]`)) : value
  }
  if (!isJsonObject(value)) return value
  const values = valuesOf(schema)
  const whole = isEmbedded(schema) ? readMeta(value, path) : value
  return mapValues(whole, (name, inner) => {
    const property = propertyOf(schema, name)
    if (property) return withEmbeddedMeta(property, inner, path === '' ? name : `${path}.${name}`)
    return typeof values === 'object' ? withEmbeddedMeta(values, inner, `${path}[${name}]`) : inner
  })
}

const readMeta = (value: JsonObject, path: string): JsonObject =>
  mapValues(value, (name, inner) => {
    if (name === 'apiVersion' || name === 'kind') {
      if (typeof inner === 'string') return inner
      throw new DecodeError(
        `${path}.${name}: Invalid value: ${typeof inner === 'object' ? JSON.stringify(inner) : String(inner)}: must be a string`,
      )
    }
    if (name !== 'metadata') return inner
    try {
      const { object, hasUnknown } = decodeMeta(inner)
      return hasUnknown || !isJsonObject(inner) ? (object as unknown as Json) : inner
    } catch (error) {
      throw new DecodeError(`${path}.metadata: Invalid value: ${JSON.stringify(inner)}: ${(error as Error).message}`)
    }
  })

/** The unknown fields of the metadata of objects within an object. */
export const unknownInEmbedded = (schema: Structural, value: Json, path = ''): readonly string[] => {
  if (!hasEmbedded(schema)) return []
  if (isJsonArray(value)) {
    const items = itemsOf(schema)
    return items ? value.flatMap((item, index) => unknownInEmbedded(items, item, `${path}[${index}]`)) : []
  }
  if (!isJsonObject(value)) return []
  const values = valuesOf(schema)
  const at = (name: string) => (path === '' ? name : `${path}.${name}`)
  const meta = isEmbedded(schema) && isJsonObject(value.metadata) ? unknownFields(objectMetaSchema(), value.metadata) : []
  return [
    ...meta.map((text) => text.replace('unknown field "', `unknown field "${at('metadata')}.`)),
    ...Object.keys(value).flatMap((name) => {
      const within = propertyOf(schema, name) ?? (typeof values === 'object' ? values : undefined)
      return within ? unknownInEmbedded(within, value[name] as Json, at(name)) : []
    }),
  ]
}
