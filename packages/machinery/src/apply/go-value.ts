import { quoted } from '../field.ts'
import { isJsonArray, type Json, sortedKeys } from '../json/value.ts'

/** A value as structured-merge-diff prints it in errors and paths. */
export const goText = (value: Json): string => {
  if (value === null) return 'null'
  if (typeof value === 'string') return quoted(value)
  if (isJsonArray(value)) return `[${value.map(goText).join(',')}]`
  if (typeof value !== 'object') return String(value)
  return `{${sortedKeys(value)
    .map((key) => `${key}=${goText(value[key] as Json)}`)
    .join(';')}}`
}

/** Go's %#v of the wrapper around a value, and Go's own printing of what is in it. */
export const wrapped = (value: Json): string => `&value.valueUnstructured{Value:${literal(value)}}`

const literal = (value: Json): string => {
  if (value === null) return 'interface {}(nil)'
  if (typeof value === 'string') return quoted(value)
  if (isJsonArray(value)) return `[]interface {}{${value.map(literal).join(', ')}}`
  if (typeof value === 'object')
    return `map[string]interface {}{${sortedKeys(value)
      .map((key) => `${quoted(key)}:${literal(value[key] as Json)}`)
      .join(', ')}}`
  return String(value)
}

/** Go's %T of a value that is no number. */
export const goType = (value: Json): string => {
  if (isJsonArray(value)) return '[]interface {}'
  if (typeof value === 'object') return 'map[string]interface {}'
  return typeof value === 'boolean' ? 'bool' : 'string'
}

/** Go's %v of the wrapper: a pointer to a struct that holds the value. */
export const pointed = (value: Json): string => `&{${plain(value)}}`
const plain = (value: Json): string => {
  if (value === null) return '<nil>'
  if (isJsonArray(value)) return `[${value.map(plain).join(' ')}]`
  if (typeof value === 'object')
    return `map[${sortedKeys(value)
      .map((key) => `${key}:${plain(value[key] as Json)}`)
      .join(' ')}]`
  return String(value)
}
