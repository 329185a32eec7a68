import { isJsonArray, isJsonObject, type Json } from '@skiff/machinery'
import { isEmbedded, isTypeMeta, itemsOf, keepsUnknown, mapValues, propertyOf, type Structural, valuesOf } from './structural.ts'

/** The value without the fields that its schema does not know. `root`: an object with apiVersion, kind and metadata, which stay. */
export const prune = (schema: Structural, value: Json, root: boolean): Json => walk(schema, value, root, '', () => {})

/** The fields that pruning takes away, as strict decoding names them. */
export const unknownIn = (schema: Structural, value: Json): readonly string[] => {
  const found: string[] = []
  walk(schema, value, true, '', (path) => found.push(`unknown field ${JSON.stringify(path)}`))
  return found
}

const walk = (schema: Structural, value: Json, root: boolean, path: string, lost: (path: string) => void): Json => {
  if (isJsonArray(value)) {
    const items = itemsOf(schema)
    if (!items) return value
    const out = value.map((item, index) => walk(items, item, false, `${path}[${index}]`, lost))
    return out.some((item, index) => item !== value[index]) ? out : value
  }
  if (!isJsonObject(value)) return value
  const values = valuesOf(schema)
  return mapValues(value, (name, inner) => {
    const at = path === '' ? name : `${path}.${name}`
    if ((root || isEmbedded(schema)) && isTypeMeta(name)) return inner
    const property = propertyOf(schema, name)
    if (property) return walk(property, inner, false, at, lost)
    if (values !== undefined) return typeof values === 'object' ? walk(values, inner, false, at, lost) : inner
    if (keepsUnknown(schema)) return inner
    lost(at)
    return undefined
  })
}
