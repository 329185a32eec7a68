import { compareQuantities } from '../quantity/quantity.ts'
import { CelError, type CelMap, type CelValue, isAddress, isList, isMap, isTagged, noOverload, tagOf } from './value.ts'

const minInt = -(2n ** 63n)
const maxInt = 2n ** 63n - 1n

export const checkedInt = (value: bigint): bigint => {
  if (value < minInt || value > maxInt) throw new CelError('integer overflow')
  return value
}
const checkedUint = (value: bigint): CelValue => {
  if (value < 0n || value >= 2n ** 64n) throw new CelError('unsigned integer overflow')
  return { is: 'uint', value }
}

/** The number behind an int, uint or double. */
export const numberOf = (value: CelValue): bigint | number | undefined =>
  typeof value === 'bigint' || typeof value === 'number' ? value : isTagged(value, 'uint') ? value.value : undefined

/** Values of different types are not equal, but numbers compare by what they are. */
export const equal = (a: CelValue, b: CelValue): boolean => {
  if (a === b) return true
  const x = numberOf(a)
  const y = numberOf(b)
  // biome-ignore lint/suspicious/noDoubleEquals: an int and a double may be the same number
  if (x !== undefined && y !== undefined) return x == y
  if (isList(a)) return isList(b) && a.length === b.length && a.every((item, index) => equal(item, b[index] as CelValue))
  if (isMap(a)) return isMap(b) && a.size === b.size && [...a].every(([key, value]) => equalAt(b, key, value))
  if (a instanceof Uint8Array) return b instanceof Uint8Array && Buffer.compare(a, b) === 0
  const tag = tagOf(a)
  if (tag === undefined || tag !== tagOf(b)) return false
  return equalTagged(a, b)
}

const equalAt = (map: CelMap, key: CelValue, value: CelValue): boolean => {
  const other = map.get(key)
  return other !== undefined && equal(value, other)
}

const equalTagged = (a: CelValue, b: CelValue): boolean => {
  if (isTagged(a, 'quantity') && isTagged(b, 'quantity')) return compareQuantities(a.quantity, b.quantity) === 0
  if (isTagged(a, 'optional') && isTagged(b, 'optional'))
    return a.value === undefined || b.value === undefined ? a.value === b.value : equal(a.value, b.value)
  if (isTagged(a, 'type') && isTagged(b, 'type')) return a.name === b.name
  if ((isTagged(a, 'duration') && isTagged(b, 'duration')) || (isTagged(a, 'timestamp') && isTagged(b, 'timestamp')))
    return a.nanos === b.nanos
  if (isAddress(a) && isAddress(b)) return a.value === b.value && a.family === b.family && a.bits === b.bits
  return isTagged(a, 'url') && isTagged(b, 'url') && a.text === b.text
}

/** Below 0, 0 or above; NaN where doubles have no order. */
export const compareCel = (a: CelValue, b: CelValue): number => {
  const x = numberOf(a)
  const y = numberOf(b)
  if (x !== undefined && y !== undefined) return x < y ? -1 : x > y ? 1 : x >= y ? 0 : Number.NaN
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b))
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b)
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b)
  if ((isTagged(a, 'duration') && isTagged(b, 'duration')) || (isTagged(a, 'timestamp') && isTagged(b, 'timestamp')))
    return a.nanos < b.nanos ? -1 : a.nanos > b.nanos ? 1 : 0
  return noOverload()
}

const addition = (a: CelValue, b: CelValue): CelValue => {
  if (typeof a === 'string' && typeof b === 'string') return a + b
  if (isList(a) && isList(b)) return [...a, ...b]
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Uint8Array.from([...a, ...b])
  if (isTagged(a, 'timestamp') && isTagged(b, 'duration')) return { is: 'timestamp', nanos: a.nanos + b.nanos }
  if (isTagged(a, 'duration') && isTagged(b, 'timestamp')) return { is: 'timestamp', nanos: a.nanos + b.nanos }
  if (isTagged(a, 'duration') && isTagged(b, 'duration')) return { is: 'duration', nanos: a.nanos + b.nanos }
  return noOverload()
}

const subtraction = (a: CelValue, b: CelValue): CelValue => {
  if (isTagged(a, 'timestamp') && isTagged(b, 'timestamp')) return { is: 'duration', nanos: a.nanos - b.nanos }
  if (isTagged(a, 'timestamp') && isTagged(b, 'duration')) return { is: 'timestamp', nanos: a.nanos - b.nanos }
  if (isTagged(a, 'duration') && isTagged(b, 'duration')) return { is: 'duration', nanos: a.nanos - b.nanos }
  return noOverload()
}

const whole = (operator: string, a: bigint, b: bigint): bigint => {
  switch (operator) {
    case '+':
      return a + b
    case '-':
      return a - b
    case '*':
      return a * b
    case '/':
      if (b === 0n) throw new CelError('division by zero')
      return a / b
    default:
      if (b === 0n) throw new CelError('modulus by zero')
      return a % b
  }
}

const broken = (operator: string, a: number, b: number): number => {
  switch (operator) {
    case '+':
      return a + b
    case '-':
      return a - b
    case '*':
      return a * b
    case '/':
      return a / b
    default:
      return noOverload()
  }
}

/** + - * / % of two values of one type. */
export const arithmetic = (operator: string, a: CelValue, b: CelValue): CelValue => {
  if (typeof a === 'bigint' && typeof b === 'bigint') return checkedInt(whole(operator, a, b))
  if (typeof a === 'number' && typeof b === 'number') return broken(operator, a, b)
  if (isTagged(a, 'uint') && isTagged(b, 'uint')) return checkedUint(whole(operator, a.value, b.value))
  return operator === '+' ? addition(a, b) : operator === '-' ? subtraction(a, b) : noOverload()
}

/** A key that a map may hold under another number type. */
export const keyIn = (map: CelMap, key: CelValue): CelValue | undefined => {
  const direct = map.get(key)
  if (direct !== undefined || typeof key === 'string') return direct
  for (const [held, value] of map) if (equal(held, key)) return value
  return undefined
}

export const contains = (item: CelValue, of: CelValue): boolean => {
  if (isList(of)) return of.some((each) => equal(each, item))
  if (isMap(of)) return keyIn(of, item) !== undefined
  return noOverload()
}
