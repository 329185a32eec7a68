import { numberOf } from '../json/exact.ts'
import type { Json } from '../json/value.ts'

// What a plain scalar stands for, by the rules of the YAML library that Kubernetes uses: booleans of YAML 1.1, octal numbers
// with a leading zero, no sexagesimal numbers; timestamps stay text.

export type ScalarTag = 'str' | 'bool' | 'null' | 'float' | 'int' | 'timestamp'
export interface Resolved {
  readonly tag: ScalarTag
  readonly value: Json
}

const words = new Map<string, Resolved>()
const word = (tag: ScalarTag, value: Json, ...texts: readonly string[]) => {
  for (const text of texts) words.set(text, { tag, value })
}
word('bool', true, 'y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON')
word('bool', false, 'n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF')
word('null', null, '', '~', 'null', 'Null', 'NULL')
word('float', Number.NaN, '.nan', '.NaN', '.NAN')
word('float', Number.POSITIVE_INFINITY, '.inf', '.Inf', '.INF', '+.inf', '+.Inf', '+.INF')
word('float', Number.NEGATIVE_INFINITY, '-.inf', '-.Inf', '-.INF')

const floatShape = /^[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?$/
const uint64Max = 2n ** 64n - 1n

export const resolveScalar = (text: string): Resolved => {
  const known = words.get(text)
  if (known) return known
  const first = text[0] as string
  if (first === '.') return floatOf(text) ?? { tag: 'str', value: text }
  if (!/[-+\d]/.test(first)) return { tag: 'str', value: text }
  if (isTimestamp(text)) return { tag: 'timestamp', value: text }
  const plain = text.replaceAll('_', '')
  return integerOf(plain) ?? floatOf(plain) ?? { tag: 'str', value: text }
}

const shortDecimal = /^[-+]?(?:0|[1-9]\d{0,14})$/

/** Go's ParseInt with base 0: 0x, 0o and 0b, and octal with a leading zero. */
const integerOf = (text: string): Resolved | undefined => {
  // Nearly all are short decimals; the zero added makes -0 the 0 of integers.
  if (shortDecimal.test(text)) return { tag: 'int', value: Number(text) + 0 }
  const match = /^([-+]?)(?:0[xX]([\da-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9]\d*))$/.exec(text)
  if (!match || text.length > 80) return undefined
  const [, sign, hex, binary, octal, decimal] = match
  const size = BigInt(
    hex !== undefined ? `0x${hex}` : binary !== undefined ? `0b${binary}` : octal !== undefined ? `0o${octal}` : (decimal as string),
  )
  const value = sign === '-' ? -size : size
  if (value < -(2n ** 63n) || value > (sign === '' ? uint64Max : 2n ** 63n - 1n)) return undefined
  return { tag: 'int', value: numberOf(value.toString(), true) as number | bigint }
}

const floatOf = (text: string): Resolved | undefined => {
  if (!floatShape.test(text)) return undefined
  const value = Number(text)
  return Number.isFinite(value) ? { tag: 'float', value } : undefined
}

const timestampShape = /^\d{4}-(\d\d?)-(\d\d?)(?:([Tt ])(\d\d?):(\d\d?):(\d\d?)(?:[.,]\d+)?(Z|[-+]\d\d:\d\d)?)?$/
/** Dates and times that YAML would take for such: they are quoted when written. */
const isTimestamp = (text: string): boolean => {
  const match = timestampShape.exec(text)
  if (!match) return false
  const [, month, day, mark, hour, minute, second, zone] = match
  if (mark !== undefined && (mark === ' ') === (zone !== undefined)) return false
  const date = new Date(0)
  date.setUTCFullYear(Number(text.slice(0, 4)), Number(month) - 1, Number(day))
  if (date.getUTCDate() !== Number(day) || date.getUTCMonth() !== Number(month) - 1) return false
  return mark === undefined || (Number(hour) < 24 && Number(minute) < 60 && Number(second) < 60)
}
