import { type Json, putKey } from '../json/value.ts'
import { rfc3339 } from '../meta.ts'
import { parseTime } from '../time/timestamp.ts'
import { decodeHalf } from './float.ts'
import { type Head, majorNames, type Reader, take, takeBreak, takeHead, unacceptable } from './reader.ts'

// Upstream's limits of its decoder.
const maxDepth = 64
const mostElements = 1024

/**
 * Reads one item of application/cbor into wire JSON, as upstream reads it into an untyped value: byte strings are text, bytes of tag
 * 22 base64. Refuses keys met twice, NaN and infinities, integers beyond int64, simple values other than false, true and null.
 */
export const decodeCbor = (bytes: Uint8Array): Json => {
  if (bytes.length === 0) throw new Error('EOF')
  const reader: Reader = { bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), at: 0 }
  const value = readItem(reader, 0)
  const rest = bytes.length - reader.at
  if (rest > 0) throw new Error(`cbor: ${rest} bytes of extraneous data starting at index ${reader.at}`)
  return value
}

/** `depth` counts the arrays, maps and repeated tags around the item. */
const readItem = (reader: Reader, depth: number): Json => {
  const head = takeHead(reader)
  switch (head.major) {
    case 0:
    case 1:
      return readInteger(head)
    case 2:
      return readChunks(reader, head).toString()
    case 3:
      return readText(reader, head)
    case 4:
      return readArray(reader, head, deeper(depth))
    case 5:
      return readMap(reader, head, deeper(depth))
    case 6:
      return readTagged(reader, head, depth)
    default:
      return readPrimitive(reader, head)
  }
}

const deeper = (depth: number): number => {
  if (depth >= maxDepth) throw new Error(`cbor: exceeded max nested level ${maxDepth}`)
  return depth + 1
}

const cannot = (major: number, type: string, why = ''): Error =>
  new Error(`cbor: cannot unmarshal ${majorNames[major]} into Go value of type ${type}${why}`)

const readInteger = ({ major, argument }: Head): number | bigint => {
  const value = major === 0 ? argument : typeof argument === 'bigint' ? -1n - argument : -1 - argument
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : BigInt(value)
  if (BigInt.asIntN(64, value) !== value) throw cannot(major, 'int64', ` (${value} overflows Go's int64)`)
  return value
}

/** The content of a string; that of an indefinite one is in definite pieces of its type. */
const readChunks = (reader: Reader, { major, info, argument }: Head): Buffer => {
  if (info !== 31) return take(reader, argument)
  const chunks: Buffer[] = []
  while (!takeBreak(reader)) {
    const head = takeHead(reader)
    if (head.major !== major)
      throw new Error(`cbor: wrong element type ${majorNames[head.major]} for indefinite-length ${majorNames[major]}`)
    if (head.info === 31) throw new Error(`cbor: indefinite-length ${majorNames[major]} chunk is not definite-length`)
    chunks.push(take(reader, head.argument))
  }
  return Buffer.concat(chunks)
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const readText = (reader: Reader, head: Head): string => {
  const bytes = readChunks(reader, head)
  try {
    return strict.decode(bytes)
  } catch {
    throw new Error('cbor: invalid UTF-8 string')
  }
}

/** Whether an array or map goes on with its element of this index; `limit` is thrown above the most that are read. */
const goesOn = (reader: Reader, { info, argument }: Head, index: number, limit: string): boolean => {
  const more = info === 31 ? !takeBreak(reader) : index < argument
  const count = info === 31 ? index + 1 : argument
  if (more && count > mostElements) throw new Error(`cbor: exceeded max number of ${limit}`)
  return more
}

const readArray = (reader: Reader, head: Head, depth: number): Json => {
  const items: Json[] = []
  while (goesOn(reader, head, items.length, `elements ${mostElements} for CBOR array`)) items.push(readItem(reader, depth))
  return items
}

const readMap = (reader: Reader, head: Head, depth: number): Json => {
  const map: { [key: string]: Json } = {}
  for (let index = 0; goesOn(reader, head, index, `key-value pairs ${mostElements} for CBOR map`); index++) {
    const major = (reader.bytes[reader.at] ?? 0) >> 5
    const key = readItem(reader, depth)
    if (typeof key !== 'string') throw cannot(major, 'string')
    if (Object.hasOwn(map, key)) throw new Error(`cbor: found duplicate map key ${JSON.stringify(key)} at map element index ${index}`)
    putKey(map, key, readItem(reader, depth))
  }
  return map
}

const readTagged = (reader: Reader, { argument }: Head, depth: number): Json => {
  const next = (reader.bytes[reader.at] ?? 0) >> 5
  if (argument === 2 || argument === 3) throw unacceptable(6, 'bignum')
  if (next === 2 && (argument === 21 || argument === 22 || argument === 23)) {
    const bytes = readChunks(reader, takeHead(reader))
    return bytes.toString(argument === 21 ? 'base64url' : argument === 22 ? 'base64' : 'hex')
  }
  const value = readItem(reader, next === 6 ? deeper(depth) : depth)
  if (argument === 0) return timeOfText(value, next)
  if (argument === 1) return timeOfNumber(value, next)
  return value
}

const fraction = (nanos: number): string => (nanos === 0 ? '' : `.${String(nanos).padStart(9, '0').replace(/0+$/, '')}`)

/** RFC 3339 in its own zone, without the zeros that end a fraction. */
const timeOfText = (value: Json, major: number): string => {
  if (typeof value !== 'string') throw new Error(`cbor: tag number 0 must be followed by text string, got ${majorNames[major]}`)
  try {
    const { nanos } = parseTime(value)
    return value.replace(/[.,]\d+/, fraction(nanos)).replace(/[+-]00:00$/, 'Z')
  } catch (error) {
    throw new Error(`cbor: cannot set ${value} for time.Time: ${(error as Error).message}`)
  }
}

const timeOfNumber = (value: Json, major: number): string => {
  if (typeof value !== 'number')
    throw new Error(`cbor: tag number 1 must be followed by integer or floating-point number, got ${majorNames[major]}`)
  const seconds = Math.floor(value)
  return `${rfc3339(seconds * 1000).slice(0, -1)}${fraction(Math.trunc((value - seconds) * 1e9))}Z`
}

const readPrimitive = (reader: Reader, { info, argument }: Head): Json => {
  switch (info) {
    case 25:
      return finite(decodeHalf(Number(argument)))
    case 26:
      return finite(reader.bytes.readFloatBE(reader.at - 4))
    case 27:
      return finite(reader.bytes.readDoubleBE(reader.at - 8))
    case 24:
      if (argument < 32) throw new Error(`cbor: invalid simple value ${argument} for type primitives`)
  }
  if (argument === 20 || argument === 21) return argument === 21
  if (argument === 22) return null
  throw unacceptable(7, `simple value ${argument} is not recognized`)
}

const finite = (value: number): number => {
  if (Number.isFinite(value)) return value
  throw unacceptable(7, `floating-point ${Number.isNaN(value) ? 'NaN' : 'infinity'}`)
}
