import { constants, deflateSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { createDecoder } from './decoder.ts'
import { headerDictionary, headerDictionaryId } from './dictionary.ts'
import { encodeFrame, type SpdyFrame } from './frames.ts'
import { createHeaderReader, createHeaderWriter, type SpdyHeaders } from './header-block.ts'

/** A small seeded generator (mulberry32), so that a failure names the seed that replays it. */
const seeded = (seed: number) => {
  let state = seed
  return (below: number): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}
type Random = ReturnType<typeof seeded>

const adler32 = (bytes: Buffer): number => {
  let a = 1
  let b = 0
  for (const byte of bytes) {
    a = (a + byte) % 65_521
    b = (b + a) % 65_521
  }
  return ((b << 16) | a) >>> 0
}

const someHeaders = (random: Random): SpdyHeaders =>
  new Map(
    Array.from({ length: random(5) }, (_, i) => [
      ['streamtype', 'port', 'requestid', '__proto__', 'überschrift'][i] ?? '',
      ['stdin', 'error', '8080', 'ключ', '', 'x'.repeat(random(3_000))][random(6)] ?? '',
    ]),
  )

const someFrame = (random: Random): SpdyFrame => {
  const streamId = 1 + random(2_000_000_000)
  const fin = random(2) === 0
  const kinds: (() => SpdyFrame)[] = [
    () => ({ type: 'data', streamId, fin, bytes: Buffer.from(Array.from({ length: random(400) }, () => random(256))) }),
    () => ({
      type: 'syn-stream',
      streamId,
      associatedTo: random(9),
      priority: random(8),
      fin,
      unidirectional: random(2) === 0,
      headers: someHeaders(random),
    }),
    () => ({ type: 'syn-reply', streamId, fin, headers: someHeaders(random) }),
    () => ({ type: 'headers', streamId, fin, headers: someHeaders(random) }),
    () => ({ type: 'rst-stream', streamId, status: 1 + random(11) }),
    () => ({
      type: 'settings',
      values: new Map(
        [
          [4, random(1_000)],
          [7, random(2 ** 31)],
        ].slice(random(3)) as [number, number][],
      ),
    }),
    () => ({ type: 'ping', id: streamId }),
    () => ({ type: 'go-away', lastStreamId: streamId, status: random(3) }),
    () => ({ type: 'window-update', streamId: random(2) * streamId, deltaBytes: random(2 ** 31) }),
  ]
  return kinds[random(kinds.length)]?.() ?? { type: 'ping', id: 1 }
}

/** Portions of one DATA frame put together again, so that frames can be compared. */
const joinData = (frames: readonly SpdyFrame[], ends: readonly number[]): SpdyFrame[] => {
  const joined: SpdyFrame[] = []
  let left = 0
  let next = 0
  for (const frame of frames) {
    const last = joined.at(-1)
    if (frame.type === 'data' && left > 0 && last?.type === 'data')
      joined[joined.length - 1] = { ...frame, bytes: Buffer.concat([last.bytes, frame.bytes]) }
    else {
      if (frame.type === 'data') left = ends[next++] ?? 0
      joined.push(frame)
    }
    if (frame.type === 'data') left -= frame.bytes.length
  }
  return joined
}

test('the dictionary is the one of SPDY/3', () => {
  expect(headerDictionary.length).toBe(1_423)
  expect(adler32(headerDictionary)).toBe(headerDictionaryId)
})

test('any sequence of frames survives any chunking', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = seeded(seed)
    const frames = Array.from({ length: 1 + random(20) }, () => someFrame(random))
    const compress = createHeaderWriter()
    const wire = Buffer.concat(frames.map((frame) => encodeFrame(frame, compress)))
    const decode = createDecoder()
    const seen: SpdyFrame[] = []
    for (let at = 0; at < wire.length; ) {
      const size = 1 + random([1, 9, 300, 5_000][random(4)] ?? 1)
      seen.push(...decode(Buffer.from(wire.subarray(at, at + size))))
      at += size
    }
    const lengths = frames.flatMap((frame) => (frame.type === 'data' ? [frame.bytes.length] : []))
    expect(joinData(seen, lengths), `seed ${seed}`).toEqual(frames)
  }
})

