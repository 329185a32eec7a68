/** A float in the shortest of the three widths that holds it exactly. Throws for what JSON has no word for. */
export const encodeFloat = (value: number): Uint8Array => {
  if (!Number.isFinite(value)) throw new Error(`cbor: unsupported value: floating-point ${Number.isNaN(value) ? 'NaN' : 'infinity'}`)
  const half = halfBits(value)
  if (half !== undefined) return Uint8Array.of(0xf9, half >> 8, half & 0xff)
  const single = Math.fround(value) === value
  const bytes = Buffer.alloc(single ? 5 : 9)
  bytes[0] = single ? 0xfa : 0xfb
  if (single) bytes.writeFloatBE(value, 1)
  else bytes.writeDoubleBE(value, 1)
  return bytes
}

/** The sixteen bits of a float that they hold exactly. */
const halfBits = (value: number): number | undefined => {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0
  const size = Math.abs(value)
  if (size === 0) return sign
  if (size > 65504) return undefined
  // Below 2^-14 the steps are of 2^-24; above, eleven bits from the leading one.
  const exponent = Math.max(-14, Math.floor(Math.log2(size)))
  const steps = size * 2 ** (10 - exponent)
  if (!Number.isInteger(steps) || steps >= 2048) return undefined
  return steps < 1024 ? sign | steps : sign | ((exponent + 15) << 10) | (steps - 1024)
}

export const decodeHalf = (bits: number): number => {
  const exponent = (bits >> 10) & 0x1f
  const fraction = bits & 0x3ff
  const sign = bits & 0x8000 ? -1 : 1
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25))
}
