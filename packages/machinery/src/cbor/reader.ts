/** Tag 55799, which encloses all that upstream writes. */
export const selfDescribed = Buffer.from([0xd9, 0xd9, 0xf7])

export interface Reader {
  readonly bytes: Buffer
  at: number
}

/** What stands before an item's content. */
export interface Head {
  readonly major: number
  /** The five bits beside the major type; 31 stands for an indefinite length. */
  readonly info: number
  readonly argument: number | bigint
}

export const majorNames = ['positive integer', 'negative integer', 'byte string', 'UTF-8 text string', 'array', 'map', 'tag', 'primitives']

const cutOff = (): Error => new Error('unexpected EOF')
export const unacceptable = (major: number, why: string): Error =>
  new Error(`cbor: data item of cbor type ${majorNames[major]} is not accepted by protocol: ${why}`)

/** Reads `size` bytes and goes on behind them. */
export const take = (reader: Reader, size: number | bigint): Buffer => {
  if (size > reader.bytes.length - reader.at) throw cutOff()
  reader.at += Number(size)
  return reader.bytes.subarray(reader.at - Number(size), reader.at)
}

export const peek = (reader: Reader): number => {
  const byte = reader.bytes[reader.at]
  if (byte === undefined) throw cutOff()
  return byte
}

export const takeHead = (reader: Reader): Head => {
  const first = peek(reader)
  reader.at++
  const major = first >> 5
  const info = first & 31
  if (info < 24) return { major, info, argument: info }
  if (info < 28) return { major, info, argument: argumentOf(take(reader, 2 ** (info - 24))) }
  if (info === 31 && major === 7) throw new Error('cbor: unexpected "break" code')
  if (info === 31 && major > 1 && major < 6) return { major, info, argument: 0 }
  throw new Error(`cbor: invalid additional information ${info} for type ${majorNames[major]}`)
}

const argumentOf = (bytes: Buffer): number | bigint => {
  if (bytes.length < 8) return bytes.readUIntBE(0, bytes.length)
  const large = bytes.readBigUInt64BE()
  return large <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(large) : large
}

/** True when an indefinite item ends here, whose mark is then read. */
export const takeBreak = (reader: Reader): boolean => {
  if (peek(reader) !== 0xff) return false
  reader.at++
  return true
}
