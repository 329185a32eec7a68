import http2, { type ClientHttp2Session } from 'node:http2'
import { type TLSSocket, connect as tlsConnect } from 'node:tls'
import { configMap, namespace } from '@skiff/api'
import { systemEnv } from '@skiff/machinery'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { administratorToken, startTestServer, type TestServer } from '../testing/start.ts'
import { createBodies } from './read-body.ts'

// Clients that mean harm. Each attack is bounded; what is asserted is the answer, that others are served meanwhile, and what is left after.

const env = systemEnv()
let api: TestServer
const filler = 'x'.repeat(200_000)
const closers: (() => void)[] = []

beforeAll(async () => {
  api = await startTestServer({
    more: {
      tokens: [
        (token) => ({
          identity: { name: token, groups: token === administratorToken ? ['system:masters'] : [] },
          untilMs: Number.POSITIVE_INFINITY,
        }),
      ],
    },
  })
  await api.near.create(namespace, { metadata: { name: 'big' } } as never)
  for (let at = 0; at < 40; at++)
    await api.near.create(configMap, { metadata: { name: `c-${at}`, namespace: 'big' }, data: { filler } } as never)
})
afterAll(() => api.close())
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

const port = () => Number(new URL(api.url).port)
const raw = (): TLSSocket => {
  const socket = tlsConnect({ host: '127.0.0.1', port: port(), rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] })
  socket.on('error', () => {})
  closers.push(() => socket.destroy())
  return socket
}
const session = (settings: http2.Settings = {}): ClientHttp2Session => {
  const made = http2.connect(api.url, { rejectUnauthorized: false, settings })
  made.on('error', () => {})
  closers.push(() => made.destroy())
  return made
}
const head = (method: string, path: string, ...more: string[]): string =>
  [`${method} ${path} HTTP/1.1`, 'Host: x', `Authorization: Bearer ${administratorToken}`, ...more, '', ''].join('\r\n')
/** All that a server says until it ends the connection. */
const said = (socket: TLSSocket): Promise<string> =>
  new Promise((resolve) => {
    let text = ''
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    socket.on('close', () => resolve(text))
  })
/** What comes until `enough` of it is there. */
const saidUntil = (socket: TLSSocket, enough: (text: string) => boolean): Promise<string> =>
  new Promise((resolve) => {
    let text = ''
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (enough(text)) resolve(text)
    })
    socket.on('close', () => resolve(text))
  })
const othersAreServed = async (): Promise<void> => {
  expect((await api.raw('GET', '/api/v1/namespaces/big')).status).toBe(200)
}
const configMapText = (data: string) => `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":{"a":"${data}"}}`

test('a body above three megabytes is refused, however it comes', async () => {
  const text = configMapText('x'.repeat(3 * 1024 * 1024))
  const answer = await api.raw('POST', '/api/v1/namespaces/big/configmaps', text)
  expect(answer.status).toBe(413)
  expect(answer.body).toMatchObject({ reason: 'RequestEntityTooLarge', message: 'Request entity too large: limit is 3145728' })
  const chunked = await api.raw('POST', '/api/v1/namespaces/big/configmaps', text, { 'transfer-encoding': 'chunked' })
  expect(chunked.status).toBe(413)
  const stream = session().request({
    ':method': 'POST',
    ':path': '/api/v1/namespaces/big/configmaps',
    authorization: `Bearer ${administratorToken}`,
  })
  stream.on('error', () => {})
  const status = new Promise((resolve) => stream.on('response', (headers) => resolve(headers[':status'])))
  stream.end(text)
  expect(await status).toBe(413)
})

test('an object that upstream could not store is refused in its words', async () => {
  const text = JSON.stringify({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'large', annotations: {} },
    stringData: { a: 'x'.repeat(1_000_000) },
  })
  expect((await api.raw('POST', '/api/v1/namespaces/big/secrets', text)).status).toBe(201)
  const event = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: 'large' },
    involvedObject: { namespace: 'big' },
    message: 'x'.repeat(1_600_000),
  }
  const answer = await api.raw('POST', '/api/v1/namespaces/big/events', JSON.stringify(event))
  expect(answer.body).toMatchObject({ code: 500, message: 'etcdserver: request is too large' })
  expect(answer.body.reason).toBeUndefined()
})

