import { expect, test } from 'vitest'
import { isStoredVersion, versionOf } from './versions.ts'

test.each([
  [undefined, undefined],
  ['', undefined],
  ['0', undefined],
  ['00', undefined],
  ['7', '7'],
  ['007', '7'],
  ['18446744073709551615', '18446744073709551615'],
])('%j names %j', (text, version) => {
  expect(versionOf(text)).toBe(version)
  expect(isStoredVersion(text)).toBe(version !== undefined)
})

test.each([
  ['x', 'strconv.ParseUint: parsing "x": invalid syntax'],
  ['-1', 'strconv.ParseUint: parsing "-1": invalid syntax'],
  ['18446744073709551616', 'strconv.ParseUint: parsing "18446744073709551616": value out of range'],
])('%j is no version, and none that a new object could not have', (text, why) => {
  expect(() => versionOf(text)).toThrow(why)
  expect(isStoredVersion(text)).toBe(false)
})
