import { rfc3339 } from '../meta.ts'

// Reading of RFC 3339 with Go's tolerance (a fraction of any length, an hour of one digit) and Go's texts.

const layout = '2006-01-02T15:04:05Z07:00'
const microLayout = '2006-01-02T15:04:05.000000Z07:00'

/** A moment: whole seconds since 1970 and nanoseconds within the second. */
export interface Moment {
  readonly seconds: number
  readonly nanos: number
}

/** What is left to read, and what it belongs to, for complaints. */
interface Reading {
  readonly text: string
  readonly layout: string
  rest: string
}

const unreadable = (reading: Reading, element: string, from = reading.rest): Error =>
  new Error(
    `parsing time ${JSON.stringify(reading.text)} as "${reading.layout}": cannot parse ${JSON.stringify(from)} as ${JSON.stringify(element)}`,
  )
const outOfRange = (reading: Reading, what: string): Error =>
  new Error(`parsing time ${JSON.stringify(reading.text)}: ${what} out of range`)

const literal = (reading: Reading, mark: string): void => {
  if (!reading.rest.startsWith(mark)) throw unreadable(reading, mark)
  reading.rest = reading.rest.slice(mark.length)
}

const number = (reading: Reading, shape: RegExp, element: string, what?: string, low = 0, high = Number.POSITIVE_INFINITY): number => {
  const digits = shape.exec(reading.rest)?.[0]
  if (digits === undefined) throw unreadable(reading, element)
  reading.rest = reading.rest.slice(digits.length)
  const value = Number(digits)
  if (what !== undefined && (value < low || value > high)) throw outOfRange(reading, what)
  return value
}

const two = /^\d\d/
const oneOrTwo = /^\d\d?/

const daysIn = (year: number, month: number): number => {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
}

const fractionOf = (reading: Reading, micro: boolean): number => {
  const digits = (micro ? /^[.,]\d{6}/ : /^[.,]\d+/).exec(reading.rest)?.[0]
  if (digits === undefined) {
    if (micro) throw unreadable(reading, '.000000')
    return 0
  }
  reading.rest = reading.rest.slice(digits.length)
  return Number(digits.slice(1, 10).padEnd(9, '0'))
}

/** Seconds east of Greenwich. */
const zoneOf = (reading: Reading): number => {
  if (reading.rest.startsWith('Z')) {
    reading.rest = reading.rest.slice(1)
    return 0
  }
  const match = /^([+-])(\d\d):(\d\d)/.exec(reading.rest)
  if (!match) throw unreadable(reading, 'Z07:00')
  reading.rest = reading.rest.slice(6)
  if (Number(match[2]) > 24) throw outOfRange(reading, 'time zone offset hour')
  if (Number(match[3]) > 60) throw outOfRange(reading, 'time zone offset minute')
  return (match[1] === '-' ? -1 : 1) * (Number(match[2]) * 3600 + Number(match[3]) * 60)
}

const read = (text: string, micro: boolean): Moment => {
  const reading: Reading = { text, layout: micro ? microLayout : layout, rest: text }
  const year = number(reading, /^\d{4}/, '2006')
  literal(reading, '-')
  const month = number(reading, two, '01', 'month', 1, 12)
  literal(reading, '-')
  const day = number(reading, two, '02')
  literal(reading, 'T')
  const hour = number(reading, oneOrTwo, '15', 'hour', 0, 23)
  literal(reading, ':')
  const minute = number(reading, two, '04', 'minute', 0, 59)
  literal(reading, ':')
  const second = number(reading, two, '05', 'second', 0, 59)
  const nanos = fractionOf(reading, micro)
  const east = zoneOf(reading)
  if (reading.rest !== '') throw new Error(`parsing time ${JSON.stringify(text)}: extra text: ${JSON.stringify(reading.rest)}`)
  if (day < 1 || day > daysIn(year, month)) throw outOfRange(reading, 'day')
  // Date.UTC takes years below 100 for those of the last century.
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  return { seconds: date.getTime() / 1000 + hour * 3600 + minute * 60 + second - east, nanos }
}

/** Reads metav1.Time; throws with Go's texts. */
export const parseTime = (text: string): Moment => read(text, false)
/** Reads metav1.MicroTime, which wants six digits of fraction. */
export const parseMicroTime = (text: string): Moment => read(text, true)

/** Milliseconds since 1970 of a metav1.Time. */
export const parseTimeMs = (text: string): number => {
  if (text.length === 20 && text.endsWith('Z')) {
    const ms = Date.parse(text)
    if (!Number.isNaN(ms)) return ms
  }
  const { seconds, nanos } = parseTime(text)
  return seconds * 1000 + nanos / 1e6
}

const canonical = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/
/** Go's zero time, which is written as null. */
const zeroSeconds = -62135596800

/** A metav1.Time as it is stored: whole seconds, UTC; null for Go's zero time. */
export const canonicalTime = (text: string): string | null => {
  if (canonical.test(text) && !text.startsWith('0001')) return text
  const { seconds, nanos } = parseTime(text)
  return seconds === zeroSeconds && nanos === 0 ? null : rfc3339(seconds * 1000)
}

/** A metav1.MicroTime as it is stored: microseconds, UTC; null for Go's zero time. */
export const canonicalMicroTime = (text: string): string | null => {
  const { seconds, nanos } = parseMicroTime(text)
  if (seconds === zeroSeconds && nanos === 0) return null
  return `${rfc3339(seconds * 1000).slice(0, -1)}.${String(Math.trunc(nanos / 1000)).padStart(6, '0')}Z`
}
