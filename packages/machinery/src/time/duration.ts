// Go's time.Duration and kubectl's ages.

const unitNanos: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
}
const longest = 2n ** 63n

/** Reads `1h30m`, `1.5s`, `-2ms` into nanoseconds; throws with Go's texts. */
export const parseDuration = (text: string): bigint => {
  const invalid = () => new Error(`time: invalid duration ${JSON.stringify(text)}`)
  const negative = text.startsWith('-')
  let rest = /^[+-]/.test(text) ? text.slice(1) : text
  if (rest === '0') return 0n
  if (rest === '') throw invalid()
  let total = 0n
  while (rest !== '') {
    const [whole, digits, fraction] = /^(\d*)(?:\.(\d*))?/.exec(rest) as unknown as [string, string, string | undefined]
    if (digits === '' && (fraction ?? '') === '') throw invalid()
    rest = rest.slice(whole.length)
    const name = /^[^.\d]*/.exec(rest)?.[0] ?? ''
    if (name === '') throw new Error(`time: missing unit in duration ${JSON.stringify(text)}`)
    const unit = Object.hasOwn(unitNanos, name) ? unitNanos[name] : undefined
    if (unit === undefined) throw new Error(`time: unknown unit ${JSON.stringify(name)} in duration ${JSON.stringify(text)}`)
    rest = rest.slice(name.length)
    // More than 18 digits of a fraction are below a nanosecond of any unit.
    const places = (fraction ?? '').slice(0, 18)
    total += BigInt(digits || '0') * unit + (BigInt(places || '0') * unit) / 10n ** BigInt(places.length)
    if (total > longest || (total === longest && !negative)) throw invalid()
  }
  return negative ? -total : total
}

/** parseDuration in milliseconds, as timers want it. */
export const parseDurationMs = (text: string): number => Number(parseDuration(text)) / 1e6

/** Go's text of so many nanoseconds: 1h0m0s, 1.5s, 100ms, 0s. */
export const durationText = (nanos: bigint): string => {
  if (nanos === 0n) return '0s'
  const sign = nanos < 0n ? '-' : ''
  const size = nanos < 0n ? -nanos : nanos
  if (size < 1_000n) return `${sign}${size}ns`
  if (size < 1_000_000n) return `${sign}${decimal(size, 3)}µs`
  if (size < 1_000_000_000n) return `${sign}${decimal(size, 6)}ms`
  const minutes = size / 60_000_000_000n
  const seconds = `${decimal(size % 60_000_000_000n, 9)}s`
  if (minutes === 0n) return sign + seconds
  return minutes < 60n ? `${sign}${minutes}m${seconds}` : `${sign}${minutes / 60n}h${minutes % 60n}m${seconds}`
}

export const durationTextMs = (ms: number): string => durationText(BigInt(Math.round(ms * 1e6)))

const decimal = (value: bigint, places: number): string => {
  const unit = 10n ** BigInt(places)
  const fraction = (value % unit).toString().padStart(places, '0').replace(/0+$/, '')
  return fraction === '' ? `${value / unit}` : `${value / unit}.${fraction}`
}

/** An age as kubectl prints it, with two or three figures: 5m30s, 3h, 2d4h, 1y20d. */
export const humanDuration = (ms: number): string => {
  const seconds = Math.trunc(ms / 1000)
  if (seconds < -1) return '<invalid>'
  if (seconds < 0) return '0s'
  if (seconds < 120) return `${seconds}s`
  const minutes = Math.trunc(seconds / 60)
  if (minutes < 10) return pair(minutes, 'm', seconds % 60, 's')
  if (minutes < 180) return `${minutes}m`
  const hours = Math.trunc(minutes / 60)
  if (hours < 8) return pair(hours, 'h', minutes % 60, 'm')
  if (hours < 48) return `${hours}h`
  const days = Math.trunc(hours / 24)
  if (hours < 192) return pair(days, 'd', hours % 24, 'h')
  if (days < 730) return `${days}d`
  const years = Math.trunc(days / 365)
  return days < 2920 ? pair(years, 'y', days % 365, 'd') : `${years}y`
}
const pair = (major: number, majorUnit: string, minor: number, minorUnit: string): string =>
  minor === 0 ? `${major}${majorUnit}` : `${major}${majorUnit}${minor}${minorUnit}`

/** An age in one figure: 5m, 3h, 2d. */
export const shortHumanDuration = (ms: number): string => {
  const seconds = Math.trunc(ms / 1000)
  if (seconds < -1) return '<invalid>'
  if (seconds < 0) return '0s'
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3600) return `${Math.trunc(seconds / 60)}m`
  const hours = Math.trunc(seconds / 3600)
  if (hours < 24) return `${hours}h`
  return hours < 24 * 365 ? `${Math.trunc(hours / 24)}d` : `${Math.trunc(hours / 24 / 365)}y`
}
