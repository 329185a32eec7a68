import { randomFillSync } from 'node:crypto'
import { FLAG, HEADER_BYTES, type Query, skipName } from '../query.ts'
import { TCP_BYTES, writeOpt } from '../reply.ts'
import { RCODE, TYPE } from '../wire.ts'

/** An upstream server's reply, without its OPT record, as it is kept and sent on. */
export interface Upstream {
  readonly message: Buffer
  /** Where each record's time to live stands in it. */
  readonly ttlOffsets: readonly number[]
  /** How long it may be kept, as the records say; 0 for what must not be kept. */
  readonly keepSeconds: number
}

/** The bits of a query that change what is answered, and go on to the upstream server. */
const PASSED = FLAG.recursionDesired | FLAG.authenticData | FLAG.checkingDisabled

/** What queries must share so that one reply serves all of them. */
export const forwardKey = (query: Query): string => `${query.name} ${query.type} ${query.flags & PASSED} ${query.edns?.dnssecOk ? 1 : 0}`

/** The question of a client as our own query: same name in the same letters, own EDNS size, nothing else. The id is set on sending. */
export const forwardedQuery = (packet: Buffer, query: Query): Buffer => {
  const out = Buffer.alloc(query.questionEnd + 11)
  out.writeUInt16BE(query.flags & PASSED, 2)
  out.writeUInt16BE(1, 4)
  out.writeUInt16BE(1, 10)
  packet.copy(out, HEADER_BYTES, HEADER_BYTES, query.questionEnd)
  writeOpt(out, query.questionEnd, 0, query.edns?.dnssecOk === true)
  return out
}

/** A query of our own, for addresses of an external name. */
export const ownQuery = (name: Buffer, type: number): Buffer => {
  const out = Buffer.alloc(HEADER_BYTES + name.length + 4 + 11)
  out.writeUInt16BE(FLAG.recursionDesired, 2)
  out.writeUInt16BE(1, 4)
  out.writeUInt16BE(1, 10)
  const at = HEADER_BYTES + name.copy(out, HEADER_BYTES)
  out.writeUInt16BE(type, at)
  out.writeUInt16BE(1, at + 2)
  writeOpt(out, at + 4, 0, false)
  return out
}

/** An id that nobody outside can guess. */
export const randomId = (): number => {
  if (nextId + 2 > ids.length) {
    randomFillSync(ids)
    nextId = 0
  }
  nextId += 2
  return ids.readUInt16BE(nextId - 2)
}
const ids = Buffer.alloc(512)
let nextId = ids.length

/** Whether `reply` answers `sent`: the id, the direction and the whole question. */
export const answersTo = (sent: Buffer, reply: Buffer): boolean => {
  const end = skipName(sent, HEADER_BYTES) + 4
  if (reply.length < end || reply.readUInt16BE(0) !== sent.readUInt16BE(0)) return false
  if (!(reply.readUInt16BE(2) & FLAG.reply) || reply.readUInt16BE(4) !== 1) return false
  for (let at = HEADER_BYTES; at < end; at++) if (lower(reply[at] ?? 0) !== lower(sent[at] ?? 0)) return false
  return true
}

/** Bytes of a name compare without regard to case; lengths and numbers below 64 are not letters. */
const lower = (byte: number): number => (byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte)

/** Takes a reply apart as far as needed; undefined when its records do not add up. */
export const dissect = (reply: Buffer): Upstream | undefined => {
  const ttlOffsets: number[] = []
  const counts = [reply.readUInt16BE(6), reply.readUInt16BE(8), reply.readUInt16BE(10)]
  let at = skipName(reply, HEADER_BYTES) + 4
  let keep = Number.POSITIVE_INFINITY
  let end = reply.length
  let additional = 0
  for (const [section, count] of counts.entries()) {
    for (let index = 0; index < count; index++) {
      const start = at
      const body = skipName(reply, start)
      if (body < 0 || body + 10 > reply.length) return undefined
      at = body + 10 + reply.readUInt16BE(body + 8)
      if (at > reply.length) return undefined
      const type = reply.readUInt16BE(body)
      if (type === TYPE.OPT) {
        // Upper bits of the code mean an error that plain codes cannot say.
        if (section !== 2 || reply[body + 4] !== 0) return undefined
        // OPT is the last one nearly always; what stands behind it is additional, so it may be left out.
        end = start
        break
      }
      ttlOffsets.push(body + 4)
      keep = Math.min(keep, reply.readUInt32BE(body + 4), section === 1 && type === TYPE.SOA ? reply.readUInt32BE(at - 4) : keep)
      if (section === 2) additional++
    }
  }
  const message = Buffer.from(reply.subarray(0, Math.min(end, at)))
  message.writeUInt16BE(additional, 10)
  return { message, ttlOffsets, keepSeconds: isKeepable(reply, counts) ? keep : 0 }
}

/** Errors, cut replies, and denials without an SOA to tell for how long are asked for again each time (RFC 2308). */
const isKeepable = (reply: Buffer, [answers = 0, authority = 0]: readonly number[]): boolean => {
  const flags = reply.readUInt16BE(2)
  const rcode = flags & 15
  if (flags & FLAG.truncated || (rcode !== RCODE.ok && rcode !== RCODE.noSuchName)) return false
  return answers > 0 || authority > 0
}

/** The reply for one client: its id, its letters, its limits, and times to live less the age. */
export const replyFrom = (upstream: Upstream, packet: Buffer, query: Query, ageSeconds: number, limitBytes: number): Buffer => {
  const { message, ttlOffsets } = upstream
  const opt = query.edns === undefined ? 0 : 11
  const whole = message.length + opt <= Math.min(limitBytes, TCP_BYTES)
  const length = whole ? message.length : query.questionEnd
  const out = Buffer.allocUnsafe(length + opt)
  message.copy(out, 0, 0, length)
  packet.copy(out, HEADER_BYTES, HEADER_BYTES, query.questionEnd)
  out.writeUInt16BE(query.id, 0)
  const flags = (message.readUInt16BE(2) & ~FLAG.recursionDesired) | (query.flags & FLAG.recursionDesired) | FLAG.recursionAvailable
  out.writeUInt16BE(whole ? flags : flags | FLAG.truncated, 2)
  if (whole) {
    if (ageSeconds > 0) for (const at of ttlOffsets) out.writeUInt32BE(Math.max(0, message.readUInt32BE(at) - ageSeconds), at)
  } else {
    out.writeUInt32BE(0, 6)
    out.writeUInt16BE(0, 10)
  }
  if (query.edns !== undefined) {
    out.writeUInt16BE(out.readUInt16BE(10) + 1, 10)
    writeOpt(out, length, 0, query.edns.dnssecOk)
  }
  return out
}
