import { parseQuantity, type Quantity, type QuantityFormat, roundAway } from './parse.ts'
import { quantityText } from './print.ts'

/** Texts repeat a great deal (100m, 128Mi): what is read from short ones is kept, up to this many. */
const cacheLimit = 8192
const longestCached = 24

const cached = <T>(read: (text: string) => T): ((text: string) => T) => {
  const seen = new Map<string, T>()
  return (text) => {
    const known = seen.get(text)
    if (known !== undefined) return known
    const value = read(text)
    if (text.length <= longestCached) {
      if (seen.size >= cacheLimit) seen.clear()
      seen.set(text, value)
    }
    return value
  }
}

const readCached = cached(parseQuantity)
/** A quantity as a value or as its text. */
export type QuantityLike = Quantity | string
const of = (like: QuantityLike): Quantity => (typeof like === 'string' ? readCached(like) : like)

const simple = /^([1-9]\d{0,14})(?:([KMGTPE])i|[numkMGTPE]?)$/
const binaryOrder = 'KMGTPE'

/** The text that upstream stores and prints for a quantity that a user wrote: 1.5 → 1500m, 1024Mi → 1Gi. Throws upstream's texts. */
export const canonicalQuantity: (text: string) => string = cached((text) => {
  const match = simple.exec(text)
  if (!match) return quantityText(parseQuantity(text))
  const binary = match[2]
  if (binary === undefined) return /000[numkMGTPE]?$/.test(text) ? quantityText(parseQuantity(text)) : text
  let mantissa = Number(match[1])
  let step = binaryOrder.indexOf(binary)
  if (mantissa * 1024 ** (step + 1) >= 2 ** 63) return quantityText(parseQuantity(text))
  while (mantissa % 1024 === 0 && step < binaryOrder.length - 1) {
    mantissa /= 1024
    step++
  }
  return `${mantissa}${binaryOrder[step]}i`
})

/** The canonical text of a quantity rounded up to thousandths, as resource lists hold it. */
export const roundUpMilli: (text: string) => string = cached((text) => {
  const quantity = parseQuantity(text)
  if (quantity.scale >= -3) return quantityText(quantity)
  return quantityText({ unscaled: roundAway(quantity.unscaled, -3 - quantity.scale), scale: -3, format: quantity.format })
})

export const quantityOf = (value: number | bigint, format: QuantityFormat = 'DecimalSI'): Quantity => ({
  unscaled: BigInt(value),
  scale: 0,
  format,
})
export const quantityOfMilli = (milli: number | bigint, format: QuantityFormat = 'DecimalSI'): Quantity => ({
  unscaled: BigInt(milli),
  scale: -3,
  format,
})

/** Both numbers at the smaller of the two scales. */
const aligned = (a: Quantity, b: Quantity): [bigint, bigint, number] => {
  const scale = Math.min(a.scale, b.scale)
  return [a.unscaled * 10n ** BigInt(a.scale - scale), b.unscaled * 10n ** BigInt(b.scale - scale), scale]
}

/** Negative, zero or positive as a is below, equal to or above b. */
export const compareQuantities = (a: QuantityLike, b: QuantityLike): -1 | 0 | 1 => {
  if (a === b) return 0
  const [x, y] = aligned(of(a), of(b))
  return x < y ? -1 : x > y ? 1 : 0
}

/** a + b in a's format, or in b's where a is zero. */
export const addQuantities = (a: QuantityLike, b: QuantityLike): Quantity => combined(of(a), of(b), (x, y) => x + y)
/** a - b in a's format, or in b's where a is zero. */
export const subtractQuantities = (a: QuantityLike, b: QuantityLike): Quantity => combined(of(a), of(b), (x, y) => x - y)

const combined = (a: Quantity, b: Quantity, act: (x: bigint, y: bigint) => bigint): Quantity => {
  const [x, y, scale] = aligned(a, b)
  return { unscaled: act(x, y), scale, format: a.unscaled === 0n ? b.format : a.format }
}

export const negateQuantity = (like: QuantityLike): Quantity => {
  const { unscaled, scale, format } = of(like)
  return { unscaled: -unscaled, scale, format }
}

/** -1, 0 or 1. */
export const quantitySign = (like: QuantityLike): -1 | 0 | 1 => {
  const { unscaled } = of(like)
  return unscaled < 0n ? -1 : unscaled > 0n ? 1 : 0
}
export const isZeroQuantity = (like: QuantityLike): boolean => of(like).unscaled === 0n

/** The number of 10^scale, rounded away from zero, exact. */
export const scaledValue = (like: QuantityLike, scale: number): bigint => {
  const quantity = of(like)
  return quantity.scale >= scale
    ? quantity.unscaled * 10n ** BigInt(quantity.scale - scale)
    : roundAway(quantity.unscaled, scale - quantity.scale)
}

const int64Max = 2n ** 63n - 1n
const numberOf = (value: bigint): number => Number(value > int64Max ? int64Max : value < -int64Max ? -int64Max : value)

const valueOfText = cached((text) => numberOf(scaledValue(text, 0)))
const milliOfText = cached((text) => numberOf(scaledValue(text, -3)))

/** The whole number, rounded away from zero and held within int64; a double, so exact to 2^53 (8 Pi). */
export const quantityValue = (like: QuantityLike): number => (typeof like === 'string' ? valueOfText(like) : numberOf(scaledValue(like, 0)))
/** The number of thousandths, rounded away from zero and held within int64. */
export const milliValue = (like: QuantityLike): number => (typeof like === 'string' ? milliOfText(like) : numberOf(scaledValue(like, -3)))
