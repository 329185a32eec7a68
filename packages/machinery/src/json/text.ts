import { isAscii } from 'node:buffer'
import { syntaxFault } from './fault.ts'

/** A string literal of JSON bytes: its text, and where reading goes on. */
export interface Literal {
  readonly text: string
  readonly end: number
}

const escapes: Readonly<Record<number, string>> = {
  34: '"',
  92: '\\',
  47: '/',
  98: '\b',
  102: '\f',
  110: '\n',
  114: '\r',
  116: '\t',
}

const latin1 = (bytes: Uint8Array, from: number, to: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1')

/** Reads the string literal whose opening quote is at `at - 1`. */
export const readString = (bytes: Uint8Array, at: number): Literal => {
  let end = at
  let plain = true
  for (; ; end++) {
    const c = bytes[end]
    if (c === undefined) throw syntaxFault(bytes, end, '')
    if (c === 0x22) break
    if (c === 0x5c) {
      plain = false
      end = checkEscape(bytes, end + 1)
    } else if (c < 0x20) throw syntaxFault(bytes, end, 'in string literal')
  }
  const body = bytes.subarray(at, end)
  return { text: plain && isAscii(body) ? latin1(bytes, at, end) : unescaped(body), end: end + 1 }
}

/** The last byte of the escape whose letter is at `at`. */
const checkEscape = (bytes: Uint8Array, at: number): number => {
  const c = bytes[at]
  if (c === 0x75) {
    for (let i = at + 1; i <= at + 4; i++) if (!isHex(bytes[i])) throw syntaxFault(bytes, i, 'in \\u hexadecimal character escape')
    return at + 4
  }
  if (c === undefined || escapes[c] === undefined) throw syntaxFault(bytes, at, 'in string escape code')
  return at
}

const isHex = (c: number | undefined): boolean =>
  c !== undefined && ((c >= 0x30 && c <= 0x39) || (c >= 0x41 && c <= 0x46) || (c >= 0x61 && c <= 0x66))

/** Go's reading of a literal's bytes: a lone surrogate and each byte that is not UTF-8 become U+FFFD. */
const unescaped = (body: Uint8Array): string => {
  let text = ''
  let from = 0
  for (let i = 0; i < body.length; i++) {
    if (body[i] !== 0x5c) continue
    text += goUtf8(body.subarray(from, i))
    const letter = body[++i] as number
    if (letter === 0x75) {
      text += String.fromCharCode(Number.parseInt(latin1(body, i + 1, i + 5), 16))
      i += 4
    } else text += escapes[letter]
    from = i + 1
  }
  return (text + goUtf8(body.subarray(from))).toWellFormed()
}

const goUtf8 = (bytes: Uint8Array): string => {
  if (isAscii(bytes)) return latin1(bytes, 0, bytes.length)
  let text = ''
  for (let i = 0; i < bytes.length; ) {
    const size = runeSize(bytes, i)
    text += size === 0 ? '\ufffd' : Buffer.from(bytes.buffer, bytes.byteOffset + i, size).toString('utf8')
    i += size || 1
  }
  return text
}

/** Length of the well-formed UTF-8 sequence at `at`, 0 where there is none. */
const runeSize = (bytes: Uint8Array, at: number): number => {
  const lead = bytes[at] as number
  if (lead < 0x80) return 1
  const size = lead >= 0xc2 && lead <= 0xdf ? 2 : lead >= 0xe0 && lead <= 0xef ? 3 : lead >= 0xf0 && lead <= 0xf4 ? 4 : 0
  const second = bytes[at + 1] ?? 0
  const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80
  const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf
  if (size === 0 || second < low || second > high) return 0
  for (let i = 2; i < size; i++) if (((bytes[at + i] ?? 0) & 0xc0) !== 0x80) return 0
  return size
}
