import { expect, test } from 'vitest'
import { orderedKeys } from './ordered-keys.ts'

test('keys stay in byte order through many additions and removals', () => {
  const keys = orderedKeys()
  const model = new Set<string>()
  // A fixed walk that meets every key several times.
  for (let i = 0; i < 20_000; i += 1) {
    const key = String.fromCodePoint(97 + ((i * 7) % 5), (i * 7919) % 3_000) + ((i * 31) % 40)
    if (i % 3 === 2) {
      keys.remove(key)
      model.delete(key)
    } else {
      keys.add(key)
      model.add(key)
    }
  }
  const sorted = [...model].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  expect([...keys.from('')]).toEqual(sorted)
  expect([...keys.from('c')]).toEqual(sorted.filter((key) => key >= 'c'))
  for (const key of sorted) keys.remove(key)
  expect([...keys.from('')]).toEqual([])
  keys.add('x')
  expect([...keys.from('a')]).toEqual(['x'])
})
