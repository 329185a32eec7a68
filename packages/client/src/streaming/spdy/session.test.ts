import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { finished, pipeline } from 'node:stream/promises'
import { systemEnv } from '@skiff/machinery'
import { afterEach, expect, test } from 'vitest'
import { socketPair } from '../loopback.ts'
import { createDecoder } from './decoder.ts'
import { encodeFrame, resetStatus, type SpdyFrame } from './frames.ts'
import { createHeaderWriter } from './header-block.ts'
import { createSpdySession, type SessionOptions, type SpdySession } from './session.ts'
import type { SpdyStream } from './stream.ts'

const env = systemEnv()
const open: Socket[] = []
afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy()
})

interface Pair {
  readonly client: SpdySession
  readonly server: SpdySession
  readonly sockets: [Socket, Socket]
}
const pair = async (onStream: (stream: SpdyStream) => boolean, options: Partial<SessionOptions> = {}): Promise<Pair> => {
  const sockets = await socketPair()
  open.push(...sockets)
  const server = createSpdySession(sockets[1], { role: 'server', env, onStream, ...options })
  return { client: createSpdySession(sockets[0], { role: 'client', env }), server, sockets }
}
/** The other side as bare frames. */
const bare = async (options: Partial<SessionOptions> = {}) => {
  const [near, far] = await socketPair()
  open.push(near, far)
  const session = createSpdySession(far, { role: 'server', env, ...options })
  const compress = createHeaderWriter()
  const decode = createDecoder()
  const seen: SpdyFrame[] = []
  near.on('data', (chunk) => seen.push(...decode(chunk)))
  near.on('error', () => {})
  const synStream = (streamId: number): SpdyFrame => ({
    type: 'syn-stream',
    streamId,
    associatedTo: 0,
    priority: 0,
    fin: false,
    unidirectional: false,
    headers: new Map([['streamtype', 'data']]),
  })
  return { near, far, session, seen, synStream, send: (frame: SpdyFrame) => near.write(encodeFrame(frame, compress)) }
}
const echo = (stream: SpdyStream): boolean => {
  stream.pipe(stream)
  return true
}

test('a stream carries its headers, bytes both ways, and closes one direction at a time', async () => {
  const { client, server } = await pair((stream) => {
    void text(stream).then((said) => stream.end(`${stream.headers.get('streamtype')}:${said}`))
    return true
  })
  const stream = client.open(new Map([['streamtype', 'stdin']]))
  await stream.accepted
  stream.write('hello, ')
  stream.end('world')
  expect(await text(stream)).toBe('stdin:hello, world')
  client.close()
  expect(await client.closed).toBeUndefined()
  expect(await server.closed).toBeUndefined()
})

test('50 MB with a slow reader: few bytes wait, none is lost, and the end arrives', async () => {
  const { client, sockets } = await pair(echo)
  const stream = client.open(new Map())
  const sent = createHash('sha256')
  const got = createHash('sha256')
  let gotBytes = 0
  let peak = 0
  const source = async function* () {
    for (let i = 0; i < 50; i++) {
      const block = randomBytes(1_000_000)
      sent.update(block)
      yield block
    }
  }
  const sink = async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) {
      got.update(chunk)
      gotBytes += chunk.length
      peak = Math.max(peak, stream.readableLength + stream.writableLength + sockets[0].writableLength + sockets[1].writableLength)
      if (gotBytes % 7 === 0) await env.sleep(1)
    }
  }
  await pipeline(source, stream, sink)
  expect(gotBytes).toBe(50_000_000)
  expect(got.digest('hex')).toBe(sent.digest('hex'))
  expect(peak).toBeLessThan(4_000_000)
})

test('between two sides that keep windows a reader that stands still holds back its own stream alone', async () => {
  const { client } = await pair(echo)
  const stuck = client.open(new Map([['name', 'stuck']]))
  await stuck.accepted
  let written = 0
  const block = Buffer.alloc(100_000)
  const feed = () => {
    while (written < 20_000_000 && stuck.write(block)) written += block.length
  }
  stuck.on('drain', feed)
  feed()
  for (let i = 0; i < 3; i++) {
    const other = client.open(new Map([['name', 'other']]))
    other.end(Buffer.alloc(3_000_000, 97))
    expect((await text(other)).length).toBe(3_000_000)
  }
  expect(written).toBeLessThan(20_000_000)
  stuck.destroy()
})

