/** One value of a DER encoding. */
export interface DerValue {
  readonly tag: number
  /** What the value holds, without its header. */
  readonly content: Buffer
  /** The whole value, header included. */
  readonly whole: Buffer
}

export const derTag = { integer: 2, bitString: 3, oid: 6, sequence: 0x30 } as const

/** Bytes that are no DER, or not what was expected there. */
export class DerError extends Error {
  override readonly name = 'DerError'
}

/** The value at the start of `bytes`, and what follows it. */
export const readValue = (bytes: Buffer): readonly [DerValue, Buffer] => {
  if (bytes.length < 2) throw new DerError('asn1: syntax error: truncated tag or length')
  const first = bytes[1] as number
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f
  if (first === 0x80 || lengthBytes > 4) throw new DerError('asn1: syntax error: length too large')
  if (bytes.length < 2 + lengthBytes) throw new DerError('asn1: syntax error: truncated tag or length')
  const length = lengthBytes === 0 ? first : bytes.readUIntBE(2, lengthBytes)
  const start = 2 + lengthBytes
  if (bytes.length < start + length) throw new DerError('asn1: syntax error: data truncated')
  const value = { tag: bytes[0] as number, content: bytes.subarray(start, start + length), whole: bytes.subarray(0, start + length) }
  return [value, bytes.subarray(start + length)]
}

/** All values that a constructed one holds. */
export const readAll = (value: DerValue, tag: number): readonly DerValue[] => {
  if (value.tag !== tag) throw new DerError("asn1: structure error: tags don't match")
  const values: DerValue[] = []
  for (let rest = value.content; rest.length > 0; ) {
    const [next, after] = readValue(rest)
    values.push(next)
    rest = after
  }
  return values
}

/** An object identifier with its dots. */
export const readOid = ({ tag, content }: DerValue): string => {
  if (tag !== derTag.oid || content.length === 0) throw new DerError("asn1: structure error: tags don't match")
  const numbers: number[] = []
  let value = 0
  for (const byte of content) {
    value = value * 128 + (byte & 0x7f)
    if (byte < 0x80) {
      numbers.push(value)
      value = 0
    }
  }
  const [head = 0, ...rest] = numbers
  const root = Math.min(Math.floor(head / 40), 2)
  return [root, head - root * 40, ...rest].join('.')
}