test('keys that are set over and over are told of in headers of a bounded length', async () => {
  const text = `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: repeated\ndata:\n${'  a: b\n'.repeat(200_000)}`
  const answer = await api.raw('POST', '/api/v1/namespaces/big/configmaps', text, { 'content-type': 'application/yaml' })
  expect(answer.status).toBe(201)
  expect(answer.headers.warning).toMatch(/^299 - "yaml: unmarshal errors: {3}line 7: key \\"a\\" already set in map/)
  expect(String(answer.headers.warning).length).toBeLessThan(5000)
  const strict = await api.raw('POST', '/api/v1/namespaces/big/configmaps?fieldValidation=Strict', text, {
    'content-type': 'application/yaml',
  })
  expect(strict.status).toBe(400)
})

test('a timeout is read as upstream reads it, and met', async () => {
  expect((await api.raw('GET', '/api/v1/pods?timeout=abc')).body).toMatchObject({
    code: 400,
    message: 'invalid timeout specified in the request URL - time: invalid duration "abc"',
  })
  expect((await api.raw('GET', '/api/v1/pods?timeout=')).status).toBe(200)
  expect((await api.raw('GET', '/api/v1/pods?timeout=10h')).status).toBe(200)
  const socket = raw()
  socket.write(head('POST', '/api/v1/namespaces/big/configmaps?timeout=10ms', 'Content-Length: 100'))
  const answer = await said(socket)
  expect(answer).toMatch(/^HTTP\/1.1 504 /)
  expect(answer).toContain('"message":"Timeout: request did not complete within the allotted timeout","reason":"Timeout"')
})

test('who does not take an answer in time is broken off, and others are served', async () => {
  const stream = session({ initialWindowSize: 0 }).request({
    ':path': '/api/v1/namespaces/big/configmaps?timeout=100ms',
    authorization: `Bearer ${administratorToken}`,
  })
  stream.on('error', () => {})
  stream.pause()
  const closed = new Promise((resolve) => stream.on('close', () => resolve(stream.rstCode)))
  await othersAreServed()
  expect(await closed).toBe(http2.constants.NGHTTP2_CANCEL)
})

test.each([
  ['no HTTP', 'GARBAGE\r\n\r\n', '400 Bad Request'],
  ['a length that is no number', `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n`, '400 Bad Request'],
  ['two lengths', `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n`, '400 Bad Request'],
  ['length and chunks', `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`, '400 Bad Request'],
  ['headers without end', `GET / HTTP/1.1\r\nHost: x\r\nA: ${'x'.repeat(200_000)}`, '431 Request Header Fields Too Large'],
])('%s is answered in plain words', async (_what, text, status) => {
  const socket = raw()
  socket.write(text)
  const answer = await said(socket)
  expect(answer).toBe(`HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n${status}`)
  await othersAreServed()
})

test('chunks that are garbage end the connection', async () => {
  const socket = raw()
  socket.write(`${head('POST', '/api/v1/namespaces/big/configmaps', 'Transfer-Encoding: chunked')}zz\r\nxx\r\n`)
  expect(await said(socket)).toMatch(/^(HTTP\/1.1 400 |$)/)
  await othersAreServed()
})

test('requests one after the other without waiting are answered in order, Expect too', async () => {
  const socket = raw()
  socket.write(Array.from({ length: 20 }, (_, at) => head('GET', `/api/v1/namespaces/none-${at}`)).join(''))
  const answers = await saidUntil(socket, (text) => text.includes('none-19'))
  expect([...answers.matchAll(/"none-(\d+)\\" not found"/g)].map(([, at]) => Number(at))).toEqual(Array.from({ length: 20 }, (_, at) => at))
  const second = raw()
  second.write(
    head('POST', '/api/v1/namespaces/big/configmaps', 'Expect: 100-continue', 'Content-Type: application/json', 'Content-Length: 75'),
  )
  expect(await saidUntil(second, (text) => text.includes('100 Continue'))).toContain('HTTP/1.1 100 Continue')
})

test('a packed body is no JSON', async () => {
  const { gzipSync } = await import('node:zlib')
  const packed = gzipSync(configMapText('x')).toString('latin1')
  const answer = await api.raw('POST', '/api/v1/namespaces/big/configmaps', packed, { 'content-encoding': 'gzip' })
  expect(answer.status).toBe(400)
})

const frame = (type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer => {
  const bytes = Buffer.alloc(9)
  bytes.writeUIntBE(payload.length, 0, 3)
  bytes[3] = type
  bytes[4] = flags
  bytes.writeUInt32BE(stream, 5)
  return Buffer.concat([bytes, payload])
}
/** GET / over https of the host x. */
const getRoot = Buffer.from([0x82, 0x87, 0x84, 0x01, 0x01, 0x78])
const reset = Buffer.from([0, 0, 0, 8])
/** A connection on which frames are written by hand. */
const framed = (): { readonly socket: TLSSocket; readonly closed: Promise<string> } => {
  const socket = tlsConnect({ host: '127.0.0.1', port: port(), rejectUnauthorized: false, ALPNProtocols: ['h2'] })
  closers.push(() => socket.destroy())
  socket.on('error', () => {})
  socket.resume()
  socket.write(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(4, 0, 0)]))
  return { socket, closed: new Promise((resolve) => socket.on('close', () => resolve('closed'))) }
}

test.each<[string, (round: number) => Buffer]>([
  [
    'streams that are opened and reset',
    (round) =>
      Buffer.concat(
        Array.from({ length: 500 }, (_, at) => {
          const stream = 2 * (round * 500 + at) + 1
          return Buffer.concat([frame(1, 5, stream, getRoot), frame(3, 0, stream, reset)])
        }),
      ),
  ],
  [
    'pieces of a head that never ends',
    (round) => Buffer.concat([...(round === 0 ? [frame(1, 0, 1, getRoot)] : []), frame(9, 0, 1, Buffer.alloc(16_000, 0x82))]),
  ],
  ['windows of nothing', () => Buffer.concat(Array.from({ length: 1000 }, () => frame(8, 0, 0, Buffer.alloc(4))))],
  ['frames of the wrong size', () => frame(6, 0, 0, Buffer.alloc(3))],
])('%s end their connection, and others are served', async (_what, flood) => {
  const { socket, closed } = framed()
  let ended = false
  void closed.then(() => {
    ended = true
  })
  for (let round = 0; round < 100 && !ended; round++) {
    socket.write(flood(round))
    await env.sleep(1)
    if (round % 40 === 0) await othersAreServed()
  }
  expect(await closed).toBe('closed')
  await othersAreServed()
})

test('settings and pings without end keep nobody else from the server', async () => {
  const { socket } = framed()
  const flood = Buffer.concat(Array.from({ length: 1000 }, () => Buffer.concat([frame(4, 0, 0), frame(6, 0, 0, Buffer.alloc(8))])))
  for (let round = 0; round < 10; round++) {
    socket.write(flood)
    await othersAreServed()
  }
})

test('many streams whose answers nobody takes hold little', async () => {
  const before = process.memoryUsage().rss
  const streams = [0, 1, 2, 3].flatMap(() => {
    const attacker = session({ initialWindowSize: 0 })
    return Array.from({ length: 60 }, () => {
      const stream = attacker.request({ ':path': '/api/v1/namespaces/big/configmaps', authorization: `Bearer ${administratorToken}` })
      stream.on('error', () => {})
      stream.pause()
      return new Promise((resolve) => {
        stream.on('response', resolve)
        stream.on('close', resolve)
      })
    })
  })
  await Promise.all(streams)
  await othersAreServed()
  // 240 lists of eight megabytes would be two gigabytes.
  expect(process.memoryUsage().rss - before).toBeLessThan(400_000_000)
})

test('small answers that nobody takes are bounded by connection', async () => {
  const attacker = session({ initialWindowSize: 0 })
  const outcomes = await Promise.all(
    Array.from({ length: 300 }, () => {
      const stream = attacker.request({
        ':path': '/api/v1/namespaces/big/configmaps?limit=1&fieldSelector=metadata.name%3Dc-1',
        authorization: `Bearer ${administratorToken}`,
      })
      stream.on('error', () => {})
      stream.pause()
      return new Promise<string>((resolve) => {
        stream.on('response', () => resolve('answered'))
        stream.on('close', () => resolve('closed'))
      })
    }),
  )
  expect(outcomes.length).toBe(300)
  await othersAreServed()
})

test('bodies that do not end are held up to a bound, of one client as well', async () => {
  const sockets = Array.from({ length: 40 }, () => raw())
  const piece = `${configMapText('x'.repeat(2_500_000)).slice(0, -10)}`
  const heads = `POST /api/v1/namespaces/big/configmaps HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer flood\r\nContent-Type: application/json\r\nContent-Length: 3000000\r\n\r\n`
  let refused = 0
  for (const socket of sockets) {
    socket.on('data', (chunk: Buffer) => {
      if (chunk.toString().startsWith('HTTP/1.1 429 ')) refused++
    })
    socket.write(heads)
    socket.write(piece)
  }
  // Forty times 2.5 megabytes are 100; 64 are held.
  while (refused < 10) await env.sleep(10)
  await othersAreServed()
  const made = await api.raw('POST', '/api/v1/namespaces/big/configmaps', configMapText('y'))
  expect(made.status).toBe(201)
})

test('what was held for a body is given back, however the body ends', async () => {
  const { EventEmitter } = await import('node:events')
  const bodies = createBodies(100)
  const identity = { name: 'a', groups: [] }
  const read = (ends: 'end' | 'aborted') => {
    const incoming = new EventEmitter()
    const body = bodies.read(incoming as never, identity)
    for (let at = 0; at < 3; at++) incoming.emit('data', Buffer.alloc(30))
    incoming.emit(ends)
    return body
  }
  expect(await read('end')).toHaveLength(90)
  await expect(read('aborted')).rejects.toThrow()
})
