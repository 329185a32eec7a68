import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { isRefusal, systemEnv } from '@skiff/machinery'
import { afterEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { openExec } from './exec-client.ts'
import type { ExecHandler, ExecSession, StreamSelection } from './exec-session.ts'
import { parseExecStatus } from './exec-status.ts'
import { requestUpgrade, spdyUpgradeHeaders } from './request-upgrade.ts'
import { serveExec } from './serve-exec.ts'
import { remoteCommandProtocols } from './serve-exec-spdy.ts'
import { createSpdySession } from './spdy/session.ts'
import { dialWebSockets } from './websocket-dial.ts'

const env = systemEnv()
const all: StreamSelection = { stdin: true, stdout: true, stderr: true, tty: false }
const tty: StreamSelection = { stdin: true, stdout: true, stderr: false, tty: true }

const servers: Server[] = []
const sockets = new Set<Socket>()
afterEach(async () => {
  // Nothing is left behind by any session, whichever way it ended: the test times out where a socket stays.
  while (sockets.size > 0) await env.sleep(5)
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))))
})

/** A streaming endpoint that runs `run` for every connection, whatever its path. */
const serve = async (streams: StreamSelection, run: ExecHandler, serverEnv = env) => {
  const done: Promise<void>[] = []
  const server = createServer((_request, response) => response.writeHead(400).end('Upgrade request required'))
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.on('upgrade', (request: IncomingMessage, socket, head) => done.push(serveExec({ request, socket, head }, streams, run, serverEnv)))
  servers.push(server.listen(0, '127.0.0.1'))
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const url = new URL(`http://127.0.0.1:${port}/exec/token`)
  return { url, done, target: { url, dial: async () => connect(port, '127.0.0.1') } }
}
type Served = Awaited<ReturnType<typeof serve>>

interface Client {
  readonly stdin: { end(): void; write(chunk: Buffer | string): boolean }
  readonly stdout: Readable
  readonly stderr: Readable
  resize(columns: number, rows: number): void
  readonly status: Promise<string>
}

const v5 = async ({ url }: Served, streams: StreamSelection) => {
  const client = await openExec({
    connect: dialWebSockets({ server: url }),
    namespace: 'default',
    pod: 'web',
    command: ['sh'],
    streams,
    env,
  })
  return { ...client, status: client.exit.then((exit) => JSON.stringify(exit)) }
}

/** A client as kubectl up to 1.30 is: SPDY, one stream for each thing. */
const spdy =
  (protocol: string) =>
  async ({ target }: Served, streams: StreamSelection) => {
    const answer = await requestUpgrade(target, 'POST', spdyUpgradeHeaders([protocol]))
    if (!answer.upgraded) throw new Error(`${answer.response.statusCode}: ${answer.body}`)
    expect(answer.response.headers['x-stream-protocol-version']).toBe(protocol)
    const session = createSpdySession(answer.socket, { role: 'client', env, head: answer.head })
    const open = (kind: string) => session.open(new Map([['streamtype', kind]]))
    const errors = open('error')
    errors.end()
    const [stdin, stdout] = [open('stdin'), open('stdout')]
    const stderr = streams.stderr ? open('stderr') : open('nothing')
    const sizes = streams.tty && /^v[34]/.test(protocol) ? open('resize') : undefined
    stdin.resume()
    const status = text(errors).then((said) => (protocol.startsWith('v4') ? JSON.stringify(parseExecStatus(said)) : said))
    status.catch(() => {})
    return {
      stdin,
      stdout,
      stderr,
      resize: (Width: number, Height: number) => void sizes?.write(`${JSON.stringify({ Width, Height })}\n`),
      status,
    }
  }

const protocolsV4 = remoteCommandProtocols.filter((name) => /^v[34]/.test(name))
const clients: [string, (served: Served, streams: StreamSelection) => Promise<Client>][] = [
  ['WebSocket v5', v5],
  ...protocolsV4.map((name): [string, typeof v5] => [`SPDY ${name}`, spdy(name) as unknown as typeof v5]),
]

