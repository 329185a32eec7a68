import type { Quantity } from './parse.ts'

const decimalNames = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E']
const binaryNames = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei']

/** The text upstream prints: the canonical one, or what it was read from where upstream keeps that. */
export const quantityText = (quantity: Quantity): string => quantity.text ?? printed(quantity)

const printed = ({ unscaled, scale, format }: Quantity): string => {
  if (unscaled === 0n) return '0'
  if (format === 'BinarySI') {
    const whole = wholeOf(unscaled, scale)
    if (whole !== undefined && (whole >= 1024n || whole <= -1024n)) return binaryText(whole)
  }
  return decimalText(unscaled, scale, format === 'DecimalExponent')
}

/** The integer that unscaled × 10^scale is, if it is one. */
const wholeOf = (unscaled: bigint, scale: number): bigint | undefined => {
  if (scale >= 0) return unscaled * 10n ** BigInt(scale)
  const divisor = 10n ** BigInt(-scale)
  return unscaled % divisor === 0n ? unscaled / divisor : undefined
}

const binaryText = (whole: bigint): string => {
  let mantissa = whole
  let step = 0
  while (step < binaryNames.length - 1 && mantissa % 1024n === 0n) {
    mantissa /= 1024n
    step++
  }
  return `${mantissa}${binaryNames[step]}`
}

/** The largest power of 1000 that leaves no fraction. */
const decimalText = (unscaled: bigint, scale: number, asExponent: boolean): string => {
  let mantissa = unscaled
  let exponent = scale
  while (mantissa % 10n === 0n) {
    mantissa /= 10n
    exponent++
  }
  const excess = ((exponent % 3) + 3) % 3
  // Upstream loses the suffix above E; here the mantissa takes the rest.
  const to = asExponent ? exponent - excess : Math.min(exponent - excess, 18)
  mantissa *= 10n ** BigInt(exponent - to)
  if (asExponent) return to === 0 ? `${mantissa}` : `${mantissa}e${to}`
  return `${mantissa}${decimalNames[to / 3 + 3]}`
}
