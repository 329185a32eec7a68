import { describe, expect, test } from 'vitest'
import { missedTimes, nextTime, parseSchedule, stampIn, wallOf } from './schedule.ts'

const iso = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toISOString().replace(':00.000Z', ''))
const next = (schedule: string, after: string, zone?: string) => iso(nextTime(parseSchedule(schedule), Date.parse(after), wallOf(zone)))

// 1 January 2024 is a Monday.
test.each([
  ['* * * * *', '2024-01-01T00:00:30Z', '2024-01-01T00:01'],
  ['* * * * *', '2024-01-01T00:01:00Z', '2024-01-01T00:02'],
  ['*/15 * * * *', '2024-01-01T00:46:00Z', '2024-01-01T01:00'],
  ['5/20 * * * *', '2024-01-01T00:26:00Z', '2024-01-01T00:45'],
  ['10-20/5 * * * *', '2024-01-01T00:16:00Z', '2024-01-01T00:20'],
  ['0 9-17 * * mon-fri', '2024-01-05T17:30:00Z', '2024-01-08T09:00'],
  ['0 0 13 * FRI', '2024-01-01T00:00:00Z', '2024-01-05T00:00'],
  ['0 0 13 * *', '2024-01-01T00:00:00Z', '2024-01-13T00:00'],
  ['0 0 */2 * 1', '2024-01-01T00:00:00Z', '2024-01-15T00:00'],
  ['0 0 29 feb *', '2024-03-01T00:00:00Z', '2028-02-29T00:00'],
  ['0 0 31 2 *', '2024-01-01T00:00:00Z', undefined],
  ['30 3 ? * ?', '2024-01-01T04:00:00Z', '2024-01-02T03:30'],
  ['1,2,40 * * * *', '2024-01-01T00:02:00Z', '2024-01-01T00:40'],
  ['@yearly', '2024-01-01T00:00:00Z', '2025-01-01T00:00'],
  ['@monthly', '2024-01-01T00:00:00Z', '2024-02-01T00:00'],
  ['@weekly', '2024-01-01T00:00:00Z', '2024-01-07T00:00'],
  ['@daily', '2024-01-01T00:00:00Z', '2024-01-02T00:00'],
  ['@hourly', '2024-01-01T00:00:00Z', '2024-01-01T01:00'],
  ['@every 1h30m', '2024-01-01T00:00:00Z', '2024-01-01T01:30'],
])('%s after %s', (schedule, after, expected) => {
  expect(next(schedule, after)).toBe(expected)
})

describe('in a time zone', () => {
  test.each([
    ['0 9 * * *', '2024-01-01T00:00:00Z', 'Europe/Berlin', '2024-01-01T08:00'],
    ['0 9 * * *', '2024-07-01T00:00:00Z', 'Europe/Berlin', '2024-07-01T07:00'],
    ['0 9 * * *', '2024-01-01T04:00:00Z', 'Asia/Kolkata', '2024-01-02T03:30'],
    ['0 0 1 * *', '2024-01-15T00:00:00Z', 'Pacific/Auckland', '2024-01-31T11:00'],
    ['15 * * * *', '2024-01-01T00:00:00Z', 'Asia/Kathmandu', '2024-01-01T00:30'],
  ])('%s after %s in %s', (schedule, after, zone, expected) => {
    expect(next(schedule, after, zone)).toBe(expected)
  })
  test('a time that the change of clocks leaves out is not made up for', () => {
    expect(next('30 2 * * *', '2024-03-31T00:00:00Z', 'Europe/Berlin')).toBe('2024-04-01T00:30')
  })
  test('a day without midnight begins later', () => {
    expect(next('0 * 8 9 *', '2024-09-01T00:00:00Z', 'America/Santiago')).toBe('2024-09-08T04:00')
  })
  test('a time that comes twice is due twice', () => {
    const first = next('30 2 * * *', '2024-10-26T12:00:00Z', 'Europe/Berlin')
    expect(first).toBe('2024-10-27T00:30')
    expect(next('30 2 * * *', `${first}:00Z`, 'Europe/Berlin')).toBe('2024-10-27T01:30')
  })
  test('an unknown one is refused', () => {
    expect(() => wallOf('Moon/Crater')).toThrow(RangeError)
  })
  test.each([
    [undefined, '2024-01-01T00:00:00Z'],
    ['Europe/London', '2024-01-01T00:00:00Z'],
    ['Europe/Berlin', '2024-01-01T01:00:00+01:00'],
    ['America/New_York', '2023-12-31T19:00:00-05:00'],
    ['Asia/Kathmandu', '2024-01-01T05:45:00+05:45'],
  ])('its stamp in %s', (zone, expected) => {
    expect(stampIn(zone, Date.parse('2024-01-01T00:00:00Z'))).toBe(expected)
  })
})

describe('what was missed', () => {
  const missed = (schedule: string, after: string, now: string) => {
    const { latestMs, isTooMany } = missedTimes(parseSchedule(schedule), Date.parse(after), Date.parse(now), wallOf(undefined))
    return [iso(latestMs), isTooMany]
  }
  test.each([
    ['*/5 * * * *', '2024-01-01T00:00:00Z', '2024-01-01T00:04:59Z', undefined, false],
    ['*/5 * * * *', '2024-01-01T00:00:00Z', '2024-01-01T00:05:00Z', '2024-01-01T00:05', false],
    ['*/5 * * * *', '2024-01-01T00:00:00Z', '2024-01-01T08:20:00Z', '2024-01-01T08:20', false],
    ['*/5 * * * *', '2024-01-01T00:00:00Z', '2024-01-01T08:25:00Z', '2024-01-01T08:25', true],
    ['* * * * *', '2020-01-01T00:00:00Z', '2024-01-01T08:25:00Z', '2024-01-01T08:25', true],
    ['* 9 * * 1', '2020-01-01T00:00:00Z', '2024-01-07T12:00:00Z', '2024-01-01T09:59', true],
    ['* * 29 2 *', '2020-01-01T00:00:00Z', '2024-02-01T00:00:00Z', '2020-02-29T23:59', true],
    ['@every 1m', '2020-01-01T00:00:30Z', '2024-02-01T00:00:31Z', '2024-02-01T00:00:30.000Z', true],
  ])('%s from %s until %s', (schedule, after, now, latest, isTooMany) => {
    expect(missed(schedule, after, now)).toEqual([latest, isTooMany])
  })
})