const copy = async ({ stdin, stdout }: ExecSession): Promise<number> => {
  if (stdin && stdout) await pipeline(stdin, stdout, { end: false })
  return 0
}

test.each(clients)('%s: input, its end, both outputs and the exit code', async (name, open) => {
  const served = await serve(all, async ({ stdin, stdout, stderr }) => {
    const said = stdin ? await text(stdin) : ''
    stdout?.write(`out:${said}`)
    stderr?.write(`err:${said.length}`)
    return 3
  })
  const client = await open(served, all)
  client.stdin.write('hello ')
  client.stdin.write('there')
  client.stdin.end()
  expect(await Promise.all([text(client.stdout), text(client.stderr)])).toEqual(['out:hello there', 'err:11'])
  const status = await client.status
  if (name.includes('v3')) expect(status).toContain('non-zero exit code')
  else expect(JSON.parse(status)).toEqual({ code: 3, message: 'command terminated with exit code 3' })
  await Promise.all(served.done)
})

test.each(clients)('%s: 50 MB through the command with a slow reader', async (_name, open) => {
  const served = await serve(all, copy)
  const client = await open(served, all)
  const [sent, got] = [createHash('sha256'), createHash('sha256')]
  let bytes = 0
  const feed = async () => {
    for (let i = 0; i < 50; i++) {
      const block = randomBytes(1_000_000)
      sent.update(block)
      if (!client.stdin.write(block)) await once(client.stdin as unknown as Readable, 'drain')
    }
    client.stdin.end()
  }
  const read = async () => {
    for await (const chunk of client.stdout as AsyncIterable<Buffer>) {
      got.update(chunk)
      bytes += chunk.length
      if (bytes % 5 === 0) await env.sleep(1)
    }
  }
  client.stderr.resume()
  await Promise.all([feed(), read()])
  expect(bytes).toBe(50_000_000)
  expect(got.digest('hex')).toBe(sent.digest('hex'))
  await client.status
})

test.each(clients)('%s: the size of the terminal follows', async (_name, open) => {
  const served = await serve(tty, async ({ onResize, stdout, stderr }) => {
    expect(stderr).toBeUndefined()
    await new Promise<void>((resolve) =>
      onResize(({ columns, rows }) => {
        stdout?.write(`${columns}x${rows};`)
        if (rows === 50) resolve()
      }),
    )
    return 0
  })
  const client = await open(served, tty)
  client.resize(80, 24)
  client.resize(200, 50)
  client.stderr.resume()
  expect(await text(client.stdout)).toBe('80x24;200x50;')
  await client.status
})

test('a client hears pongs while its command does not read', async () => {
  const impatient = { ...env, after: (_ms: number, act: () => void) => env.after(1, act) }
  const heard = Promise.withResolvers<void>()
  const served = await serve(all, () => heard.promise.then(() => 0), impatient)
  const ws = new WebSocket(served.url, ['v5.channel.k8s.io'])
  ws.on('pong', () => heard.resolve())
  await once(ws, 'open')
  ws.send(Buffer.alloc(4_000_000))
  await heard.promise
  await once(ws, 'close')
})

test('a command that could not be run says why', async () => {
  const served = await serve(all, async () => {
    throw new Error('no such file')
  })
  const client = await v5(served, all)
  for (const output of [client.stdout, client.stderr]) output.resume()
  expect(await client.exit).toEqual({ code: 1, message: 'Internal error occurred: error executing command in container: no such file' })
})

test('a command that never reads its input still ends', async () => {
  const served = await serve(all, async ({ stdout }) => {
    await env.sleep(20)
    stdout?.write('done')
    return 0
  })
  for (const open of [v5, spdy('v4.channel.k8s.io')]) {
    const client = await open(served, all)
    client.stdin.write(Buffer.alloc(8_000_000))
    client.stderr.resume()
    expect(await text(client.stdout)).toBe('done')
    expect(JSON.parse(await client.status)).toEqual({ code: 0 })
  }
  await Promise.all(served.done)
})

