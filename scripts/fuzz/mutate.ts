import { type Json, parseJson } from '@skiff/machinery'

type Random = () => number
const below = (random: Random, count: number): number => Math.floor(random() * count)
const pick = <T>(random: Random, from: readonly T[]): T => from[below(random, from.length)] as T

/** Texts that have broken decoders before. */
export const hardWords = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '10',
  '0',
  '-1',
  '9007199254740993',
  '9223372036854775808',
  '1e400',
  '1e-400',
  '-0',
  '0.1e1',
  '\\ud800',
  '\u0000',
  '\ufeff',
  '\u2028',
  'ünï',
  '😀',
  '',
  ' ',
  'null',
  'true',
  '[]',
  '{}',
  '[[[[[[[[[[[[[[[[',
  '{"a":{"a":{"a":{"a":',
  '&a',
  '*a',
  '<<: *a',
  '!!binary x',
  '$patch',
  '~1',
  '~0',
  '..',
  '/',
  '%00',
  "'",
  '"',
  '\\',
  '\n',
  '\t- ',
  '${{',
]

const hardValues: readonly Json[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  2 ** 31,
  -(2 ** 63),
  Number.MAX_SAFE_INTEGER,
  1e300,
  '',
  'a',
  '10',
  '__proto__',
  'constructor',
  [],
  {},
  [[]],
  [null],
  { a: null },
  'x'.repeat(300),
]

const nested = (depth: number, value: Json, random: Random): Json => {
  let inner = value
  for (let at = 0; at < depth; at++) inner = random() < 0.5 ? [inner] : { [pick(random, ['a', '10', 'items', '__proto__'])]: inner }
  return inner
}

/** Every place in a value that holds another. */
const placesOf = (root: Json): { readonly holder: Json[] | Record<string, Json>; readonly key: string | number }[] => {
  const places: { holder: Json[] | Record<string, Json>; key: string | number }[] = []
  const open: Json[] = [root]
  while (open.length > 0 && places.length < 5000) {
    const next = open.pop()
    if (typeof next !== 'object' || next === null) continue
    const holder = next as Json[] | Record<string, Json>
    for (const key of Array.isArray(holder) ? holder.keys() : Object.keys(holder)) {
      places.push({ holder, key })
      open.push((holder as Record<string | number, Json>)[key] as Json)
    }
  }
  return places
}

const put = (holder: object, key: string | number, value: Json): void => {
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true })
}

/** Changes one place of a JSON document: its value, its key, how often it is there. */
const changePlace = (root: Json, other: Json, words: readonly string[], random: Random): unknown => {
  const places = placesOf(root)
  if (places.length === 0) return undefined
  const { holder, key } = pick(random, places)
  const value = (holder as Record<string | number, Json>)[key] as Json
  const from = placesOf(other)
  switch (below(random, 8)) {
    case 0:
      return put(holder, key, pick(random, hardValues))
    case 1:
      return put(holder, key, pick(random, words))
    case 2:
      return Array.isArray(holder) ? holder.splice(key as number, 1) : delete holder[key as string]
    case 3: {
      if (Array.isArray(holder)) return holder.splice(key as number, 0, structuredClone(value))
      delete holder[key as string]
      return put(holder, pick(random, words), value)
    }
    case 4:
      return put(holder, key, nested(below(random, random() < 0.05 ? 400 : 12), value, random))
    case 5: {
      if (from.length === 0) return undefined
      const source = pick(random, from)
      return put(holder, key, structuredClone((source.holder as Record<string | number, Json>)[source.key] as Json))
    }
    case 6: {
      const second = pick(random, places)
      return put(holder, key, structuredClone((second.holder as Record<string | number, Json>)[second.key] as Json))
    }
    default:
      return put(holder, key, typeof value === 'string' ? value + pick(random, words) : typeof value === 'number' ? -value * 3 : [value])
  }
}

const changeJson = (input: Buffer, other: Buffer, words: readonly string[], random: Random): Buffer | undefined => {
  try {
    const root = [parseJson(input).value]
    let second: Json = null
    try {
      second = parseJson(other).value
    } catch {
      // Only a donor.
    }
    for (let left = 1 + below(random, 4); left > 0; left--) changePlace(root, second, words, random)
    const text = JSON.stringify(root[0], (_, value) => (typeof value === 'bigint' ? Number(value) : value))
    return text === undefined ? undefined : Buffer.from(text)
  } catch {
    return undefined
  }
}

const spliced = (input: Buffer, at: number, drop: number, insert: Uint8Array): Buffer =>
  Buffer.concat([input.subarray(0, at), insert, input.subarray(at + drop)])

const changeBytes = (input: Buffer, other: Buffer, words: readonly string[], random: Random): Buffer => {
  const at = below(random, input.length + 1)
  switch (below(random, 8)) {
    case 0: {
      const copy = Buffer.from(input)
      if (copy.length > 0) copy[below(random, copy.length)] = below(random, 256)
      return copy
    }
    case 1:
      return spliced(input, at, 1 + below(random, 8), Buffer.alloc(0))
    case 2:
      return spliced(input, at, 0, Buffer.from(pick(random, words)))
    case 3:
      return spliced(input, at, below(random, 6), Buffer.from(pick(random, words)))
    case 4: {
      const from = below(random, input.length + 1)
      const piece = input.subarray(from, from + 1 + below(random, 64))
      return spliced(input, at, 0, Buffer.concat(Array.from({ length: 1 + below(random, random() < 0.1 ? 200 : 4) }, () => piece)))
    }
    case 5: {
      const from = below(random, other.length + 1)
      return spliced(input, at, below(random, 16), other.subarray(from, from + below(random, 128)))
    }
    case 6:
      return input.subarray(0, at)
    default:
      return spliced(input, at, 0, Buffer.from([below(random, 256)]))
  }
}

/** A new input from one, and a second that may lend a piece. */
export const mutated = (input: Buffer, other: Buffer, words: readonly string[], random: Random): Buffer => {
  const first = input[0]
  const structured = (first === 0x7b || first === 0x5b) && random() < 0.7
  const changed = structured ? changeJson(input, other, words, random) : undefined
  let result = changed ?? input
  if (!changed) for (let left = 1 + below(random, 4); left > 0; left--) result = changeBytes(result, other, words, random)
  return result
}
