import { expect, test } from 'vitest'
import { nodeOf } from '../testing/objects.ts'
import { matchesTerm } from './node-selector.ts'

const matches = (operator: 'Gt' | 'Lt', label: string, ...values: string[]): boolean =>
  matchesTerm({ matchExpressions: [{ key: 'size', operator, values }] }, nodeOf('n', { labels: { size: label } }))

test.each<['Gt' | 'Lt', string, string[], boolean]>([
  ['Gt', '10', ['9'], true],
  ['Gt', '9', ['9'], false],
  ['Lt', '-5', ['+3'], true],
  ['Gt', '007', ['6'], true],
  ['Gt', 'ten', ['9'], false],
  ['Gt', '10', ['nine'], false],
  ['Gt', '10', [], false],
  ['Gt', '10', ['9', '8'], false],
  ['Gt', '9223372036854775807', ['9'], true],
  ['Gt', '9223372036854775808', ['9'], false],
  ['Lt', '1', ['9223372036854775808'], false],
])('%s: a label of %s and values %j', (operator, label, values, expected) => {
  expect(matches(operator, label, ...values)).toBe(expected)
})
