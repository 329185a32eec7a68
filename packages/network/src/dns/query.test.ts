import { encode } from 'dns-packet'
import { describe, expect, test } from 'vitest'
import { decodeQuery } from './query.ts'
import { createRecords } from './records.ts'
import { createResolver } from './resolver.ts'
import { dissect } from './upstream/message.ts'

const query = (name: string, more: object = {}) => Buffer.from(encode({ type: 'query', id: 7, questions: [{ name, type: 'A' }], ...more }))
const patched = (packet: Buffer, at: number, ...bytes: number[]): Buffer => {
  const out = Buffer.from(packet)
  out.set(bytes, at)
  return out
}
const silentForwarder = { ask: async () => undefined, known: () => undefined, cameBack: () => false, use: () => {}, close: () => {} }

test('a question is read in lower case; its bytes stay', () => {
  expect(decodeQuery(query('Web.Default.SVC.cluster.local'))).toMatchObject({ id: 7, name: 'web.default.svc.cluster.local', type: 1 })
  expect(decodeQuery(query('.'))).toMatchObject({ name: '' })
})

test('EDNS0: size and the DNSSEC bit', () => {
  const opt = { type: 'OPT', name: '.', udpPayloadSize: 1_232, flags: 0x8000, options: [] }
  expect(decodeQuery(query('a.b', { additionals: [opt] }))).toMatchObject({ edns: { size: 1_232, dnssecOk: true } })
  expect(decodeQuery(query('a.b'))).not.toHaveProperty('edns.size')
})

describe('what is wrong is refused, or not answered at all', () => {
  const good = query('a.b')
  test.each<[string, Buffer, unknown]>([
    ['too short', good.subarray(0, 11), undefined],
    ['a reply', patched(good, 2, 0x80), undefined],
    ['another operation', patched(good, 2, 0x28), { rcode: 4 }],
    ['no question', patched(good, 5, 0), { rcode: 1 }],
    ['two questions', patched(good, 5, 2), { rcode: 1 }],
    ['cut in the name', good.subarray(0, 14), { rcode: 1 }],
    ['cut after the name', good.subarray(0, good.length - 1), { rcode: 1 }],
    ['a pointer to itself', patched(good, 12, 0xc0, 0x0c), { rcode: 1 }],
    ['class CHAOS', patched(good, good.length - 1, 3), { rcode: 5 }],
    ['zone transfer', patched(good, good.length - 3, 252), { rcode: 5 }],
    ['records promised that are missing', patched(good, 11, 9), { rcode: 1 }],
    ['a later EDNS', Buffer.concat([patched(good, 11, 1), Buffer.from([0, 0, 41, 4, 208, 0, 1, 0, 0, 0, 0])]), { rcode: 16 }],
  ])('%s', (_, packet, expected) => {
    const got = decodeQuery(packet)
    if (expected === undefined) expect(got).toBeUndefined()
    else expect(got).toMatchObject(expected as object)
  })

  test('a name of more than 255 bytes', () => {
    const label = Buffer.concat([Buffer.of(63), Buffer.alloc(63, 0x61)])
    const long = Buffer.concat([good.subarray(0, 12), label, label, label, label, Buffer.from([0, 0, 1, 0, 1])])
    expect(decodeQuery(long)).toMatchObject({ rcode: 1 })
    const fits = Buffer.concat([
      good.subarray(0, 12),
      label,
      label,
      label,
      Buffer.of(61),
      Buffer.alloc(61, 0x61),
      Buffer.from([0, 0, 1, 0, 1]),
    ])
    expect(decodeQuery(fits)).toMatchObject({ type: 1 })
  })

  test('a dot within a label is not a border', () => {
    const packet = Buffer.concat([good.subarray(0, 12), Buffer.of(3), Buffer.from('a.b'), Buffer.from([0, 0, 1, 0, 1])])
    expect(decodeQuery(packet)).toMatchObject({ name: 'a\0b' })
  })
})

/** A small generator with a seed, so that a failure can be repeated. */
const seeded = (seed: number) => () => {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
  return seed / 0x100000000
}

test('fuzz: no bytes make the decoder throw, hang, or answer what it must not', async () => {
  const resolve = createResolver(createRecords(), silentForwarder)
  const random = seeded(20_240_717)
  const pick = (below: number) => Math.floor(random() * below)
  const opt = { type: 'OPT', name: '.', udpPayloadSize: 4_096, flags: 0, options: [] }
  const bases = [query('web.default.svc.cluster.local'), query('example.org', { additionals: [opt] }), query('4.3.2.1.in-addr.arpa')]
  for (let round = 0; round < 30_000; round++) {
    const base = bases[pick(bases.length)] as Buffer
    const packet =
      round % 4 === 0
        ? Buffer.from(Array.from({ length: pick(64) }, () => pick(256)))
        : Buffer.from(base.subarray(0, base.length - (pick(4) === 0 ? pick(base.length) : 0)))
    for (let change = pick(5); change > 0 && packet.length > 0; change--) packet[pick(packet.length)] = pick(256)
    const reply = await resolve(packet, random() < 0.5)
    if (reply === undefined) expect(packet.length < 12 || (packet.readUInt16BE(2) & 0x8000) !== 0).toBe(true)
    else {
      expect(reply.readUInt16BE(0)).toBe(packet.readUInt16BE(0))
      expect(reply.readUInt16BE(2) & 0x8000).toBe(0x8000)
    }
  }
})

test('fuzz: an upstream reply that lies about its records is refused, not believed', () => {
  const random = seeded(99)
  const pick = (below: number) => Math.floor(random() * below)
  const answers = [
    { type: 'CNAME' as const, name: 'a.example.org', ttl: 5, data: 'b.example.org' },
    { type: 'A' as const, name: 'b.example.org', ttl: 5, data: '192.0.2.1' },
  ]
  const base = Buffer.from(encode({ type: 'response', id: 7, questions: [{ name: 'a.example.org', type: 'A' }], answers }))
  expect(dissect(base)).toMatchObject({ keepSeconds: 5 })
  let refused = 0
  for (let round = 0; round < 20_000; round++) {
    const packet = Buffer.from(base.subarray(0, base.length - (pick(2) === 0 ? pick(base.length - 12) : 0)))
    for (let change = pick(4); change > 0; change--) packet[6 + pick(packet.length - 6)] = pick(256)
    const got = dissect(packet)
    if (got === undefined) refused++
    else for (const at of got.ttlOffsets) expect(at + 4).toBeLessThanOrEqual(got.message.length)
  }
  expect(refused).toBeGreaterThan(1_000)
})
