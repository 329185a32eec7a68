import { durationText, parseDuration } from '../time/duration.ts'
import type { Moment } from '../time/timestamp.ts'
import { type CelDuration, CelError, type CelFunction, type CelTimestamp, type CelValue, isTagged, noOverload } from './value.ts'

const second = 1_000_000_000n

export const durationOf = (text: string): CelDuration => {
  try {
    return { is: 'duration', nanos: parseDuration(text) }
  } catch (error) {
    throw new CelError((error as Error).message)
  }
}

/** CEL writes whole durations in seconds. */
export const durationToText = ({ nanos }: CelDuration): string => {
  const sign = nanos < 0n ? '-' : ''
  const size = nanos < 0n ? -nanos : nanos
  const rest = String(size % second)
    .padStart(9, '0')
    .replace(/0+$/, '')
  return `${sign}${size / second}${rest ? `.${rest}` : ''}s`
}
export const goDuration = ({ nanos }: CelDuration): string => durationText(nanos)

const rfc = /^(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)$/

export const timestampOf = (text: string, _parse: (text: string) => Moment): CelTimestamp => {
  const match = rfc.exec(text)
  const ms = match ? Date.parse(`${match[1]}T${match[2]}${(match[4] as string).toUpperCase()}`) : Number.NaN
  if (!match || Number.isNaN(ms)) throw new CelError(`parsing time ${JSON.stringify(text)} as "2006-01-02T15:04:05Z07:00": cannot parse`)
  return { is: 'timestamp', nanos: BigInt(ms) * 1_000_000n + BigInt((match[3] ?? '').padEnd(9, '0')) }
}

const floorDiv = (a: bigint, b: bigint): bigint => (a >= 0n || a % b === 0n ? a / b : a / b - 1n)

export const timestampText = ({ nanos }: CelTimestamp): string => {
  const seconds = floorDiv(nanos, second)
  const rest = String(nanos - seconds * second)
    .padStart(9, '0')
    .replace(/0+$/, '')
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}${rest ? `.${rest}` : ''}Z`
}

/** The moment's calendar in a zone: a name, or an offset such as -07:00. */
const calendar = ({ nanos }: CelTimestamp, zone: CelValue | undefined): Date => {
  const ms = Number(floorDiv(nanos, 1_000_000n))
  if (zone === undefined || zone === 'UTC' || zone === '') return new Date(ms)
  if (typeof zone !== 'string') return noOverload()
  const offset = /^([+-]?)(\d\d):(\d\d)$/.exec(zone)
  if (offset) return new Date(ms + (offset[1] === '-' ? -1 : 1) * (Number(offset[2]) * 60 + Number(offset[3])) * 60_000)
  try {
    const parts = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      dateStyle: 'short',
      timeStyle: 'medium',
    }).formatToParts(ms)
    const part = (type: string) => Number(parts.find((each) => each.type === type)?.value)
    const year = new Intl.DateTimeFormat('en-US', { timeZone: zone, year: 'numeric' }).format(ms)
    return new Date(
      Date.UTC(
        Number(year),
        part('month') - 1,
        part('day'),
        part('hour'),
        part('minute'),
        part('second'),
        new Date(ms).getUTCMilliseconds(),
      ),
    )
  } catch {
    throw new CelError(`unknown time zone ${zone}`)
  }
}

const ofTime =
  (pick: (date: Date) => number, ofDuration?: (nanos: bigint) => bigint): CelFunction =>
  ([value, zone]) => {
    if (isTagged(value as CelValue, 'timestamp')) return BigInt(pick(calendar(value as CelTimestamp, zone)))
    if (ofDuration && isTagged(value as CelValue, 'duration')) return ofDuration((value as CelDuration).nanos)
    return noOverload()
  }

const dayOfYear = (date: Date): number =>
  (Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()) - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000

export const timeFunctions: Readonly<Record<string, CelFunction>> = {
  getFullYear: ofTime((date) => date.getUTCFullYear()),
  getMonth: ofTime((date) => date.getUTCMonth()),
  getDayOfYear: ofTime(dayOfYear),
  getDayOfMonth: ofTime((date) => date.getUTCDate() - 1),
  getDate: ofTime((date) => date.getUTCDate()),
  getDayOfWeek: ofTime((date) => date.getUTCDay()),
  getHours: ofTime(
    (date) => date.getUTCHours(),
    (nanos) => nanos / (3600n * second),
  ),
  getMinutes: ofTime(
    (date) => date.getUTCMinutes(),
    (nanos) => nanos / (60n * second),
  ),
  getSeconds: ofTime(
    (date) => date.getUTCSeconds(),
    (nanos) => nanos / second,
  ),
  getMilliseconds: ofTime(
    (date) => date.getUTCMilliseconds(),
    (nanos) => (nanos % second) / 1_000_000n,
  ),
}