test('a side that keeps no windows is sent everything, and is held back by the socket', async () => {
  let served: SpdyStream | undefined
  const { near, far, send, synStream, seen } = await bare({
    onStream: (stream) => {
      served = stream
      return true
    },
  })
  send(synStream(1))
  while (!served) await env.sleep(1)
  served.end(Buffer.alloc(5_000_000))
  const bytes = () => seen.reduce((sum, frame) => sum + (frame.type === 'data' ? frame.bytes.length : 0), 0)
  while (bytes() < 5_000_000) await once(near, 'data')
  expect(bytes()).toBe(5_000_000)
  // And the other way: what it sends past our window is not lost either, though nobody reads yet.
  for (let i = 0; i < 100; i++) send({ type: 'data', streamId: 1, fin: i === 99, bytes: Buffer.alloc(50_000, 98) })
  while (!far.isPaused()) await env.sleep(1)
  expect((await text(served)).length).toBe(5_000_000)
})

test('a window that the other side announces is kept', async () => {
  const { near, send, synStream, seen } = await bare({
    onStream: (stream) => {
      stream.end(Buffer.alloc(30_000))
      return true
    },
  })
  const bytes = () => seen.reduce((sum, frame) => sum + (frame.type === 'data' ? frame.bytes.length : 0), 0)
  send({ type: 'settings', values: new Map([[7, 10_000]]) })
  send(synStream(1))
  while (bytes() < 10_000) await once(near, 'data')
  send({ type: 'ping', id: 1 })
  while (!seen.some((frame) => frame.type === 'ping')) await once(near, 'data')
  expect(bytes()).toBe(10_000)
  send({ type: 'window-update', streamId: 1, deltaBytes: 50_000 })
  while (!seen.some((frame) => frame.type === 'data' && frame.fin)) await once(near, 'data')
  expect(bytes()).toBe(30_000)
})

test('a refused stream fails, and the session goes on', async () => {
  const { client } = await pair((stream) => stream.headers.get('port') !== '0' && echo(stream))
  await expect(client.open(new Map([['port', '0']])).accepted).rejects.toThrow('refused')
  const stream = client.open(new Map([['port', '1']]))
  stream.end('yes')
  expect(await text(stream)).toBe('yes')
  await client.ping()
})

test('a reset by the server is the end of reading, after what it sent; writes then go nowhere', async () => {
  const { client } = await pair((stream) => {
    stream.write('last words', () => stream.destroy())
    return true
  })
  const stream = client.open(new Map())
  expect(await text(stream)).toBe('last words')
  await new Promise((done) => stream.end(Buffer.alloc(3_000_000), () => done(undefined)))
})

test('a goodbye completes open streams, a lost connection fails them', async () => {
  const streams: SpdyStream[] = []
  const take = (stream: SpdyStream) => streams.push(stream) > 0
  const gentle = await pair(take)
  const whole = gentle.client.open(new Map())
  await whole.accepted
  gentle.server.close()
  expect(await text(whole)).toBe('')
  expect(await gentle.client.closed).toBeUndefined()

  const abrupt = await pair(take)
  const torn = abrupt.client.open(new Map())
  await torn.accepted
  abrupt.sockets[1].resetAndDestroy()
  await expect(finished(torn)).rejects.toThrow()
  expect(await abrupt.client.closed).toBeInstanceOf(Error)
  await expect(finished(streams[1] as SpdyStream)).rejects.toThrow()
})

test('a side that vanishes without a goodbye in the middle of a stream fails it', async () => {
  const { client, sockets } = await pair(() => true)
  const stream = client.open(new Map())
  await stream.accepted
  sockets[1].destroy()
  await expect(text(stream)).rejects.toThrow('lost before the stream ended')
})

test('a stream that nobody reads does not hold back the others', async () => {
  const { client } = await pair((stream) => {
    stream.end(Buffer.alloc(stream.headers.has('large') ? 400_000 : 10))
    return true
  })
  const large = client.open(new Map([['large', '']]))
  await large.accepted
  const small = client.open(new Map())
  expect((await text(small)).length).toBe(10)
  expect((await text(large)).length).toBe(400_000)
})

