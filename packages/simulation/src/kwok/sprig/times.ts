import { durationTextMs, parseDurationMs } from '@skiff/machinery'
import { int, type Named, text, type Value } from './cast.ts'

const months = 'January February March April May June July August September October November December'.split(' ')
const days = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ')
const two = (number: number): string => String(number).padStart(2, '0')

/** What each part of Go's layout stands for, the longer before the shorter. */
const parts: readonly (readonly [part: string, of: (time: Date) => string])[] = [
  ['2006', (time) => String(time.getUTCFullYear())],
  ['January', (time) => months[time.getUTCMonth()] as string],
  ['Monday', (time) => days[time.getUTCDay()] as string],
  ['Z07:00', () => 'Z'],
  ['-0700', () => '+0000'],
  ['.000', (time) => `.${String(time.getUTCMilliseconds()).padStart(3, '0')}`],
  ['Jan', (time) => (months[time.getUTCMonth()] as string).slice(0, 3)],
  ['Mon', (time) => (days[time.getUTCDay()] as string).slice(0, 3)],
  ['MST', () => 'UTC'],
  ['01', (time) => two(time.getUTCMonth() + 1)],
  ['02', (time) => two(time.getUTCDate())],
  ['03', (time) => two(time.getUTCHours() % 12 || 12)],
  ['04', (time) => two(time.getUTCMinutes())],
  ['05', (time) => two(time.getUTCSeconds())],
  ['06', (time) => two(time.getUTCFullYear() % 100)],
  ['15', (time) => two(time.getUTCHours())],
  ['PM', (time) => (time.getUTCHours() < 12 ? 'AM' : 'PM')],
]

/** A time as Go's layout has it, in UTC. */
const formatted = (layout: string, time: Date): string => {
  let out = ''
  for (let at = 0; at < layout.length; ) {
    const found = parts.find(([part]) => layout.startsWith(part, at))
    out += found ? found[1](time) : layout[at]
    at += found ? found[0].length : 1
  }
  return out
}

/** sprig's functions of time. Times are texts of RFC 3339 here, or seconds since 1970. */
export const timeFunctions = (now: () => number): Named => {
  const timeOf = (value: Value): Date => {
    const isNumber = typeof value === 'number' || typeof value === 'bigint'
    const ms = isNumber ? Number(value) * 1_000 : Date.parse(text(value))
    return new Date(Number.isNaN(ms) ? now() : ms)
  }
  const moved = (by: Value, time: Value): string => new Date(timeOf(time).getTime() + parseDurationMs(text(by))).toISOString()
  return [
    ['date', (layout, time) => formatted(text(layout), timeOf(time))],
    ['dateInZone', (layout, time) => formatted(text(layout), timeOf(time))],
    ['htmlDate', (time) => formatted('2006-01-02', timeOf(time))],
    ['dateModify', moved],
    ['date_modify', moved],
    ['unixEpoch', (time) => String(Math.floor(timeOf(time).getTime() / 1_000))],
    ['ago', (time) => durationTextMs(Math.round((now() - timeOf(time).getTime()) / 1_000) * 1_000)],
    ['duration', (seconds) => durationTextMs(Number(int(seconds)) * 1_000)],
    ['toDate', (_layout, time) => timeOf(time).toISOString()],
  ]
}
