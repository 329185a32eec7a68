import { parseDurationMs, rfc3339 } from '@skiff/machinery'

/** A cron schedule as sets of allowed numbers, or a fixed interval. Invalid text was refused by validation before. */
export type Schedule =
  | { readonly everyMs: number }
  | {
      readonly minutes: ReadonlySet<number>
      readonly hours: ReadonlySet<number>
      readonly days: ReadonlySet<number>
      readonly months: ReadonlySet<number>
      readonly weekdays: ReadonlySet<number>
      /** Day of the month and of the week: both must match when either is `*`, else one is enough. */
      readonly needsBothDays: boolean
    }

const descriptors: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
}
const monthNames = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const dayNames = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

const numberOf = (text: string, names: readonly string[], first: number): number => {
  const at = names.indexOf(text.toLowerCase())
  return at >= 0 ? at + first : Number(text)
}
const isStar = (text: string): boolean => text.split(',').some((part) => /^[*?]/.test(part))

const parseField = (text: string, min: number, max: number, names: readonly string[] = []): ReadonlySet<number> => {
  const allowed = new Set<number>()
  for (const part of text.split(',').filter(Boolean)) {
    const [range = '', stepText] = part.split('/')
    const [low = '', high] = range.split('-')
    const all = low === '*' || low === '?'
    const start = all ? min : numberOf(low, names, min)
    const end = all ? max : high !== undefined ? numberOf(high, names, min) : stepText === undefined ? start : max
    for (let value = start; value <= end; value += Number(stepText ?? 1)) allowed.add(value)
  }
  return allowed
}

export const parseSchedule = (text: string): Schedule => {
  const trimmed = text.trim()
  if (trimmed.startsWith('@every ')) return { everyMs: Math.max(1_000, parseDurationMs(trimmed.slice(7).trim())) }
  const [minutes = '*', hours = '*', days = '*', months = '*', weekdays = '*'] = (descriptors[trimmed] ?? trimmed).split(/\s+/)
  return {
    minutes: parseField(minutes, 0, 59),
    hours: parseField(hours, 0, 23),
    days: parseField(days, 1, 31),
    months: parseField(months, 1, 12, monthNames),
    weekdays: parseField(weekdays, 0, 6, dayNames),
    needsBothDays: isStar(days) || isStar(weekdays),
  }
}

interface LocalTime {
  readonly month: number
  readonly day: number
  readonly weekday: number
  readonly hour: number
  readonly minute: number
}
/** What a clock on the wall of a time zone shows. */
export type Wall = (atMs: number) => LocalTime

const utc: Wall = (atMs) => {
  const date = new Date(atMs)
  return {
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    weekday: date.getUTCDay(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
  }
}

/** Throws a RangeError for a zone that this machine does not know. */
export const wallOf = (timeZone: string | undefined): Wall => {
  if (timeZone === undefined || timeZone === 'UTC' || timeZone === 'Etc/UTC') return utc
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    month: 'numeric',
    day: 'numeric',
    weekday: 'short',
    hour: 'numeric',
    minute: 'numeric',
  })
  return (atMs) => {
    const parts = Object.fromEntries(format.formatToParts(atMs).map(({ type, value }) => [type, value]))
    return {
      month: Number(parts.month),
      day: Number(parts.day),
      weekday: dayNames.indexOf((parts.weekday ?? '').toLowerCase()),
      hour: Number(parts.hour),
      minute: Number(parts.minute),
    }
  }
}

/** RFC 3339 on the wall of a zone, with its offset: how a Job is told what time it is for. */
export const stampIn = (timeZone: string | undefined, atMs: number): string => {
  if (timeZone === undefined) return rfc3339(atMs)
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZoneName: 'longOffset',
  })
  const parts = Object.fromEntries(format.formatToParts(atMs).map(({ type, value }) => [type, value]))
  const offset = (parts.timeZoneName ?? '').replace(/^GMT(\+00:00)?/, '') || 'Z'
  return `${parts.year}-${parts.month}-${parts.day}T${parts.hour}:${parts.minute}:${parts.second}${offset}`
}

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const horizonMs = 5 * 366 * 24 * hourMs

/** The first time after `afterMs` that the schedule names; undefined when there is none within five years. */
export const nextTime = (schedule: Schedule, afterMs: number, wall: Wall): number | undefined => {
  if ('everyMs' in schedule) return Math.trunc(afterMs / 1_000) * 1_000 + schedule.everyMs
  let atMs = (Math.floor(afterMs / minuteMs) + 1) * minuteMs
  const endMs = afterMs + horizonMs
  while (atMs <= endMs) {
    const now = wall(atMs)
    if (!schedule.months.has(now.month) || !isDay(schedule, now)) atMs = nextDay(atMs, now, wall)
    else if (!schedule.hours.has(now.hour)) atMs += hourMs - now.minute * minuteMs
    else if (!schedule.minutes.has(now.minute)) atMs += minuteMs
    else return atMs
  }
  return undefined
}

const isDay = (schedule: Exclude<Schedule, { everyMs: number }>, { day, weekday }: LocalTime): boolean => {
  const [byDate, byWeekday] = [schedule.days.has(day), schedule.weekdays.has(weekday)]
  return schedule.needsBothDays ? byDate && byWeekday : byDate || byWeekday
}

/** The first minute of the next day on that wall, also where clocks are changed in between. */
const nextDay = (atMs: number, { hour, minute, day }: LocalTime, wall: Wall): number => {
  let nextMs = atMs + 24 * hourMs - (hour * hourMs + minute * minuteMs)
  while (wall(nextMs).day === day) nextMs += hourMs
  while (wall(nextMs - hourMs).day !== day) nextMs -= hourMs
  return nextMs
}

/** What was due between two times. */
export interface Missed {
  /** The latest due time at or before `nowMs`. */
  readonly latestMs: number | undefined
  /** More than so many were missed that something must be wrong. */
  readonly isTooMany: boolean
}
const tooMany = 100

export const missedTimes = (schedule: Schedule, afterMs: number, nowMs: number, wall: Wall): Missed => {
  let latestMs: number | undefined
  for (let count = 0; count <= tooMany; count += 1) {
    const at = nextTime(schedule, latestMs ?? afterMs, wall)
    if (at === undefined || at > nowMs) return { latestMs, isTooMany: false }
    latestMs = at
  }
  return { latestMs: lastBefore(schedule, latestMs ?? afterMs, nowMs, wall), isTooMany: true }
}

/** Long out of service: what lies far back does not matter, only the last one does. `dueMs` is a due time itself. */
const lastBefore = (schedule: Schedule, dueMs: number, nowMs: number, wall: Wall): number => {
  if ('everyMs' in schedule) return dueMs + Math.floor((nowMs - dueMs) / schedule.everyMs) * schedule.everyMs
  for (let backMs = hourMs; ; backMs *= 4) {
    const fromMs = Math.max(dueMs, nowMs - backMs)
    let latestMs: number | undefined
    for (let at = nextTime(schedule, fromMs, wall); at !== undefined && at <= nowMs; at = nextTime(schedule, at, wall)) latestMs = at
    if (latestMs !== undefined) return latestMs
    if (fromMs === dueMs) return dueMs
  }
}
