import { syntaxFault } from './fault.ts'
import { readString } from './text.ts'
import { type Json, putKey } from './value.ts'

export interface ExactJson {
  readonly value: Json
  /** `duplicate field "spec.a"`, each text once, as upstream's strict decoder words it. */
  readonly duplicates: readonly string[]
}

type Open =
  | { readonly kind: 'object'; readonly value: { [key: string]: Json }; key: string }
  | { readonly kind: 'array'; readonly value: Json[] }

interface Reader {
  readonly bytes: Uint8Array
  readonly maxDepth: number
  at: number
  /** What has begun and not ended, outermost first. */
  readonly open: Open[]
  readonly duplicates: Set<string>
  /** A number that no double holds. Faults of syntax come first, as Go looks for those beforehand. */
  overflow: Error | undefined
}

/** Upstream's strict decoder stops counting here. */
const maxDuplicates = 100

/**
 * Parses JSON bytes as Kubernetes' decoder does: integers keep every digit of int64, the last of equal keys wins, bad UTF-8
 * and lone surrogates become U+FFFD. Throws errors with Go's texts. Does not recurse, so depth costs no stack.
 */
export const parseExactly = (bytes: Uint8Array, maxDepth: number): ExactJson => {
  const reader: Reader = { bytes, maxDepth, at: 0, open: [], duplicates: new Set(), overflow: undefined }
  for (;;) {
    const value = readValue(reader)
    const whole = value === undefined ? undefined : settle(reader, value)
    if (whole === undefined) continue
    if (nextByte(reader) !== undefined) throw syntaxFault(bytes, reader.at, 'after top-level value')
    if (reader.overflow) throw reader.overflow
    return { value: whole, duplicates: [...reader.duplicates] }
  }
}

/** The next byte that is no white space, which is not consumed. */
const nextByte = (reader: Reader): number | undefined => {
  let c = reader.bytes[reader.at]
  while (c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09) c = reader.bytes[++reader.at]
  return c
}

/** Reads a whole scalar or empty collection, or opens a collection and gives undefined. */
const readValue = (reader: Reader): Json | undefined => {
  const { bytes } = reader
  const c = nextByte(reader)
  if (c === 0x7b || c === 0x5b) return openCollection(reader, c)
  if (c === 0x22) {
    const literal = readString(bytes, reader.at + 1)
    reader.at = literal.end
    return literal.text
  }
  if (c === 0x2d || (c !== undefined && c >= 0x30 && c <= 0x39)) return readNumber(reader)
  const word = readWord(bytes, reader.at)
  reader.at = word.end
  return word.value
}

const openCollection = (reader: Reader, opening: number): Json | undefined => {
  reader.at++
  if (reader.open.length >= reader.maxDepth) throw new Error('exceeded max depth')
  const isObject = opening === 0x7b
  if (nextByte(reader) === opening + 2) {
    reader.at++
    return isObject ? {} : []
  }
  if (isObject) {
    const object: Open = { kind: 'object', value: {}, key: '' }
    reader.open.push(object)
    readKey(reader, object)
  } else reader.open.push({ kind: 'array', value: [] })
  return undefined
}

const readKey = (reader: Reader, object: Open & { kind: 'object' }): void => {
  const { bytes, duplicates } = reader
  if (nextByte(reader) !== 0x22) throw syntaxFault(bytes, reader.at, 'looking for beginning of object key string')
  const key = readString(bytes, reader.at + 1)
  reader.at = key.end
  if (nextByte(reader) !== 0x3a) throw syntaxFault(bytes, reader.at, 'after object key')
  reader.at++
  object.key = key.text
  if (Object.hasOwn(object.value, key.text) && duplicates.size < maxDuplicates) duplicates.add(`duplicate field "${pathOf(reader.open)}"`)
}

/** Stores a finished value in what is open and closes all that ends here; the document's value once nothing is open. */
const settle = (reader: Reader, finished: Json): Json | undefined => {
  let value = finished
  for (;;) {
    const top = reader.open.at(-1)
    if (top === undefined) return value
    const isObject = top.kind === 'object'
    if (isObject) putKey(top.value, top.key, value)
    else top.value.push(value)
    const c = nextByte(reader)
    if (c !== 0x2c && c !== (isObject ? 0x7d : 0x5d))
      throw syntaxFault(reader.bytes, reader.at, isObject ? 'after object key:value pair' : 'after array element')
    reader.at++
    if (c === 0x2c) {
      if (isObject) readKey(reader, top)
      return undefined
    }
    value = top.value
    reader.open.pop()
  }
}

const pathOf = (open: readonly Open[]): string => {
  let path = ''
  for (const each of open) {
    if (each.kind === 'array') path += `[${each.value.length}]`
    else path += path === '' ? each.key : `.${each.key}`
  }
  return path
}

const words: readonly (readonly [string, Json])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
]

const readWord = (bytes: Uint8Array, at: number): { value: Json; end: number } => {
  const word = words.find(([text]) => text.charCodeAt(0) === bytes[at])
  if (!word) throw syntaxFault(bytes, at, 'looking for beginning of value')
  const [text, value] = word
  for (let i = 1; i < text.length; i++)
    if (bytes[at + i] !== text.charCodeAt(i)) throw syntaxFault(bytes, at + i, `in literal ${text} (expecting '${text[i]}')`)
  return { value, end: at + text.length }
}

const readNumber = (reader: Reader): Json => {
  const { bytes, at: start } = reader
  let at = start
  const isDigit = () => (bytes[at] ?? 0) >= 0x30 && (bytes[at] ?? 0) <= 0x39
  const digits = (context: string) => {
    if (!isDigit()) throw syntaxFault(bytes, at, context)
    while (isDigit()) at++
  }
  if (bytes[at] === 0x2d) at++
  if (bytes[at] === 0x30) at++
  else digits('in numeric literal')
  let whole = true
  if (bytes[at] === 0x2e) {
    whole = false
    at++
    digits('after decimal point in numeric literal')
  }
  if (bytes[at] === 0x65 || bytes[at] === 0x45) {
    whole = false
    at++
    if (bytes[at] === 0x2b || bytes[at] === 0x2d) at++
    digits('in exponent of numeric literal')
  }
  reader.at = at
  const value = numberOf(Buffer.from(bytes.buffer, bytes.byteOffset + start, at - start).toString('latin1'), whole)
  if (value instanceof Error) reader.overflow ??= value
  return value instanceof Error ? null : value
}

const int64Max = 2n ** 63n - 1n

/** Integers of int64 exactly, as bigint where a double would round; everything else is a double, as in unstructured objects. */
export const numberOf = (text: string, whole: boolean): number | bigint | Error => {
  const value = Number(text)
  if (whole && !Number.isSafeInteger(value) && text.length <= 20) {
    const exact = BigInt(text)
    if (exact <= int64Max && exact >= -int64Max - 1n) return exact
  }
  if (!Number.isFinite(value)) return new Error(`json: cannot unmarshal number ${text} into Go value of type float64`)
  return whole && value === 0 ? 0 : value
}
