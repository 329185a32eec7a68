import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import { headerDictionary, headerDictionaryId } from './dictionary.ts'
import { SpdyError } from './error.ts'

/**
 * Header names (lower case) and values. Several values of one name are one string with NUL between them, as on the wire.
 * A Map, because the other side chooses the names.
 */
export type SpdyHeaders = ReadonlyMap<string, string>

/** Deflate looks back at most this far. */
const windowBytes = 32_768
const blockOptions = { finishFlush: constants.Z_SYNC_FLUSH, memLevel: 2, level: 6 } as const

// All header blocks of a direction are one zlib stream, cut by a sync flush at the end of each block. node:zlib has no synchronous stream,
// but a block that ends byte-aligned can be (de)compressed alone when the bytes before it are given as its dictionary. So the whole state is
// the last 32 KiB of plain text, and the codec stays synchronous and pure.
const slide = (window: Buffer, plain: Buffer): Buffer => Buffer.concat([window, plain]).subarray(-windowBytes)

const serialise = (headers: SpdyHeaders): Buffer => {
  const fields = [...headers].flat().map((text) => Buffer.from(text, 'utf8'))
  const plain = Buffer.alloc(4 + fields.reduce((sum, field) => sum + 4 + field.length, 0))
  let at = plain.writeUInt32BE(headers.size)
  for (const field of fields) {
    at = plain.writeUInt32BE(field.length, at)
    at += field.copy(plain, at)
  }
  return plain
}

const parse = (plain: Buffer): SpdyHeaders => {
  let at = 0
  const word = (): number => {
    if (at + 4 > plain.length) throw new SpdyError('protocol', 'header block is cut short')
    at += 4
    return plain.readUInt32BE(at - 4)
  }
  const text = (): string => {
    const length = word()
    if (at + length > plain.length) throw new SpdyError('protocol', 'header block is cut short')
    at += length
    return plain.toString('utf8', at - length, at)
  }
  const headers = new Map<string, string>()
  const count = word()
  for (let i = 0; i < count; i++) {
    const name = text().toLowerCase()
    if (name === '' || headers.has(name)) throw new SpdyError('protocol', `header ${JSON.stringify(name)} is empty or doubled`)
    headers.set(name, text())
  }
  if (at !== plain.length) throw new SpdyError('protocol', 'bytes follow the header block')
  return headers
}

/** The sending half of a connection's header compression; call it once for each block, in the order of the frames. */
export const createHeaderWriter = (): ((headers: SpdyHeaders) => Buffer) => {
  let window: Buffer = headerDictionary
  let start: Buffer = Buffer.from([0x78, 0xbb, 0, 0, 0, 0]) // deflate, 32 KiB window, with a dictionary
  start.writeUInt32BE(headerDictionaryId, 2)
  return (headers) => {
    const plain = serialise(headers)
    const block = Buffer.concat([start, deflateRawSync(plain, { ...blockOptions, dictionary: window })])
    start = Buffer.alloc(0)
    window = slide(window, plain)
    return block
  }
}

/** Reads the zlib stream's own header and tells whether it uses the dictionary. */
const readStart = (block: Buffer): { dictionary: boolean; bytes: number } => {
  if (block.length < 2 || (block.readUInt8(0) & 0x0f) !== 8 || block.readUInt16BE(0) % 31 !== 0)
    throw new SpdyError('protocol', 'header compression: not a zlib stream')
  if ((block.readUInt8(1) & 0x20) === 0) return { dictionary: false, bytes: 2 }
  if (block.length < 6 || block.readUInt32BE(2) !== headerDictionaryId)
    throw new SpdyError('protocol', 'header compression: other dictionary')
  return { dictionary: true, bytes: 6 }
}

/** The receiving half. A block that inflates to more than `limitBytes`, or does not inflate, throws a SpdyError. */
export const createHeaderReader = (limitBytes: number): ((block: Buffer) => SpdyHeaders) => {
  let window: Buffer | undefined
  const inflate = (block: Buffer, dictionary: Buffer): Buffer => {
    try {
      return inflateRawSync(block, {
        finishFlush: constants.Z_SYNC_FLUSH,
        maxOutputLength: limitBytes,
        ...(dictionary.length > 0 ? { dictionary } : {}),
      })
    } catch (error) {
      throw new SpdyError('protocol', `header compression: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return (block) => {
    let body = block
    if (window === undefined) {
      const start = readStart(block)
      window = start.dictionary ? headerDictionary : Buffer.alloc(0)
      body = block.subarray(start.bytes)
    }
    const plain = inflate(body, window)
    window = slide(window, plain)
    return parse(plain)
  }
}
