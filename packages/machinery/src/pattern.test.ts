import { expect, test } from 'vitest'
import { compilePattern, findPattern, replacePattern } from './pattern.ts'

test('patterns are found, listed and replaced', () => {
  expect(compilePattern('^a+$')('aaa')).toBe(true)
  expect(findPattern('[0-9]+', 'a1b22c333')).toEqual(['1', '22', '333'])
  expect(findPattern('[0-9]+', 'a1b22c333', 2)).toEqual(['1', '22'])
  // biome-ignore lint/suspicious/noTemplateCurlyInString: Go's way to name a group.
  expect(replacePattern('(a+)(b+)', 'aabb-ab', '$2${1}x')).toBe('bbaax-bax')
  expect(() => findPattern('(', 'a')).toThrow()
})
