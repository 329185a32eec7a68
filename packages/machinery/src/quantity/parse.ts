/** How a quantity is printed: 12Mi, 12M or 12e6. */
export type QuantityFormat = 'BinarySI' | 'DecimalSI' | 'DecimalExponent'

/** An exact number of something: unscaled × 10^scale. A value; make it with parseQuantity or the arithmetic. */
export interface Quantity {
  readonly unscaled: bigint
  /** Power of ten, never below -9: what is smaller was rounded away from zero. */
  readonly scale: number
  readonly format: QuantityFormat
  /** The text it was read from, where upstream prints that again instead of the canonical one. */
  readonly text?: string
}

const formatWrong = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
const suffixWrong = "unable to parse quantity's suffix"
const numericWrong = 'unable to parse numeric part of quantity'

const nano = -9
const int64Max = 2n ** 63n - 1n
/** Upstream has no such limits; they keep a short text from standing for a number of a million digits. */
const maxExponent = 1000
const maxLength = 4096

const decimalSuffixes: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 }
const binarySuffixes: Readonly<Record<string, number>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 }

// Looser than the expression that the complaint names: upstream's scanner reads '' and '.' as zero after a sign.
const shape = /^([+-]?)(\d*)(?:\.(\d*))?([eEinumkKMGTP]*[-+]?\d*)$/

/** Reads a quantity; throws an Error with upstream's text. White space around it is allowed, as in upstream's JSON. */
export const parseQuantity = (source: string): Quantity => {
  const text = source.trim()
  if (text.length > maxLength) throw new Error(numericWrong)
  const match = text === '' ? null : shape.exec(text)
  if (!match) throw new Error(formatWrong)
  const [, sign, whole, fraction = '', suffix = ''] = match
  const { base, exponent, format } = readSuffix(suffix)
  // No digit at all is zero to upstream's fast path only.
  if (whole === '' && fraction === '' && (base === 2 ? exponent > 40 : exponent < nano)) throw new Error(numericWrong)
  const num = withoutZeros(whole as string)
  const magnitude = BigInt(num + fraction)
  const negative = sign === '-'
  const kept = keepsText(base, exponent, num, fraction, magnitude) ? text : undefined
  if (base === 10) return finish(magnitude, exponent - fraction.length, format, negative, kept)
  const scaled = magnitude << BigInt(exponent)
  // Below one, a binary form would round; above int64 it is capped.
  const places = fraction.length
  const unit = 10n ** BigInt(places)
  if (scaled > int64Max * unit) return finish(int64Max, 0, format, negative, kept)
  return finish(scaled, -places, scaled < unit && scaled > 0n ? 'DecimalSI' : format, negative, kept)
}

/** Without leading zeros, but never empty. */
const withoutZeros = (digits: string): string => {
  let from = 0
  while (digits[from] === '0') from++
  return digits.slice(from) || '0'
}

const readSuffix = (suffix: string): { base: 2 | 10; exponent: number; format: QuantityFormat } => {
  if (Object.hasOwn(decimalSuffixes, suffix)) return { base: 10, exponent: decimalSuffixes[suffix] as number, format: 'DecimalSI' }
  if (Object.hasOwn(binarySuffixes, suffix)) return { base: 2, exponent: binarySuffixes[suffix] as number, format: 'BinarySI' }
  const exponent = /^[eE]([+-]?\d+)$/.exec(suffix)
  if (!exponent || Math.abs(Number(exponent[1])) > maxExponent) throw new Error(suffixWrong)
  return { base: 10, exponent: Number(exponent[1]), format: 'DecimalExponent' }
}

/** Whether upstream's fast path takes the text for canonical, which it does for some that are not: +5, 1.500, 1001Ki. */
const keepsText = (base: 2 | 10, exponent: number, num: string, fraction: string, magnitude: bigint): boolean => {
  if (base === 2) return fraction === '' && 14 - num.length - Math.trunc((exponent * 3) / 10) >= 0 && (magnitude & 7n) !== 0n
  const digits = num + fraction
  const scale = exponent - fraction.length
  return digits.length <= 18 && scale >= nano && scale % 3 === 0 && !digits.endsWith('000') && digits[0] !== '0'
}

const finish = (magnitude: bigint, scale: number, format: QuantityFormat, negative: boolean, text: string | undefined): Quantity => {
  const [rounded, to] = scale < nano ? [roundAway(magnitude, nano - scale), nano] : [magnitude, scale]
  const unscaled = negative ? -rounded : rounded
  return text === undefined ? { unscaled, scale: to, format } : { unscaled, scale: to, format, text }
}

/** value / 10^places, rounded away from zero. */
export const roundAway = (value: bigint, places: number): bigint => {
  const divisor = 10n ** BigInt(places)
  const quotient = value / divisor
  if (quotient * divisor === value) return quotient
  return value > 0n ? quotient + 1n : quotient - 1n
}
