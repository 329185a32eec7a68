import http2, { type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2'
import { configMap, namespace, pod, serviceAccount } from '@skiff/api'
import { systemEnv } from '@skiff/machinery'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { administratorToken, startTestServer, type TestServer } from '../testing/start.ts'

const env = systemEnv()
let api: TestServer
let session: ClientHttp2Session
const filler = 'x'.repeat(250_000)

beforeAll(async () => {
  api = await startTestServer()
  await api.near.create(namespace, { metadata: { name: 'big' } } as never)
  await api.near.create(namespace, { metadata: { name: 'small' } } as never)
  await api.near.create(serviceAccount, { metadata: { name: 'default', namespace: 'small' } } as never)
  for (let at = 0; at < 100; at++)
    await api.near.create(configMap, { metadata: { name: `c-${at}`, namespace: 'big' }, data: { filler } } as never)
})
afterAll(() => api.close())
beforeEach(() => {
  session = http2.connect(api.url, { ca: api.server.authorities.clients.cert })
  session.on('error', () => {})
})
afterEach(() => session.destroy())

const request = (path: string, method = 'GET', body?: object): ClientHttp2Stream => {
  const stream = session.request({
    ':path': path,
    ':method': method,
    authorization: `Bearer ${administratorToken}`,
    ...(body ? { 'content-type': 'application/json' } : {}),
  })
  stream.on('error', () => {})
  stream.end(body ? JSON.stringify(body) : undefined)
  return stream
}
const statusOf = (stream: ClientHttp2Stream): Promise<number> =>
  new Promise((resolve, reject) => {
    stream.on('response', (headers) => resolve(headers[':status'] as number))
    stream.on('close', () => reject(new Error(`the stream closed, code ${stream.rstCode}`)))
  })
const answerOf = async (stream: ClientHttp2Stream): Promise<{ status: number; text: string }> => {
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  const ended = new Promise((resolve) => stream.on('close', resolve))
  const status = await statusOf(stream)
  await ended
  return { status, text: Buffer.concat(chunks).toString() }
}

test('one connection with three paused lists of 25 MB and a hundred watches answers sixty more calls', async () => {
  const lists = Array.from({ length: 3 }, () => request('/api/v1/namespaces/big/configmaps'))
  for (const list of lists) expect(await statusOf(list)).toBe(200)
  const watches = Array.from({ length: 100 }, () => request('/api/v1/namespaces/small/configmaps?watch=true&resourceVersion=0'))
  const heard = watches.map(
    (stream) =>
      new Promise<string>((resolve) => {
        let text = ''
        stream.on('data', (chunk: Buffer) => {
          text += chunk.toString()
          if (text.includes('"name":"last"')) resolve(text)
        })
      }),
  )
  for (const stream of watches) expect(await statusOf(stream)).toBe(200)
  const calls = Array.from({ length: 60 }, (_, at) =>
    at % 2 === 0
      ? answerOf(request('/api/v1/namespaces/small'))
      : answerOf(
          request('/api/v1/namespaces/small/configmaps', 'POST', {
            apiVersion: 'v1',
            kind: 'ConfigMap',
            metadata: { name: `made-${at}` },
          }),
        ),
  )
  const answers = await Promise.all(calls)
  expect(answers.map(({ status }) => status)).toEqual(answers.map((_, at) => (at % 2 === 0 ? 200 : 201)))
  await api.near.create(configMap, { metadata: { name: 'last', namespace: 'small' } } as never)
  for (const text of await Promise.all(heard)) expect(text.split('\n').filter(Boolean)).toHaveLength(31)
  // The paused lists are whole when somebody reads them at last.
  const whole = await Promise.all(
    lists.map(
      (list) =>
        new Promise<number>((resolve) => {
          let length = 0
          list.on('data', (chunk: Buffer) => {
            length += chunk.length
          })
          list.on('end', () => resolve(length))
        }),
    ),
  )
  for (const length of whole) expect(length).toBeGreaterThan(25_000_000)
})

test('a watch that nobody reads is ended, and others go on', async () => {
  const paused = request('/api/v1/namespaces/big/configmaps?watch=true&resourceVersion=0')
  expect(await statusOf(paused)).toBe(200)
  const reading = request('/api/v1/namespaces/big/configmaps?watch=true')
  let bytes = 0
  reading.on('data', (chunk: Buffer) => {
    bytes += chunk.length
  })
  expect(await statusOf(reading)).toBe(200)
  const target = { namespace: 'big', name: 'c-0' }
  const beginBytes = 100 * filler.length
  for (let at = 0; at < 160; at++) {
    await api.near.patch(configMap, target, 'merge', { data: { at: String(at) } })
    // A call from near leaves the event loop no turn to send.
    while (bytes < beginBytes + (at + 1) * filler.length) await env.sleep(1)
  }
  // Forty megabytes of events went to the reader; the other has heard what it began with, if that, and a few of them.
  const closed = new Promise((resolve) => paused.on('close', () => resolve('ended')))
  let left = 0
  paused.on('data', (chunk: Buffer) => {
    left += chunk.length
  })
  expect(await closed).toBe('ended')
  expect(left).toBeLessThan(beginBytes + 20_000_000)
  expect(reading.closed).toBe(false)
})

test('HTTP/1.1 is spoken on the same port', async () => {
  const { items } = await api.far().list(pod, { namespace: 'small' })
  expect(items).toEqual([])
})
