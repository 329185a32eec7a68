import { isJsonArray, type Json, type JsonObject, sortedKeys } from './value.ts'

/** A value as Go's %v prints it: map[a:1 b:[x y]], <nil>. */
export const goText = (value: Json | undefined): string => {
  if (value === null || value === undefined) return '<nil>'
  if (typeof value === 'number') return goNumberText(value)
  if (typeof value !== 'object') return String(value)
  if (isJsonArray(value)) return `[${value.map(goText).join(' ')}]`
  return `map[${sortedKeys(value)
    .map((key) => `${key}:${goText((value as JsonObject)[key])}`)
    .join(' ')}]`
}

/** %v of a float64: shortest digits, an exponent of two digits at least below 1e-4 and from 1e6 on. */
export const goFloatText = (value: number): string => {
  const [mantissa, exponent] = value.toExponential().split('e') as [string, string | undefined]
  if (exponent === undefined) return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
  const power = Number(exponent)
  // JavaScript goes over to exponents below 1e-6 and from 1e21 on only, so that this range is plain.
  if (power >= -4 && power < 6) return String(value)
  return `${mantissa}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`
}

/** %v of a number as Go decodes it: an int64 where it is whole and fits. */
export const goNumberText = (value: number): string =>
  Number.isInteger(value) && Math.abs(value) < 2 ** 63 ? BigInt(value).toString() : goFloatText(value)

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
      return Number.isInteger(value) && Math.abs(value) < 2 ** 63 ? 'int64' : 'float64'
  }
}

/** What Go's JSON decoder calls a value in its refusals: array, object, string, number, bool. */
export const goKindOf = (value: Json): string => {
  if (isJsonArray(value)) return 'array'
  const is = typeof value
  return is === 'boolean' ? 'bool' : is === 'object' || is === 'string' ? is : 'number'
}
