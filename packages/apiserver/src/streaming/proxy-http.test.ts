import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import http2 from 'node:http2'
import { type AddressInfo, connect, type Server as NetServer } from 'node:net'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { gunzipSync, gzipSync } from 'node:zlib'
import { refuseUpgrade } from '@skiff/client'
import { Refusal, systemEnv } from '@skiff/machinery'
import { afterEach, expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { openProxyUpgrade, type ProxyTarget, proxyHttp } from './proxy-http.ts'

const env = systemEnv()
const prefix = '/api/v1/namespaces/n/services/s/proxy'
const servers: NetServer[] = []
const listen = async (server: NetServer): Promise<number> => {
  servers.push(server.listen(0, '127.0.0.1'))
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))))
})

/** A front that proxies everything below the prefix to a backend; over HTTP/1.1 or HTTP/2. */
const proxied = async (backend: RequestListener | Server | number, h2 = false) => {
  const backendPort = typeof backend === 'number' ? backend : await listen(typeof backend === 'function' ? createServer(backend) : backend)
  const targetOf = (url: string): ProxyTarget => ({
    dial: async () => connect(backendPort, '127.0.0.1'),
    host: `127.0.0.1:${backendPort}`,
    path: (url.split('?')[0] ?? '').slice(prefix.length),
  })
  const serve = (request: IncomingMessage | http2.Http2ServerRequest, response: Parameters<typeof proxyHttp>[1]) =>
    proxyHttp(request, response, targetOf(request.url ?? '')).catch((error: unknown) => {
      if (!(error instanceof Refusal) || response.destroyed) return
      ;(response as http2.Http2ServerResponse).writeHead(error.code, { 'content-type': 'application/json' })
      ;(response as http2.Http2ServerResponse).end(JSON.stringify(error.status))
    })
  const front = h2 ? http2.createServer(serve) : createServer(serve)
  front.on('upgrade', (request: IncomingMessage, socket, head) => {
    openProxyUpgrade(request, targetOf(request.url ?? ''), env).then(
      (bridge) => bridge.upgrade(socket, head),
      (error: Refusal) => refuseUpgrade(socket, env, error.code, JSON.stringify(error.status)),
    )
  })
  return { port: await listen(front as unknown as NetServer), backendPort }
}

interface Ask {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: Readable
}
const ask = async (port: number, path: string, { method = 'GET', headers = {}, body }: Ask = {}) => {
  const outgoing = httpRequest({ host: '127.0.0.1', port, path: `${prefix}${path}`, method, headers, agent: false })
  if (body) body.pipe(outgoing)
  else outgoing.end()
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return { code: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) }
}

test('path, query, method and headers arrive; what is ours or of one connection does not', async () => {
  const { port } = await proxied((request, response) => {
    response.writeHead(201, { 'Access-Control-Allow-Origin': '*', 'X-Own': 'y', 'Keep-Alive': 'timeout=9', 'Set-Cookie': ['a=1', 'b=2'] })
    response.end(JSON.stringify({ url: request.url, method: request.method, headers: request.headers }))
  })
  const answer = await ask(port, '/a%2Fb/c?x=1&y=%20', {
    method: 'DELETE',
    headers: {
      Authorization: 'Bearer s',
      'Impersonate-User': 'root',
      'X-Mine': 'z',
      Connection: 'close, X-Hop',
      'X-Hop': '1',
      'X-Forwarded-For': '1.2.3.4',
    },
  })
  const seen = JSON.parse(answer.body.toString()) as { url: string; method: string; headers: Record<string, string> }
  expect([answer.code, seen.url, seen.method]).toEqual([201, '/a%2Fb/c?x=1&y=%20', 'DELETE'])
  expect(seen.headers).toMatchObject({
    'x-mine': 'z',
    host: `127.0.0.1:${port}`,
    'x-forwarded-uri': `${prefix}/a%2Fb/c`,
    'x-forwarded-for': '1.2.3.4, 127.0.0.1',
  })
  for (const name of ['authorization', 'impersonate-user', 'x-hop']) expect(seen.headers).not.toHaveProperty(name)
  expect(answer.headers).toMatchObject({ 'x-own': 'y', 'set-cookie': ['a=1', 'b=2'] })
  expect(answer.headers).not.toHaveProperty('access-control-allow-origin')
})

test('the root without a slash is redirected to itself with one', async () => {
  const { port } = await proxied((_request, response) => response.end('root'))
  expect(await ask(port, '?q=1')).toMatchObject({ code: 301, headers: { location: `${prefix}/?q=1` } })
  expect((await ask(port, '/')).body.toString()).toBe('root')
  expect((await ask(port, '', { method: 'POST' })).body.toString()).toBe('root')
})

test.each([
  ['/login', `${prefix}/login`],
  ['http://BACKEND/login?a', `${prefix}/login?a`],
  ['http://elsewhere/login', 'http://elsewhere/login'],
  ['relative', 'relative'],
])('a redirect to %s leads to %s', async (location, want) => {
  const { port, backendPort } = await proxied((_request, response) => {
    response
      .writeHead(302, { Location: location.replace('BACKEND', `127.0.0.1:${backendPort}`), 'Content-Type': 'text/html' })
      .end('<a href="/x">')
  })
  expect((await ask(port, '/a')).headers.location).toBe(want)
})