test.each([
  ['v4.channel.k8s.io', (data: Buffer) => data],
  ['channel.k8s.io', (data: Buffer) => data],
  [
    'v4.base64.channel.k8s.io',
    (data: Buffer) => Buffer.concat([Buffer.from([data.readUInt8(0) - 48]), Buffer.from(data.toString('latin1', 1), 'base64')]),
  ],
])('an older WebSocket client of %s is served', async (protocol, decode) => {
  const served = await serve(all, async ({ stdin, stdout }) => {
    for await (const chunk of stdin ?? []) {
      stdout?.write(`got ${chunk}`)
      break
    }
    return 0
  })
  const ws = new WebSocket(served.url, [protocol])
  const seen: Buffer[] = []
  ws.on('message', (data: Buffer) => seen.push(decode(data)))
  await once(ws, 'open')
  ws.send(protocol.includes('base64') ? `0${Buffer.from('abc').toString('base64')}` : Buffer.from('\0abc'))
  await once(ws, 'close')
  expect(seen[0]).toEqual(Buffer.from([1]))
  expect(seen[1]).toEqual(Buffer.from('\x01got abc'))
  expect(seen.slice(2).map(String)).toEqual(protocol.startsWith('v4') ? [`\x03${JSON.stringify({ metadata: {}, status: 'Success' })}`] : [])
})

test('a client that vanishes aborts the command; a server that vanishes fails the client', async () => {
  const aborted = Promise.withResolvers<void>()
  const started = Promise.withResolvers<void>()
  const served = await serve(all, async ({ signal, stdout }) => {
    stdout?.write('x')
    started.resolve()
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    aborted.resolve()
    return 0
  })
  const first = await v5(served, all)
  await started.promise
  first.close()
  await aborted.promise
  await first.exit
  const second = await v5(served, all)
  await once(second.stdout, 'readable')
  for (const socket of sockets) socket.resetAndDestroy()
  expect((await second.exit).code).toBe(1)
  await expect(text(second.stdout)).rejects.toThrow()
  const third = await spdy('v4.channel.k8s.io')(served, all)
  await once(third.stdout, 'readable')
  for (const socket of sockets) socket.resetAndDestroy()
  await expect(text(third.stdout)).rejects.toThrow()
  await Promise.all(served.done)
})

test('what is no upgrade, or of no known protocol, is refused', async () => {
  const served = await serve(all, copy)
  await expect(spdy('v9.channel.k8s.io')(served, all)).rejects.toThrow(
    '403: unable to upgrade: unable to negotiate protocol: client supports [v9.channel.k8s.io], server accepts [v4.channel.k8s.io',
  )
  const none = await requestUpgrade(served.target, 'POST', spdyUpgradeHeaders([]))
  expect(!none.upgraded && `${none.response.statusCode} ${none.body}`).toBe(
    '400 unable to upgrade: X-Stream-Protocol-Version is required\n',
  )
  const refused = await dialWebSockets({ server: served.url })('/exec', ['v9.channel.k8s.io']).catch((error: unknown) => error)
  expect(isRefusal(refused, 403)).toBe(true)
})

test.each([
  ['', { code: 0 }],
  ['{"status":"Success"}', { code: 0 }],
  ['{"status":"Failure","message":"gone"}', { code: 1, message: 'gone' }],
  [
    '{"status":"Failure","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"137"}]}}',
    { code: 137, message: 'command terminated with exit code 137' },
  ],
  ['{"status":"Failure","reason":"NonZeroExitCode"}', { code: 1, message: 'error stream protocol error: details must be set' }],
  [
    '{"status":"Failure","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"x"}]}}',
    { code: 1, message: 'error stream protocol error: invalid exit code value "x"' },
  ],
  ['{}', { code: 1, message: 'error stream protocol error: unknown error' }],
])('the status %s', (said, exit) => {
  expect(parseExecStatus(said)).toEqual(exit)
})
