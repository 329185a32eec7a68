import { CLASS_IN, RCODE, TYPE } from './wire.ts'

export interface Question {
  /** Lower case, without the last dot; the root is ''. A byte that no name of ours can hold appears as NUL. */
  readonly name: string
  readonly type: number
}

/** A query as received. Offsets are into the packet, whose bytes go back unchanged, so that the case of the name is preserved. */
export interface Query extends Question {
  readonly id: number
  /** The second header word; see FLAG. */
  readonly flags: number
  /** The question's bytes lie from 12 to here. */
  readonly questionEnd: number
  readonly edns?: { readonly size: number; readonly dnssecOk: boolean }
}

/** A query that gets no answer but an error: what is known of it, and which error. */
export interface BadQuery {
  readonly id: number
  readonly flags: number
  readonly questionEnd: number
  readonly rcode: number
}

export const FLAG = {
  reply: 0x8000,
  opcode: 0x7800,
  authoritative: 0x0400,
  truncated: 0x0200,
  recursionDesired: 0x0100,
  recursionAvailable: 0x0080,
  authenticData: 0x0020,
  checkingDisabled: 0x0010,
} as const
export const HEADER_BYTES = 12

/** Reads one query. Undefined: not even an error is due (too short, or itself a reply, which could go round for ever). */
export const decodeQuery = (packet: Buffer): Query | BadQuery | undefined => {
  if (packet.length < HEADER_BYTES) return undefined
  const id = packet.readUInt16BE(0)
  const flags = packet.readUInt16BE(2)
  if (flags & FLAG.reply) return undefined
  const bad = (rcode: number, questionEnd = HEADER_BYTES): BadQuery => ({ id, flags, rcode, questionEnd })
  if (flags & FLAG.opcode) return bad(RCODE.notImplemented)
  if (packet.readUInt16BE(4) !== 1 || packet.readUInt16BE(6) !== 0) return bad(RCODE.formatError)
  const nameEnd = readName(packet)
  if (nameEnd < 0 || nameEnd + 4 > packet.length) return bad(RCODE.formatError)
  const questionEnd = nameEnd + 4
  const type = packet.readUInt16BE(nameEnd)
  const edns = readEdns(packet, questionEnd)
  if (edns === 'malformed') return bad(RCODE.formatError, questionEnd)
  if (edns !== undefined && edns.version !== 0) return bad(RCODE.badVersion, questionEnd)
  if (packet.readUInt16BE(nameEnd + 2) !== CLASS_IN || type === TYPE.AXFR || type === TYPE.IXFR) return bad(RCODE.refused, questionEnd)
  return { id, flags, name: nameText(), type, questionEnd, edns }
}

/** The name that readName met last. One packet is read at a time, so one piece of memory serves all. */
const scratch = Buffer.alloc(256)
let scratchLength = 0
const nameText = (): string => scratch.toString('latin1', 0, scratchLength)

/** Reads the question's name into scratch; where it ends, or -1. Pointers have nothing to point to yet, so they are malformed here. */
const readName = (packet: Buffer): number => {
  let at = HEADER_BYTES
  scratchLength = 0
  for (;;) {
    const length = packet[at] ?? 255
    if (length === 0) return at + 1
    // The wire form of a name has at most 255 bytes, its last zero among them.
    if (length > 63 || at + length + 2 - HEADER_BYTES > 255 || at + length + 1 >= packet.length) return -1
    if (scratchLength > 0) scratch[scratchLength++] = DOT
    for (let from = at + 1; from <= at + length; from++) scratch[scratchLength++] = plain(packet[from] ?? 0)
    at += length + 1
  }
}

const DOT = 0x2e
/** ASCII lower case; a dot within a label, which text could not tell from a border, becomes NUL. */
const plain = (byte: number): number => (byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte === DOT ? 0 : byte)

/** The OPT record, if the query has one; the records before it (a TSIG may follow) are only stepped over. */
const readEdns = (packet: Buffer, start: number): { size: number; version: number; dnssecOk: boolean } | 'malformed' | undefined => {
  let left = packet.readUInt16BE(8) + packet.readUInt16BE(10)
  let at = start
  for (; left > 0; left--) {
    const body = skipName(packet, at)
    if (body < 0 || body + 10 > packet.length) return 'malformed'
    const end = body + 10 + packet.readUInt16BE(body + 8)
    if (end > packet.length) return 'malformed'
    if (packet.readUInt16BE(body) === TYPE.OPT) {
      if (body !== at + 1) return 'malformed'
      return { size: packet.readUInt16BE(body + 2), version: packet[body + 5] ?? 0, dnssecOk: ((packet[body + 6] ?? 0) & 0x80) !== 0 }
    }
    at = end
  }
  return undefined
}

/** Where the name at `at` ends, without following pointers; -1 when it leaves the packet. */
export const skipName = (packet: Buffer, at: number): number => {
  for (let here = at; here < packet.length; ) {
    const length = packet[here] ?? 0
    if (length === 0) return here + 1
    if (length >= 0xc0) return here + 2 <= packet.length ? here + 2 : -1
    if (length > 63) return -1
    here += length + 1
  }
  return -1
}