test('header blocks look back over 32 KiB of earlier ones, as one zlib stream', () => {
  const write = createHeaderWriter()
  const read = createHeaderReader(100_000)
  const random = seeded(7)
  let compressed = 0
  for (let i = 0; i < 300; i++) {
    const headers = new Map([
      ['streamtype', 'data'],
      ['port', '8080'],
      ['requestid', String(i)],
      ['noise', 'ab'.repeat(random(900))],
    ])
    const block = write(headers)
    compressed += block.length
    expect(read(block)).toEqual(headers)
  }
  expect(compressed).toBeLessThan(300 * 60)
})

test('a block of another compressor, with the dictionary and a sync flush, is read', () => {
  const plain = Buffer.from('\0\0\0\x01\0\0\0\x0astreamtype\0\0\0\x05error', 'latin1')
  const block = deflateSync(plain, { dictionary: headerDictionary, finishFlush: constants.Z_SYNC_FLUSH, level: 9 })
  expect(createHeaderReader(1_000)(block)).toEqual(new Map([['streamtype', 'error']]))
})

const synStream = (block: Buffer): Buffer => {
  const head = Buffer.from([0x80, 3, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0])
  head.writeUIntBE(10 + block.length, 5, 3)
  return Buffer.concat([head, block])
}
const bomb = deflateSync(Buffer.alloc(12_000_000), { dictionary: headerDictionary, finishFlush: constants.Z_SYNC_FLUSH })
const lies = (plain: readonly number[]) =>
  deflateSync(Buffer.from(plain), { dictionary: headerDictionary, finishFlush: constants.Z_SYNC_FLUSH })

test.each([
  ['a control frame of 16 MB', Buffer.from([0x80, 3, 0, 1, 0, 0xff, 0xff, 0xff])],
  ['version 2', Buffer.from([0x80, 2, 0, 1, 0, 0, 0, 10])],
  ['a syn-stream without its ids', Buffer.from([0x80, 3, 0, 1, 0, 0, 0, 2, 0, 0])],
  ['a ping of 5 bytes', Buffer.from([0x80, 3, 0, 6, 0, 0, 0, 5, 0, 0, 0, 1, 0])],
  ['settings that count more than there are', Buffer.from([0x80, 3, 0, 4, 0, 0, 0, 4, 0xff, 0xff, 0xff, 0xff])],
  ['data for stream 0', Buffer.from([0, 0, 0, 0, 0, 0, 0, 1, 0])],
  ['headers that are not zlib', synStream(Buffer.from('nonsense'))],
  ['headers with bad deflate bits', synStream(Buffer.concat([createHeaderWriter()(new Map()).subarray(0, 6), Buffer.alloc(20, 0xff)]))],
  ['headers of another dictionary', synStream(Buffer.from([0x78, 0xbb, 1, 2, 3, 4, 0]))],
  ['a zip bomb', synStream(bomb)],
  ['four thousand million headers', synStream(lies([0xff, 0xff, 0xff, 0xff]))],
  ['a name longer than the block', synStream(lies([0, 0, 0, 1, 0x7f, 0xff, 0xff, 0xff, 97]))],
  ['an empty name', synStream(lies([0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]))],
  ['a doubled name', synStream(lies([0, 0, 0, 2, 0, 0, 0, 1, 97, 0, 0, 0, 0, 0, 0, 0, 1, 65, 0, 0, 0, 0]))],
])('%s is refused', (_name, wire) => {
  expect(() => createDecoder()(wire)).toThrow(/^SPDY: /)
})

test('unknown control frames are skipped', () => {
  const decode = createDecoder()
  const wire = Buffer.concat([Buffer.from([0x80, 3, 0, 99, 0, 0, 0, 3, 1, 2, 3]), Buffer.from([0x80, 3, 0, 6, 0, 0, 0, 4, 0, 0, 0, 5])])
  expect([...wire].flatMap((byte) => decode(Buffer.from([byte])))).toEqual([{ type: 'ping', id: 5 }])
})
