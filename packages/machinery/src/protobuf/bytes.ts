/**
 * A buffer that fills from its end, so that a message's length is known before it is written. What is written last stands first:
 * callers write fields in falling order of their numbers, and a field's value before its tag.
 */
export interface Writer {
  buffer: Buffer
  /** Where the written bytes begin. */
  at: number
}

export const createWriter = (size = 1024): Writer => ({ buffer: Buffer.allocUnsafe(size), at: size })

/** The bytes written since `end`, as a copy that the writer no longer knows. */
export const writtenBytes = (writer: Writer): Buffer => Buffer.from(writer.buffer.subarray(writer.at))

const reserve = (writer: Writer, size: number): void => {
  if (writer.at >= size) return
  const written = writer.buffer.length - writer.at
  const grown = Buffer.allocUnsafe(Math.max(writer.buffer.length * 2, written + size + 64))
  writer.buffer.copy(grown, grown.length - written, writer.at)
  writer.at = grown.length - written
  writer.buffer = grown
}

export const putBytes = (writer: Writer, bytes: Uint8Array): void => {
  reserve(writer, bytes.length)
  writer.at -= bytes.length
  writer.buffer.set(bytes, writer.at)
}

export const putText = (writer: Writer, text: string): void => {
  const length = Buffer.byteLength(text)
  reserve(writer, length)
  writer.at -= length
  writer.buffer.write(text, writer.at, length)
}

/** An unsigned number below 2^53. */
export const putVarint = (writer: Writer, value: number): void => {
  reserve(writer, 10)
  let size = 1
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++
  writer.at -= size
  let at = writer.at
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) writer.buffer[at++] = (rest % 128) | 128
  writer.buffer[at] = rest
}

/** A signed integer; negative ones take ten bytes, as int32 and int64 do. */
export const putInteger = (writer: Writer, value: number | bigint): void => {
  if (typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER) return void putVarint(writer, value)
  reserve(writer, 10)
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, BigInt(value))
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  bytes.push(Number(rest))
  putBytes(writer, Uint8Array.from(bytes))
}

export const putDouble = (writer: Writer, value: number): void => {
  reserve(writer, 8)
  writer.at -= 8
  writer.buffer.writeDoubleLE(value, writer.at)
}

/** What stands before a field's value: its number and wire type (0 varint, 1 eight bytes, 2 length and bytes). */
export const putTag = (writer: Writer, number: number, wire: 0 | 1 | 2): void => putVarint(writer, number * 8 + wire)

/** Ends a field of bytes that began when the writer stood at `end` bytes from the buffer's end. */
export const putLength = (writer: Writer, number: number, writtenBefore: number): void => {
  putVarint(writer, writer.buffer.length - writer.at - writtenBefore)
  putTag(writer, number, 2)
}
export const written = (writer: Writer): number => writer.buffer.length - writer.at

/** Reads one message's fields in order. */
export interface Reader {
  readonly bytes: Buffer
  at: number
  readonly end: number
}

const cutOff = (): Error => new Error('unexpected EOF')
export const readerOf = (bytes: Uint8Array): Reader => ({
  bytes: Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  at: 0,
  end: bytes.length,
})

/** An unsigned number; what is above 2^53 is a bigint of 64 bits. */
export const takeVarint = (reader: Reader): number | bigint => {
  let value = 0
  let scale = 1
  for (let count = 0; count < 7; count++) {
    if (reader.at >= reader.end) throw cutOff()
    const byte = reader.bytes[reader.at++] as number
    value += (byte & 127) * scale
    if (byte < 128) return value
    scale *= 128
  }
  let large = BigInt(value)
  for (let shift = 49n; shift < 70n; shift += 7n) {
    if (reader.at >= reader.end) throw cutOff()
    const byte = reader.bytes[reader.at++] as number
    large |= BigInt(byte & 127) << shift
    if (byte < 128) return large <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(large) : BigInt.asUintN(64, large)
  }
  throw new Error('proto: integer overflow')
}

/** A signed integer; a bigint where a number does not hold it. */
export const takeInteger = (reader: Reader): number | bigint => {
  const value = takeVarint(reader)
  if (typeof value === 'number') return value
  const signed = BigInt.asIntN(64, value)
  return signed >= BigInt(Number.MIN_SAFE_INTEGER) && signed <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(signed) : signed
}

/** The bytes of a field of wire type 2, as a reader of their own. */
export const takeBytes = (reader: Reader): Reader => {
  const length = Number(takeVarint(reader))
  const { bytes, at } = reader
  if (at + length > reader.end) throw cutOff()
  reader.at += length
  return { bytes, at, end: at + length }
}

export const textOf = ({ bytes, at, end }: Reader): string => bytes.toString('utf8', at, end)

export const takeDouble = (reader: Reader): number => {
  if (reader.at + 8 > reader.end) throw cutOff()
  reader.at += 8
  return reader.bytes.readDoubleLE(reader.at - 8)
}

/** Number and wire type of the next field. */
export const takeTag = (reader: Reader): { readonly number: number; readonly wire: number } => {
  const tag = Number(takeVarint(reader))
  const number = Math.floor(tag / 8)
  const wire = tag % 8
  if (number === 0) throw new Error(`proto: illegal tag ${number} (wire type ${wire})`)
  return { number, wire }
}

/** Passes over a field that nobody knows. */
export const skipField = (reader: Reader, wire: number): void => {
  switch (wire) {
    case 0:
      takeVarint(reader)
      return
    case 1:
      takeDouble(reader)
      return
    case 2:
      takeBytes(reader)
      return
    case 5:
      if (reader.at + 4 > reader.end) throw cutOff()
      reader.at += 4
      return
    default:
      throw new Error(`proto: illegal wireType ${wire}`)
  }
}
