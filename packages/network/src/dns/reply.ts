import { type BadQuery, FLAG, HEADER_BYTES, type Query } from './query.ts'
import { RCODE, type Rr, TYPE } from './wire.ts'

/** What is said to a question; made once and shared by all who ask. */
export interface Answer {
  readonly rcode: number
  readonly answers: readonly Rr[]
  readonly authority: readonly Rr[]
  readonly additional: readonly Rr[]
  /** The answers end in a CNAME to this name, which is not of the cluster: whoever asks for addresses wants them too. */
  readonly elsewhere?: string
}

/** Without EDNS0 a datagram ends here (RFC 1035). */
export const PLAIN_BYTES = 512
/** What is offered to clients, and accepted from them: larger datagrams get lost in pieces. */
export const EDNS_BYTES = 4_096
export const TCP_BYTES = 65_535
const OPT_BYTES = 11

/** How many bytes of reply this client takes. */
export const limitFor = (query: Query, overTcp: boolean): number =>
  overTcp ? TCP_BYTES : query.edns === undefined ? PLAIN_BYTES : Math.min(EDNS_BYTES, Math.max(PLAIN_BYTES, query.edns.size))

/**
 * Writes a reply. Additional records that do not fit are left out silently; answers that do not fit are left out with the truncated
 * bit set. `turn` rotates the addresses, so that clients that take the first one share the load.
 */
export const encodeReply = (packet: Buffer, query: Query, answer: Answer, limitBytes: number, turn = 0): Buffer => {
  const space = limitBytes - (query.edns === undefined ? 0 : OPT_BYTES)
  const fixed = query.questionEnd + sum(answer.authority)
  const answers = fit(answer.answers, space - fixed)
  const additional = answers.count < answer.answers.length ? NONE : fit(answer.additional, space - fixed - answers.bytes)
  const out = Buffer.allocUnsafe(fixed + answers.bytes + additional.bytes + (limitBytes - space))
  const truncated = answers.count < answer.answers.length ? FLAG.truncated : 0
  const recursion = (query.flags & (FLAG.recursionDesired | FLAG.checkingDisabled)) | FLAG.recursionAvailable
  out.writeUInt16BE(query.id, 0)
  out.writeUInt16BE(FLAG.reply | FLAG.authoritative | truncated | recursion | answer.rcode, 2)
  out.writeUInt16BE(1, 4)
  out.writeUInt16BE(answers.count, 6)
  out.writeUInt16BE(answer.authority.length, 8)
  out.writeUInt16BE(additional.count + (query.edns === undefined ? 0 : 1), 10)
  packet.copy(out, HEADER_BYTES, HEADER_BYTES, query.questionEnd)
  let at = writeAll(out, query.questionEnd, answer.answers, answers.count, isAddresses(answer.answers) ? turn : 0)
  at = writeAll(out, at, answer.authority, answer.authority.length, 0)
  at = writeAll(out, at, answer.additional, additional.count, 0)
  if (query.edns !== undefined) writeOpt(out, at, 0, query.edns.dnssecOk)
  return out
}

/** The reply to a query that is refused as such. */
export const encodeError = (packet: Buffer, { id, flags, questionEnd, rcode }: BadQuery): Buffer => {
  const extended = rcode > 15
  const out = Buffer.alloc(questionEnd + (extended ? OPT_BYTES : 0))
  out.writeUInt16BE(id, 0)
  out.writeUInt16BE(FLAG.reply | (flags & (FLAG.opcode | FLAG.recursionDesired)) | FLAG.recursionAvailable | (rcode & 15), 2)
  out.writeUInt16BE(questionEnd > HEADER_BYTES ? 1 : 0, 4)
  out.writeUInt16BE(extended ? 1 : 0, 10)
  packet.copy(out, HEADER_BYTES, HEADER_BYTES, questionEnd)
  if (extended) writeOpt(out, questionEnd, rcode, false)
  return out
}

/** An OPT record with our own size; `rcode` gives its upper bits. Returns where it ends. */
export const writeOpt = (out: Buffer, at: number, rcode: number, dnssecOk: boolean): number => {
  out[at] = 0
  out.writeUInt16BE(TYPE.OPT, at + 1)
  out.writeUInt16BE(EDNS_BYTES, at + 3)
  out.writeUInt32BE(((rcode >> 4) << 24) | (dnssecOk ? 0x8000 : 0), at + 5)
  out.writeUInt16BE(0, at + 9)
  return at + OPT_BYTES
}

export const noSuchName = (soa: Rr): Answer => ({ rcode: RCODE.noSuchName, answers: [], authority: [soa], additional: [] })
export const noData = (soa: Rr): Answer => ({ rcode: RCODE.ok, answers: [], authority: [soa], additional: [] })

const NONE = { count: 0, bytes: 0 }

const sizeOf = (rr: Rr): number => (rr.name === undefined ? 2 : rr.name.length) + rr.body.length
const sum = (all: readonly Rr[]): number => {
  let bytes = 0
  for (const rr of all) bytes += sizeOf(rr)
  return bytes
}

/** All addresses of one family, so that rotation changes neither the count that fits nor a CNAME's place before its target. */
const isAddresses = (all: readonly Rr[]): boolean => {
  const first = all[0]
  if (first === undefined || all.length < 2 || (first.type !== TYPE.A && first.type !== TYPE.AAAA)) return false
  for (const rr of all) if (rr.type !== first.type || rr.name !== undefined) return false
  return true
}

const fit = (all: readonly Rr[], space: number): { count: number; bytes: number } => {
  let bytes = 0
  let count = 0
  for (const rr of all) {
    const next = bytes + sizeOf(rr)
    if (next > space) break
    bytes = next
    count++
  }
  return { count, bytes }
}

/** The question's name stands at byte 12 of every reply. */
const QUESTION_NAME = 0xc00c

const writeAll = (out: Buffer, start: number, all: readonly Rr[], count: number, turn: number): number => {
  let at = start
  for (let index = 0; index < count; index++) {
    const rr = all[(index + turn) % all.length]
    if (rr === undefined) continue
    if (rr.name === undefined) at = out.writeUInt16BE(QUESTION_NAME, at)
    else at += rr.name.copy(out, at)
    at += rr.body.copy(out, at)
  }
  return at
}