test.each([
  [
    'a stream id of the wrong side',
    [{ type: 'syn-stream', streamId: 2, associatedTo: 0, priority: 0, fin: false, unidirectional: false, headers: new Map() }],
  ],
  ['data for a stream that never was', [{ type: 'data', streamId: 77, fin: false, bytes: Buffer.alloc(1) }]],
] as [string, SpdyFrame[]][])('%s ends the session with GOAWAY', async (_name, frames) => {
  const { near, session, send, seen } = await bare()
  near.on('end', () => near.destroy())
  for (const frame of frames) send(frame)
  expect(await session.closed).toMatchObject({ name: 'SpdyError' })
  if (!near.closed) await once(near, 'close').catch(() => {})
  expect(seen.at(-1)).toMatchObject({ type: 'go-away', status: 1 })
})

test('a flood of pings that never reads its answers is ended', async () => {
  const { near, session } = await bare()
  const ping = encodeFrame({ type: 'ping', id: 1 }, createHeaderWriter())
  const pings = Buffer.concat(Array.from({ length: 50_000 }, () => ping))
  near.pause()
  let over = false
  void session.closed.then(() => {
    over = true
  })
  while (!over) {
    await new Promise((resolve) => near.write(pings, resolve))
    if (near.destroyed) break
  }
  expect((await session.closed)?.message).toContain('does not read')
})

test('streams beyond the limit are refused', async () => {
  const { near, send, synStream, seen } = await bare({ onStream: () => true, maxStreams: 3 })
  for (const id of [1, 3, 5, 7]) send(synStream(id))
  while (!seen.some((frame) => frame.type === 'rst-stream')) await once(near, 'data')
  expect(seen.filter((frame) => frame.type === 'rst-stream')).toEqual([
    { type: 'rst-stream', streamId: 7, status: resetStatus.refusedStream },
  ])
})

test('many streams that nobody reads hold the connection back before they fill the memory', async () => {
  const streams: SpdyStream[] = []
  const { near, far, send, synStream } = await bare({ onStream: (stream) => streams.push(stream) > 0 })
  const block = Buffer.alloc(200_000)
  const count = 300
  for (let i = 0; i < count; i++) {
    send(synStream(2 * i + 1))
    send({ type: 'data', streamId: 2 * i + 1, fin: true, bytes: block })
  }
  while (!far.isPaused()) await env.sleep(1)
  expect(streams.length).toBeLessThan(count)
  // They are read after all, and everything is there.
  for (let i = 0; i < count; i++) {
    while (streams.length <= i) await env.sleep(1)
    expect((await text(streams[i] as SpdyStream)).length).toBe(block.length)
  }
  near.destroy()
})

test('a flood of tiny frames costs no more than its bytes', async () => {
  let served: SpdyStream | undefined
  const { send, synStream } = await bare({
    onStream: (stream) => {
      served = stream
      return true
    },
  })
  send(synStream(1))
  for (let i = 0; i < 30_000; i++) send({ type: 'data', streamId: 1, fin: i === 29_999, bytes: Buffer.from([i % 256]) })
  while (!served) await env.sleep(1)
  const chunks: Buffer[] = []
  await env.sleep(20)
  for await (const chunk of served) chunks.push(chunk as Buffer)
  expect(Buffer.concat(chunks)).toEqual(Buffer.from(Array.from({ length: 30_000 }, (_, i) => i % 256)))
})

test('the bytes that came with the upgrade are read first', async () => {
  const [near, far] = await socketPair()
  open.push(near, far)
  const wire = encodeFrame({ type: 'ping', id: 1 }, createHeaderWriter())
  createSpdySession(far, { role: 'server', env, head: wire.subarray(0, 5) })
  near.write(wire.subarray(5))
  const decode = createDecoder()
  const seen: SpdyFrame[] = []
  for await (const chunk of near) {
    seen.push(...decode(chunk as Buffer))
    if (seen.some((frame) => frame.type === 'ping')) break
  }
  expect(seen).toContainEqual({ type: 'ping', id: 1 })
})
