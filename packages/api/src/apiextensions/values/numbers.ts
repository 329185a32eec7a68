/** True for what Go reads as an int64. */
export const isWhole = (value: number | bigint): boolean =>
  typeof value === 'bigint' ? BigInt.asIntN(64, value) === value : Number.isSafeInteger(value)

const largestExact = 2 ** 53 - 1
const tolerance = 1e-9

/** Upstream's word for a float that is as good as an integer. */
export const isNearlyWhole = (value: number): boolean => {
  if (!Number.isFinite(value) || Math.abs(value) > largestExact) return false
  const whole = Math.trunc(Math.abs(value))
  const size = Math.abs(value)
  if (whole === size) return true
  return whole !== 0 && (size - whole) / (size + whole) < tolerance
}
