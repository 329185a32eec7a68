import { expect, test } from 'vitest'
import { encodeJson } from './encode.ts'
import * as wire from './wire-bytes.ts'

const write = (text: string): Buffer => {
  wire.begin()
  wire.text(text)
  return wire.end()
}

test('values keep their bytes while later ones are made, whatever their length and script', () => {
  const texts = Array.from({ length: 3000 }, (_, at) => ['a', 'ü', '漢', '😀'][at % 4]?.repeat((at * 37) % 900) ?? '')
  texts.push('漢'.repeat(100_000), '', 'x'.repeat(30_000), 'y'.repeat(300_000), 'z')
  const made = texts.map(write)
  for (const [at, bytes] of made.entries()) expect(bytes.toString()).toBe(texts[at])
})

test('a value is one piece across slabs', () => {
  const parts = Array.from({ length: 40_000 }, (_, at) => `part ${at},`)
  wire.begin()
  for (const part of parts) wire.ascii(part)
  expect(wire.length()).toBe(parts.join('').length)
  expect(wire.end().toString()).toBe(parts.join(''))
})

test('what a failed encoder wrote is forgotten', () => {
  wire.begin()
  wire.ascii('half of')
  expect(write('a whole').toString()).toBe('a whole')
})

test('a string is written as JSON, or not at all', () => {
  const characters = Array.from({ length: 0x180 }, (_, code) => String.fromCharCode(code))
  const texts = ['', 'plain', ...characters, ...characters.map((each) => `a${each}b`), ...characters.map((each) => 'x'.repeat(300) + each)]
  for (const text of [...texts, '\u2028', '😀', '\ud800', 'y'.repeat(5000)]) {
    wire.begin()
    const isWritten = wire.string(text)
    expect(wire.end().toString()).toBe(isWritten ? encodeJson(text) : '')
  }
})
