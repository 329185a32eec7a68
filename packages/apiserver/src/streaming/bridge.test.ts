import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer as createHttpServer, type IncomingMessage, type Server } from 'node:http'
import { type AddressInfo, connect, createServer, type Server as NetServer, type Socket } from 'node:net'
import type { Duplex, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import {
  createSpdySession,
  dialWebSockets,
  type ExecHandler,
  openExec,
  openPortForward,
  parseExecStatus,
  refuseUpgrade,
  requestUpgrade,
  type StreamSelection,
  serveExec,
  servePortForward,
  spdyUpgradeHeaders,
} from '@skiff/client'
import { isRefusal, Refusal, systemEnv } from '@skiff/machinery'
import { afterEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { carriageOf, openBridge } from './bridge.ts'

const env = systemEnv()
const all: StreamSelection = { stdin: true, stdout: true, stderr: true, tty: false }
const servers: NetServer[] = []
const sockets = new Set<Socket>()

const listen = async (server: NetServer): Promise<number> => {
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  servers.push(server.listen(0, '127.0.0.1'))
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
afterEach(async () => {
  // No session may leave a connection behind, whichever side ended it: the test times out where one stays.
  while (sockets.size > 0) await env.sleep(5)
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))))
})

/** An API server with nothing but the bridge, before a runtime that answers upgrades with `serve`. */
const bridged = async (
  streams: StreamSelection | undefined,
  serve: (upgrade: { request: IncomingMessage; socket: Duplex; head: Buffer }) => unknown,
) => {
  const runtime = createHttpServer()
  runtime.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => serve({ request, socket, head }))
  const runtimePort = await listen(runtime)
  const target = {
    url: new URL(`http://127.0.0.1:${runtimePort}/exec/one-time-token`),
    dial: async () => connect(runtimePort, '127.0.0.1'),
  }
  const done: Promise<void>[] = []
  const front = createHttpServer()
  front.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const carried = openBridge({ request, ...(streams ? { streams } : {}), target, env }).then(
      (opened) => opened.upgrade(socket, head),
      (error: Refusal) => refuseUpgrade(socket, env, error.code, JSON.stringify(error.status)),
    )
    done.push(carried)
  })
  const port = await listen(front as Server)
  return {
    url: new URL(`http://127.0.0.1:${port}/`),
    target: { url: new URL(`http://127.0.0.1:${port}/front`), dial: async () => connect(port, '127.0.0.1') },
    done,
  }
}
const execBridge = (streams: StreamSelection, run: ExecHandler) => bridged(streams, (upgrade) => serveExec(upgrade, streams, run, env))
type Front = Awaited<ReturnType<typeof bridged>>

const v5 = async ({ url }: Front, streams: StreamSelection) => {
  const client = await openExec({ connect: dialWebSockets({ server: url }), namespace: 'n', pod: 'p', command: ['x'], streams, env })
  return { ...client, end: client.exit }
}
const spdy = async ({ target }: Front, streams: StreamSelection) => {
  const answer = await requestUpgrade(target, 'POST', spdyUpgradeHeaders(['v4.channel.k8s.io']))
  if (!answer.upgraded) throw new Refusal(answer.response.statusCode ?? 0, '', answer.body.toString())
  const session = createSpdySession(answer.socket, { role: 'client', env, head: answer.head })
  const open = (kind: string) => session.open(new Map([['streamtype', kind]]))
  const error = open('error')
  error.end()
  const [stdin, stdout, resize] = [open('stdin').resume(), open('stdout'), streams.tty ? open('resize') : undefined]
  const stderr = streams.tty ? open('nothing') : open('stderr')
  const end = text(error).then(parseExecStatus)
  end.catch(() => {})
  return {
    stdin,
    stdout,
    stderr,
    end,
    resize: (Width: number, Height: number) => void resize?.write(JSON.stringify({ Width, Height })),
    close: () => session.destroy(),
  }
}
const clients = [
  ['WebSocket v5, translated', v5],
  ['SPDY, spliced', spdy as unknown as typeof v5],
] as const

