import { isJsonArray, isJsonObject, type Json } from '@skiff/machinery'

/** A longer text is not worth keeping. */
const maxShapeLength = 4096

/**
 * What tells which fields a value has, apart from nearly all it says: names, and within lists the scalars that may be an element's key.
 * Values of one type and one shape have the same field set. Undefined for a value that is too large. Lengths keep it unambiguous.
 */
export const shapeOf = (value: Json): string | undefined => {
  const text = shape(value, false)
  return text.length > maxShapeLength ? undefined : text
}

const shape = (value: Json | undefined, isKey: boolean): string => {
  if (isJsonArray(value as Json)) {
    let text = '['
    for (const item of value as readonly Json[]) {
      text += isJsonObject(item) ? members(item, true) : shape(item, true)
      if (text.length > maxShapeLength) break
    }
    return `${text}]`
  }
  if (isJsonObject(value as Json)) return members(value as Readonly<Record<string, Json>>, false)
  if (value === null || value === undefined) return value === null ? 'n' : 'u'
  if (!isKey) return 's'
  const text = String(value)
  return `${typeof value === 'string' ? 't' : 'v'}${text.length}:${text}`
}

const members = (value: Readonly<Record<string, Json>>, isElement: boolean): string => {
  let text = '{'
  for (const name of Object.keys(value)) {
    text += `${name.length}:${name}${shape(value[name], isElement)}`
    if (text.length > maxShapeLength) break
  }
  return `${text}}`
}
