import { parseTime } from '../time/timestamp.ts'
import { checkedInt, numberOf } from './operators.ts'
import { durationOf, durationToText, timestampOf, timestampText } from './times.ts'
import { CelError, type CelFunction, type CelValue, isAddress, isList, isMap, isTagged, noOverload, typeName } from './value.ts'

const rangeError = (): never => {
  throw new CelError('range error')
}

const size = (value: CelValue): bigint => {
  if (typeof value === 'string') return BigInt([...value].length)
  if (value instanceof Uint8Array || isList(value)) return BigInt(value.length)
  return isMap(value) ? BigInt(value.size) : noOverload()
}

const toInt = (value: CelValue): bigint => {
  if (isTagged(value, 'timestamp')) return value.nanos / 1_000_000_000n
  if (typeof value === 'string') return /^[+-]?\d+$/.test(value) ? checkedInt(BigInt(value)) : conversionError(value, 'int')
  const number = numberOf(value)
  if (number === undefined) return noOverload()
  if (typeof number === 'bigint') return checkedInt(number)
  return Math.abs(number) < 2 ** 63 ? BigInt(Math.trunc(number)) : rangeError()
}

const conversionError = (value: string, type: string): never => {
  throw new CelError(`type conversion error from 'string' to '${type}': ${JSON.stringify(value)}`)
}

const toDouble = (value: CelValue): number => {
  if (typeof value === 'string') {
    const number = Number(value)
    return value.trim() === '' || Number.isNaN(number) ? conversionError(value, 'double') : number
  }
  const number = numberOf(value)
  return number === undefined ? noOverload() : Number(number)
}

/** A double as Go prints it. */
export const doubleText = (value: number): string => {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  return String(value).replace(/e([+-])(\d)$/, 'e$10$2')
}

export const toText = (value: CelValue): string => {
  if (typeof value === 'string') return value
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value)
  if (typeof value === 'number') return doubleText(value)
  if (value instanceof Uint8Array) return Buffer.from(value).toString()
  if (isTagged(value, 'uint')) return String(value.value)
  if (isTagged(value, 'duration')) return durationToText(value)
  if (isTagged(value, 'timestamp')) return timestampText(value)
  if (isAddress(value)) return value.text
  return noOverload()
}

const toBool = (value: CelValue): boolean => {
  if (typeof value === 'boolean') return value
  if (typeof value !== 'string') return noOverload()
  if (['true', 'True', 'TRUE', 't', '1'].includes(value)) return true
  return ['false', 'False', 'FALSE', 'f', '0'].includes(value) ? false : conversionError(value, 'bool')
}

export const standardFunctions: Readonly<Record<string, CelFunction>> = {
  size: ([value]) => size(value as CelValue),
  type: ([value]) => ({ is: 'type', name: typeName(value as CelValue) }),
  dyn: ([value]) => value as CelValue,
  int: ([value]) => toInt(value as CelValue),
  uint: ([value]) => {
    const number = toInt(isTagged(value as CelValue, 'uint') ? (value as { value: bigint }).value : (value as CelValue))
    return number < 0n ? rangeError() : { is: 'uint', value: number }
  },
  double: ([value]) => toDouble(value as CelValue),
  string: ([value]) => toText(value as CelValue),
  bytes: ([value]) => (typeof value === 'string' ? Uint8Array.from(Buffer.from(value)) : (value as CelValue)),
  bool: ([value]) => toBool(value as CelValue),
  duration: ([value]) =>
    typeof value === 'string' ? durationOf(value) : isTagged(value as CelValue, 'duration') ? (value as CelValue) : noOverload(),
  timestamp: ([value]) => {
    if (typeof value === 'string') return timestampOf(value, parseTime)
    if (typeof value === 'bigint') return { is: 'timestamp', nanos: value * 1_000_000_000n }
    return isTagged(value as CelValue, 'timestamp') ? (value as CelValue) : noOverload()
  },
}