test.each(clients)('%s: input, its end, both outputs, the exit code', async (_name, open) => {
  const front = await execBridge(all, async ({ stdin, stdout, stderr }) => {
    stdout?.write(`out:${await text(stdin as Readable)}`)
    stderr?.write('err')
    return 42
  })
  const client = await open(front, all)
  client.stdin.end('in')
  expect(await Promise.all([text(client.stdout), text(client.stderr)])).toEqual(['out:in', 'err'])
  expect(await client.end).toEqual({ code: 42, message: 'command terminated with exit code 42' })
  await Promise.all(front.done)
})

test.each(clients)('%s: 50 MB with a slow reader, whole and in bounded memory', async (_name, open) => {
  const front = await execBridge(all, async ({ stdin, stdout }) => {
    await pipeline(stdin as Readable, stdout as NonNullable<typeof stdout>, { end: false })
    return 0
  })
  const client = await open(front, all)
  client.stderr.resume()
  const [sent, got] = [createHash('sha256'), createHash('sha256')]
  let bytes = 0
  let peakBytes = 0
  const feed = async () => {
    for (let i = 0; i < 50; i++) {
      const block = randomBytes(1_000_000)
      sent.update(block)
      if (!client.stdin.write(block)) await once(client.stdin, 'drain')
    }
    client.stdin.end()
  }
  const read = async () => {
    for await (const chunk of client.stdout as AsyncIterable<Buffer>) {
      got.update(chunk)
      bytes += chunk.length
      peakBytes = Math.max(
        peakBytes,
        [...sockets].reduce((sum, socket) => sum + socket.writableLength + socket.readableLength, 0),
      )
      if (bytes % 3 === 0) await env.sleep(1)
    }
  }
  await Promise.all([feed(), read()])
  expect(bytes).toBe(50_000_000)
  expect(got.digest('hex')).toBe(sent.digest('hex'))
  expect((await client.end).code).toBe(0)
  expect(peakBytes).toBeLessThan(8_000_000)
})

test.each(clients)('%s: the terminal follows its size', async (_name, open) => {
  const tty: StreamSelection = { stdin: true, stdout: true, stderr: false, tty: true }
  const front = await execBridge(tty, async ({ onResize, stdout }) => {
    await new Promise<void>((resolve) => onResize(({ columns, rows }) => void stdout?.write(`${columns}x${rows}`, () => resolve())))
    return 0
  })
  const client = await open(front, tty)
  client.stderr.resume()
  client.resize(132, 43)
  expect(await text(client.stdout)).toBe('132x43')
  expect((await client.end).code).toBe(0)
})

test.each(clients)('%s: a command that ends while its input is full', async (_name, open) => {
  const front = await execBridge(all, async ({ stdout }) => {
    await env.sleep(30)
    stdout?.write('bye')
    return 7
  })
  const client = await open(front, all)
  client.stdin.on('error', () => {})
  client.stdin.write(Buffer.alloc(9_000_000))
  client.stderr.resume()
  expect(await text(client.stdout)).toBe('bye')
  expect((await client.end).code).toBe(7)
  await Promise.all(front.done)
})

test.each(clients)('%s: a client that vanishes ends the command, a runtime that vanishes fails the client', async (_name, open) => {
  const aborted = Promise.withResolvers<void>()
  const front = await execBridge(all, async ({ stdout, signal }) => {
    stdout?.write('x')
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    aborted.resolve()
    return 0
  })
  const first = await open(front, all)
  await once(first.stdout, 'readable')
  first.close()
  await aborted.promise
  const second = await open(front, all)
  await once(second.stdout, 'readable')
  for (const socket of sockets) socket.resetAndDestroy()
  await expect(text(second.stdout)).rejects.toThrow()
  await Promise.all(front.done)
})

