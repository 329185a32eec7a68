import { expect, test } from 'vitest'
import { valueBytes } from './value-bytes.ts'

test('values keep their bytes while later ones are made, whatever their length and script', () => {
  const texts = Array.from({ length: 3000 }, (_, at) => ['a', 'ü', '漢', '😀'][at % 4]?.repeat((at * 37) % 900) ?? '')
  texts.push('漢'.repeat(100_000), '', 'x'.repeat(30_000))
  const made = texts.map(valueBytes)
  for (const [at, bytes] of made.entries()) expect(bytes.toString()).toBe(texts[at])
})
