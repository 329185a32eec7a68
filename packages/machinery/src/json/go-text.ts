import { isJsonArray, type Json, type JsonObject, sortedKeys } from './value.ts'

/** A value as Go's %v prints it: map[a:1 b:[x y]], <nil>. */
export const goText = (value: Json | undefined): string => {
  if (value === null || value === undefined) return '<nil>'
  if (typeof value === 'number') return goFloatText(value)
  if (typeof value !== 'object') return String(value)
  if (isJsonArray(value)) return `[${value.map(goText).join(' ')}]`
  return `map[${sortedKeys(value)
    .map((key) => `${key}:${goText((value as JsonObject)[key])}`)
    .join(' ')}]`
}

/** %v of a float64: shortest digits, an exponent below 1e-4 and from 1e21 on, of two digits at least. */
export const goFloatText = (value: number): string => {
  if (Number.isInteger(value) && Math.abs(value) < 1e21) return String(value)
  const [mantissa, exponent] = value.toExponential().split('e') as [string, string]
  const power = Number(exponent)
  if (power >= -4 && power < 21) return String(value)
  return `${mantissa}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`
}

/** The type that Go's decoder gives a value. */
export const goType = (value: Json | undefined): string => {
  if (value === null || value === undefined) return '<nil>'
  if (isJsonArray(value)) return '[]interface {}'
  switch (typeof value) {
    case 'object':
      return 'map[string]interface {}'
    case 'string':
      return 'string'
    case 'boolean':
      return 'bool'
    case 'bigint':
      return 'int64'
    default:
      return Number.isInteger(value) ? 'int64' : 'float64'
  }
}