test('only the runtime vanishes: a v5 client is told in words', async () => {
  let runtimeSocket: Duplex | undefined
  const front = await bridged(all, (upgrade) => {
    runtimeSocket = upgrade.socket
    return serveExec(
      upgrade,
      all,
      ({ stdout, signal }) => {
        stdout?.write('x')
        return new Promise((resolve) => signal.addEventListener('abort', () => resolve(0)))
      },
      env,
    )
  })
  const client = await v5(front, all)
  await once(client.stdout, 'readable')
  ;(runtimeSocket as Socket).resetAndDestroy()
  for (const output of [client.stdout, client.stderr]) output.on('error', () => {}).resume()
  expect((await client.exit).message).toMatch(/^Internal error occurred: /)
})

test('a WebSocket v4 client is spliced to the runtime', async () => {
  const front = await execBridge(all, async ({ stdin, stdout }) => {
    for await (const chunk of stdin ?? []) {
      stdout?.write(`got ${chunk}`)
      break
    }
    return 0
  })
  const ws = new WebSocket(front.url, ['base64url.bearer.authorization.k8s.io.c2VjcmV0', 'v4.channel.k8s.io'])
  const seen: string[] = []
  ws.on('message', (data: Buffer) => seen.push(data.toString('latin1')))
  await once(ws, 'open')
  expect(ws.protocol).toBe('v4.channel.k8s.io')
  ws.send(Buffer.from('\0abc'))
  await once(ws, 'close')
  expect(seen).toEqual(['\x01', '\x01got abc', '\x03{"metadata":{},"status":"Success"}'])
})

test('credentials stay here: the runtime sees what it needs and nothing else', async () => {
  const heads: IncomingMessage['headers'][] = []
  const front = await bridged(all, ({ request, socket }) => {
    heads.push(request.headers, { url: request.url })
    socket.end('HTTP/1.1 404 Not Found\r\nX-Reason: gone\r\nContent-Length: 10\r\n\r\nno session')
  })
  const headers = [
    ...spdyUpgradeHeaders(['v4.channel.k8s.io']),
    'Authorization',
    'Bearer secret',
    'Cookie',
    'a=b',
    'Impersonate-User',
    'root',
    'User-Agent',
    'kubectl',
  ]
  const answer = await requestUpgrade(front.target, 'POST', headers)
  expect(!answer.upgraded && [answer.response.statusCode, answer.response.headers['x-reason'], answer.body.toString()]).toEqual([
    404,
    'gone',
    'no session',
  ])
  expect(Object.keys(heads[0] ?? {}).sort()).toEqual([
    'connection',
    'content-length',
    'host',
    'upgrade',
    'user-agent',
    'x-stream-protocol-version',
  ])
  expect(heads[1]).toEqual({ url: '/exec/one-time-token' })
  // v5 has a Status of its own for it.
  await expect(v5(front, all)).rejects.toThrow('unable to upgrade connection: no session')
})