test('links of a page lead back through the proxy, compressed or not; other content is left alone', async () => {
  const page = '<a href="/x">x</a>'
  const rewritten = `<a href="${prefix}/x">x</a>`
  const { port } = await proxied((request, response) => {
    const zipped = request.url === '/gzip' ? gzipSync(page) : Buffer.from(page)
    const type = request.url === '/plain' ? 'text/plain' : 'text/html; charset=utf-8'
    const coding: Record<string, string> =
      request.url === '/gzip' ? { 'Content-Encoding': 'gzip' } : request.url === '/br' ? { 'Content-Encoding': 'br' } : {}
    response.writeHead(200, { 'Content-Type': type, 'Content-Length': zipped.length, ...coding }).end(zipped)
  })
  expect((await ask(port, '/html')).body.toString()).toBe(rewritten)
  expect(gunzipSync((await ask(port, '/gzip')).body).toString()).toBe(rewritten)
  for (const same of ['/plain', '/br']) expect((await ask(port, same)).body.toString()).toBe(page)
  expect((await ask(port, '/html', { method: 'HEAD' })).headers['content-length']).toBe(String(page.length))
})

test.each([false, true])('large bodies stream both ways at once (HTTP/2: %s)', async (h2) => {
  const { port } = await proxied(
    (request, response) => request.pipe(response.writeHead(200, { 'Content-Type': 'application/octet-stream' })),
    h2,
  )
  const block = randomBytes(1_000_000)
  const want = createHash('sha256')
  const body = Readable.from(
    (function* () {
      for (let i = 0; i < 20; i++) {
        want.update(block)
        yield block
      }
    })(),
  )
  const got = createHash('sha256')
  if (h2) {
    const session = http2.connect(`http://127.0.0.1:${port}`)
    const stream = session.request({ ':method': 'PUT', ':path': `${prefix}/echo` })
    body.pipe(stream)
    for await (const chunk of stream) got.update(chunk as Buffer)
    session.close()
  } else got.update((await ask(port, '/echo', { method: 'PUT', body })).body)
  expect(got.digest('hex')).toBe(want.digest('hex'))
})

test('a body without a length arrives with a method that usually has none', async () => {
  const { port } = await proxied((request, response) => void text(request).then((said) => response.end(said)))
  const asked = await ask(port, '/x', { method: 'DELETE', headers: { 'Transfer-Encoding': 'chunked' }, body: Readable.from(['bo', 'dy']) })
  expect(asked.body.toString()).toBe('body')
})

test('each part is passed on when it comes', async () => {
  const go = Promise.withResolvers<void>()
  const { port } = await proxied(async (_request, response) => {
    response.write('first')
    await go.promise
    response.end('second')
  })
  const outgoing = httpRequest({ port, host: '127.0.0.1', path: `${prefix}/slow`, agent: false }).end()
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  expect(String(await once(response, 'data'))).toBe('first')
  go.resolve()
  expect(String(await once(response, 'data'))).toBe('second')
})

test("a backend that cannot be reached, or breaks before its answer, is a 503 in upstream's words", async () => {
  const { port } = await proxied(1)
  const unreachable = await ask(port, '/a')
  expect([unreachable.code, JSON.parse(unreachable.body.toString())]).toMatchObject([
    503,
    { reason: 'ServiceUnavailable', message: 'error trying to reach service: connect ECONNREFUSED 127.0.0.1:1' },
  ])
  const broken = await proxied((request) => void request.socket.destroy())
  expect((await ask(broken.port, '/a')).body.toString()).toMatch(/error trying to reach service: socket hang up/)
})

test('a backend that breaks in the middle cuts the client; a client that goes away cuts the backend', async () => {
  const cut = Promise.withResolvers<void>()
  const { port } = await proxied((request, response) => {
    if (request.url === '/cut') {
      response.writeHead(200, { 'Content-Length': 100 }).write('some')
      setImmediate(() => request.socket.destroy())
      return
    }
    request.socket.on('close', () => cut.resolve())
    response.write('x')
  })
  await expect(ask(port, '/cut')).rejects.toThrow()
  const outgoing = httpRequest({ port, host: '127.0.0.1', path: `${prefix}/forever`, agent: false }).end()
  outgoing.on('error', () => {})
  await once(outgoing, 'response')
  outgoing.destroy()
  await cut.promise
})

test('a WebSocket passes, with its subprotocol and the host that the client named', async () => {
  const backend = createServer()
  const sockets = new WebSocketServer({ server: backend })
  sockets.on('connection', (ws, request) =>
    ws.on('message', (data) => ws.send(`${request.url} ${request.headers.host} ${ws.protocol} ${data}`)),
  )
  const { port } = await proxied(backend)
  const ws = new WebSocket(`ws://127.0.0.1:${port}${prefix}/chat?room=1`, ['talk'])
  await once(ws, 'open')
  ws.send('hi')
  expect(String((await once(ws, 'message'))[0])).toBe(`/chat?room=1 127.0.0.1:${port} talk hi`)
  ws.close()
  await once(ws, 'close')
})
