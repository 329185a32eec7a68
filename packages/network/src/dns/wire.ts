import { isIP } from 'node:net'

/** Numbers of RFC 1035 and its followers that the server handles by name. */
export const TYPE = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  HINFO: 13,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  IXFR: 251,
  AXFR: 252,
} as const
export const RCODE = { ok: 0, formatError: 1, serverFailure: 2, noSuchName: 3, notImplemented: 4, refused: 5, badVersion: 16 } as const
export const CLASS_IN = 1

/**
 * A record ready to be copied into a reply: `body` is type, class, ttl, length and data. Without `name` it belongs to the question's
 * own name, which then costs two bytes. Names within the data are never compressed.
 */
export interface Rr {
  readonly name?: Buffer
  readonly type: number
  readonly body: Buffer
}

/** A name in wire form; undefined when a label or the whole is too long or empty. */
export const encodeName = (name: string): Buffer | undefined => {
  const labels = name === '' ? [] : name.split('.')
  const parts: Buffer[] = []
  for (const label of labels) {
    const bytes = Buffer.from(label, 'latin1')
    if (bytes.length === 0 || bytes.length > 63) return undefined
    parts.push(Buffer.of(bytes.length), bytes)
  }
  const wire = Buffer.concat([...parts, Buffer.of(0)])
  return wire.length > 255 ? undefined : wire
}

/** The bytes of an address, 4 or 16 of them; undefined for anything else. */
export const addressBytes = (ip: string): Buffer | undefined => {
  const version = isIP(ip)
  if (version === 4) return Buffer.from(ip.split('.').map(Number))
  return version === 6 && !ip.includes('%') ? bytesOf6(ip) : undefined
}

const bytesOf6 = (ip: string): Buffer => {
  const [head = '', tail] = ip.split('::')
  const front = groups(head)
  const back = groups(tail ?? '')
  const out = Buffer.alloc(16)
  front.forEach((byte, at) => {
    out[at] = byte
  })
  back.forEach((byte, at) => {
    out[16 - back.length + at] = byte
  })
  return out
}

const groups = (text: string): number[] =>
  text === ''
    ? []
    : text.split(':').flatMap((group) => {
        if (group.includes('.')) return group.split('.').map(Number)
        const value = Number.parseInt(group, 16)
        return [value >> 8, value & 255]
      })

const record = (type: number, ttlSeconds: number, data: Buffer, name?: Buffer): Rr => {
  const head = Buffer.allocUnsafe(10)
  head.writeUInt16BE(type, 0)
  head.writeUInt16BE(CLASS_IN, 2)
  head.writeUInt32BE(ttlSeconds, 4)
  head.writeUInt16BE(data.length, 8)
  return { type, body: Buffer.concat([head, data]), ...(name && { name }) }
}

/** A or AAAA. */
export const addressRr = (bytes: Buffer, ttlSeconds: number, name?: Buffer): Rr =>
  record(bytes.length === 4 ? TYPE.A : TYPE.AAAA, ttlSeconds, bytes, name)

/** CNAME, PTR or NS: a record whose data is one name. */
export const nameRr = (type: number, target: Buffer, ttlSeconds: number): Rr => record(type, ttlSeconds, target)

export const srvRr = (weight: number, port: number, target: Buffer, ttlSeconds: number): Rr => {
  const head = Buffer.alloc(6)
  head.writeUInt16BE(weight, 2)
  head.writeUInt16BE(port, 4)
  return record(TYPE.SRV, ttlSeconds, Buffer.concat([head, target]))
}

export const textRr = (text: string, ttlSeconds: number): Rr =>
  record(TYPE.TXT, ttlSeconds, Buffer.concat([Buffer.of(text.length), Buffer.from(text, 'latin1')]))

/** The start of authority with the times that CoreDNS gives. */
export const soaRr = (zone: string, serial: number, ttlSeconds: number): Rr => {
  const numbers = Buffer.alloc(20)
  for (const [at, value] of [serial >>> 0, 7_200, 1_800, 86_400, ttlSeconds].entries()) numbers.writeUInt32BE(value, at * 4)
  const name = encodeName(zone) ?? Buffer.of(0)
  const [server, mailbox] = [encodeName(`ns.dns.${zone}`) ?? name, encodeName(`hostmaster.${zone}`) ?? name]
  return record(TYPE.SOA, ttlSeconds, Buffer.concat([server, mailbox, numbers]), name)
}