test.each([
  ['nobody listens', async () => connect(1, '127.0.0.1'), /^error dialing backend: connect ECONNREFUSED/],
  ['the dial fails', () => Promise.reject(new Error('the node has no tunnel')), /^error dialing backend: the node has no tunnel$/],
] as const)('where %s the client gets a Status', async (_name, dial, message) => {
  for (const headers of [
    { connection: 'Upgrade', upgrade: 'SPDY/3.1' },
    { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-protocol': 'v5.channel.k8s.io' },
  ]) {
    const request = { method: 'POST', headers, rawHeaders: Object.entries(headers).flat() } as unknown as IncomingMessage
    const error = await openBridge({ request, streams: all, target: { url: new URL('http://127.0.0.1:1/x'), dial }, env }).catch(
      (why: unknown) => why,
    )
    expect(isRefusal(error, 500)).toBe(true)
    expect((error as Refusal).message).toMatch(message)
  }
})

test('a client that goes away while the runtime is silent ends the asking', async () => {
  const silent = createServer(() => {})
  const port = await listen(silent)
  const gone = new AbortController()
  const headers = { connection: 'Upgrade', upgrade: 'SPDY/3.1' }
  const request = { method: 'POST', headers, rawHeaders: Object.entries(headers).flat() } as unknown as IncomingMessage
  const opening = openBridge({
    request,
    target: { url: new URL('http://127.0.0.1/x'), dial: async () => connect(port, '127.0.0.1') },
    env,
    signal: gone.signal,
  })
  await once(silent, 'connection')
  gone.abort()
  await expect(opening).rejects.toThrow('the client has gone')
})

test('a request that is no upgrade is refused as upstream does', async () => {
  const request = { method: 'GET', headers: {}, rawHeaders: [] } as unknown as IncomingMessage
  const error = await openBridge({
    request,
    target: { url: new URL('http://127.0.0.1/'), dial: () => Promise.reject(new Error('not reached')) },
    env,
  }).catch((why: unknown) => why)
  expect((error as Refusal).status).toMatchObject({ code: 400, reason: 'BadRequest', message: 'Upgrade request required' })
})

test.each([
  [{ upgrade: 'SPDY/3.1' }, true, 'raw'],
  [{ upgrade: 'websocket', 'sec-websocket-protocol': 'v5.channel.k8s.io, v4.channel.k8s.io' }, true, 'translate'],
  [{ upgrade: 'websocket', 'sec-websocket-protocol': 'v4.channel.k8s.io' }, true, 'raw'],
  [{ upgrade: 'websocket' }, true, 'raw'],
  [{ upgrade: 'WebSocket', 'sec-websocket-protocol': 'SPDY/3.1+portforward.k8s.io' }, false, 'tunnel'],
  [{ upgrade: 'websocket', 'sec-websocket-protocol': 'v4.channel.k8s.io' }, false, 'raw'],
] as const)('%j is carried %s %s', (headers, exec, carriage) => {
  expect(carriageOf({ headers: { connection: 'keep-alive, Upgrade', ...headers } }, exec)).toBe(carriage)
})

const podDial = (port: number) => async (asked: number) => {
  const connection = connect({ port: asked === 1 ? 1 : port, host: '127.0.0.1', allowHalfOpen: true })
  await once(connection, 'connect')
  return connection
}

test('port-forward through the tunnel: many connections, each whole; what fails is told', async () => {
  const pod = await listen(createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket)))
  const front = await bridged(undefined, (upgrade) => servePortForward(upgrade, 'web', podDial(pod), env))
  const client = await openPortForward({ connect: dialWebSockets({ server: front.url }), namespace: 'n', pod: 'web', env })
  const one = async () => {
    const block = randomBytes(600_000)
    const { data, failure } = client.open(80)
    data.end(block)
    const got = createHash('sha256')
    for await (const chunk of data) got.update(chunk as Buffer)
    expect(got.digest('hex')).toBe(createHash('sha256').update(block).digest('hex'))
    expect(await failure).toBe('')
  }
  await Promise.all(Array.from({ length: 15 }, one))
  const bad = client.open(1)
  bad.data.resume()
  expect(await bad.failure).toContain('error forwarding port 1 to pod web: connect ECONNREFUSED')
  client.close()
  expect(await client.closed).toBeUndefined()
  await Promise.all(front.done)
})

test('port-forward carries a local connection and closes with it', async () => {
  const pod = await listen(createServer({ allowHalfOpen: true }, (socket) => void text(socket).then((said) => socket.end(`pod: ${said}`))))
  const front = await bridged(undefined, (upgrade) => servePortForward(upgrade, 'web', podDial(pod), env))
  const client = await openPortForward({ connect: dialWebSockets({ server: front.url }), namespace: 'n', pod: 'web', env })
  const carried: Promise<string>[] = []
  const local = await listen(createServer({ allowHalfOpen: true }, (socket) => void carried.push(client.carry(socket, 80))))
  const user = connect({ port: local, host: '127.0.0.1', allowHalfOpen: true })
  user.end('hello')
  expect(await text(user)).toBe('pod: hello')
  expect(await Promise.all(carried)).toEqual([''])
  client.close()
})
