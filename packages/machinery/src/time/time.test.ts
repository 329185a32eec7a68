import { expect, test } from 'vitest'
import { durationText, durationTextMs, humanDuration, parseDuration, parseDurationMs, shortHumanDuration } from './duration.ts'
import { canonicalMicroTime, canonicalTime, parseTime, parseTimeMs } from './timestamp.ts'

test.each([
  ['0', 0n, '0s'],
  ['1h', 3_600_000_000_000n, '1h0m0s'],
  ['-1.5s', -1_500_000_000n, '-1.5s'],
  ['1h30m5.25s', 5_405_250_000_000n, '1h30m5.25s'],
  ['100ms', 100_000_000n, '100ms'],
  ['1us', 1_000n, '1µs'],
  ['1500ns', 1_500n, '1.5µs'],
  ['.5m', 30_000_000_000n, '30s'],
  ['60s', 60_000_000_000n, '1m0s'],
  ['1ns', 1n, '1ns'],
])('duration %s', (text, nanos, printed) => {
  expect(parseDuration(text)).toBe(nanos)
  expect(durationText(nanos)).toBe(printed)
})

test.each([
  ['', 'time: invalid duration ""'],
  ['x', 'time: invalid duration "x"'],
  ['-', 'time: invalid duration "-"'],
  ['.s', 'time: invalid duration ".s"'],
  ['1', 'time: missing unit in duration "1"'],
  ['1.5', 'time: missing unit in duration "1.5"'],
  ['1d', 'time: unknown unit "d" in duration "1d"'],
  ['1constructor', 'time: unknown unit "constructor" in duration "1constructor"'],
  ['9223372036854775808ns', 'time: invalid duration "9223372036854775808ns"'],
])('complaint about duration %j', (text, message) => expect(() => parseDuration(text)).toThrow(new Error(message)))

test('milliseconds', () => {
  expect(parseDurationMs('1m0.5s')).toBe(60_500)
  expect(durationTextMs(90_000)).toBe('1m30s')
})

const s = 1000
const m = 60 * s
const h = 60 * m
const d = 24 * h
test.each([
  [-3 * s, '<invalid>'],
  [-1 * s, '0s'],
  [0, '0s'],
  [119 * s, '119s'],
  [2 * m, '2m'],
  [9 * m + 59 * s, '9m59s'],
  [10 * m + 30 * s, '10m'],
  [179 * m, '179m'],
  [3 * h, '3h'],
  [7 * h + 59 * m, '7h59m'],
  [47 * h, '47h'],
  [48 * h, '2d'],
  [50 * h, '2d2h'],
  [8 * d, '8d'],
  [729 * d, '729d'],
  [730 * d, '2y'],
  [800 * d, '2y70d'],
  [3000 * d, '8y'],
])('age of %d ms is %s', (ms, text) => expect(humanDuration(ms)).toBe(text))

test('short ages', () => {
  expect([59 * s, 119 * s, 25 * h, 400 * d].map(shortHumanDuration)).toEqual(['59s', '1m', '1d', '1y'])
})

test.each([
  ['2024-05-01T10:00:00Z', '2024-05-01T10:00:00Z'],
  ['2024-05-01T10:00:00.999Z', '2024-05-01T10:00:00Z'],
  ['2024-05-01T12:30:00+02:30', '2024-05-01T10:00:00Z'],
  ['2024-05-01T5:00:00Z', '2024-05-01T05:00:00Z'],
  ['2024-02-29T00:00:00-00:00', '2024-02-29T00:00:00Z'],
  ['0050-01-01T00:00:00Z', '0050-01-01T00:00:00Z'],
  ['0001-01-01T00:00:00Z', null],
])('time %s', (text, canonical) => expect(canonicalTime(text)).toBe(canonical))

const as = 'as "2006-01-02T15:04:05Z07:00": cannot parse'
test.each([
  ['', `parsing time "" ${as} "" as "2006"`],
  ['foo', `parsing time "foo" ${as} "foo" as "2006"`],
  ['2024-5-01T10:00:00Z', `parsing time "2024-5-01T10:00:00Z" ${as} "5-01T10:00:00Z" as "01"`],
  ['2024-05-01', `parsing time "2024-05-01" ${as} "" as "T"`],
  ['2024-05-01 10:00:00Z', `parsing time "2024-05-01 10:00:00Z" ${as} " 10:00:00Z" as "T"`],
  ['2024-05-01T10:00:00', `parsing time "2024-05-01T10:00:00" ${as} "" as "Z07:00"`],
  ['2024-05-01T10:00:00z', `parsing time "2024-05-01T10:00:00z" ${as} "z" as "Z07:00"`],
  ['2024-13-01T10:00:00Z', 'parsing time "2024-13-01T10:00:00Z": month out of range'],
  ['2023-02-29T10:00:00Z', 'parsing time "2023-02-29T10:00:00Z": day out of range'],
  ['2024-05-01T24:00:00Z', 'parsing time "2024-05-01T24:00:00Z": hour out of range'],
  ['2024-05-01T10:00:00Zx', 'parsing time "2024-05-01T10:00:00Zx": extra text: "x"'],
])('complaint about time %j', (text, message) => expect(() => parseTime(text)).toThrow(new Error(message)))

test('milliseconds and microseconds', () => {
  expect(parseTimeMs('1970-01-01T00:00:01Z')).toBe(1000)
  expect(parseTimeMs('1970-01-01T00:00:01.25Z')).toBe(1250)
  expect(canonicalMicroTime('2024-05-01T12:00:00.123456+02:00')).toBe('2024-05-01T10:00:00.123456Z')
  expect(() => canonicalMicroTime('2024-05-01T12:00:00Z')).toThrow('cannot parse "Z" as ".000000"')
})
