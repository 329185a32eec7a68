import { goFloatText } from '../json/go-text.ts'
import { sortedKeys } from '../json/value.ts'

/**
 * What a template works on. Go reads JSON numbers as float64, which are numbers here; its ints, from literals and len, are bigint.
 * `undefined` is what is nowhere, null is nil.
 */
export type Value = undefined | null | boolean | number | bigint | string | readonly Value[] | ValueMap
export type ValueMap = { readonly [key: string]: Value }

export const isMap = (value: Value): value is ValueMap => typeof value === 'object' && value !== null && !Array.isArray(value)
export const isList = (value: Value): value is readonly Value[] => Array.isArray(value)

export const isTrue = (value: Value): boolean => {
  if (isList(value)) return value.length > 0
  if (isMap(value)) return Object.keys(value).length > 0
  return Boolean(value)
}

/** Go's %v. */
export const valueText = (value: Value): string => {
  if (value === undefined || value === null) return '<nil>'
  if (typeof value === 'number') return goFloatText(value)
  if (isList(value)) return `[${value.map(valueText).join(' ')}]`
  if (!isMap(value)) return String(value)
  return `map[${sortedKeys(value)
    .map((key) => `${key}:${valueText(value[key])}`)
    .join(' ')}]`
}

/** Go's %T. */
export const typeText = (value: Value): string => {
  if (value === undefined || value === null) return '<nil>'
  if (isList(value)) return '[]interface {}'
  switch (typeof value) {
    case 'number':
      return 'float64'
    case 'bigint':
      return 'int'
    case 'boolean':
      return 'bool'
    case 'string':
      return 'string'
    default:
      return 'map[string]interface {}'
  }
}
