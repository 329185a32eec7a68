import { execFileSync, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer, type IncomingMessage } from 'node:http'
import http2 from 'node:http2'
import { type AddressInfo, connect, createServer, type Server as NetServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Duplex } from 'node:stream'
import { text } from 'node:stream/consumers'
import { type ExecHandler, refuseUpgrade, type StreamingTarget, serveExec, servePortForward } from '@skiff/client'
import { internalError, Refusal, systemEnv } from '@skiff/machinery'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openAuthorities } from '../authn/authorities.ts'
import { carriageOf, openBridge } from './bridge.ts'
import { type ExecRequest, parseExecRequest } from './options.ts'

const env = systemEnv()
const versions = ['1.27', '1.30', '1.33']
const which = (): string | undefined => {
  try {
    return dirname(realpathSync(execFileSync('sh', ['-c', 'command -v kubectl'], { encoding: 'utf8' }).trim()))
  } catch {
    return undefined
  }
}
const folder = which()
const kubectlOf = (version: string) => join(folder ?? '', `kubectl.${version}`)
const found = versions.filter((version) => folder !== undefined && existsSync(kubectlOf(version)))

const servers: (NetServer | http2.Http2SecureServer)[] = []
const sockets = new Set<Duplex>()
const carriages: string[] = []
let directory = ''
let url = ''
let authority = ''
let echoPort = 0

const listen = async (server: NetServer | http2.Http2SecureServer): Promise<number> => {
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** A "container" that is this machine: the command runs here. */
const runHere =
  ({ command }: ExecRequest): ExecHandler =>
  ({ stdin, stdout, stderr, tty, onResize, signal }) =>
    new Promise((resolve, reject) => {
      if (tty && command[0] === 'size') {
        onResize(({ columns, rows }) => {
          stdout?.write(`${columns}x${rows}\r\n`)
          resolve(0)
        })
        return
      }
      const child = spawn(command[0] ?? '', command.slice(1), { stdio: ['pipe', 'pipe', 'pipe'] })
      signal.addEventListener('abort', () => child.kill('SIGKILL'))
      child.on('error', reject)
      child.stdin.on('error', () => {})
      if (stdin) stdin.pipe(child.stdin)
      else child.stdin.end()
      if (stdout) child.stdout.pipe(stdout, { end: false })
      if (stderr) child.stderr.pipe(stderr, { end: false })
      child.on('close', (code) => resolve(code ?? 137))
    })

/** The runtime's streaming server: one-time tokens of what was asked for. */
const sessions = new Map<string, (upgrade: { request: IncomingMessage; socket: Duplex; head: Buffer }) => void>()
let nextToken = 0
let runtimePort = 0
const sessionOf = (serve: (upgrade: { request: IncomingMessage; socket: Duplex; head: Buffer }) => void): StreamingTarget => {
  const token = `/cri/${nextToken++}`
  sessions.set(token, serve)
  return { url: new URL(`http://127.0.0.1:${runtimePort}${token}`), dial: async () => connect(runtimePort, '127.0.0.1') }
}

const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'default', uid: 'u1' },
  spec: { nodeName: 'n1', containers: [{ name: 'app', image: 'app' }] },
  status: { phase: 'Running', containerStatuses: [{ name: 'app', ready: true, state: { running: {} } }] },
}
const verbs = ['get', 'create']
const documents: Record<string, object> = {
  '/api': { kind: 'APIVersions', versions: ['v1'] },
  '/apis': { kind: 'APIGroupList', apiVersion: 'v1', groups: [] },
  '/api/v1': {
    kind: 'APIResourceList',
    groupVersion: 'v1',
    resources: [{ name: 'pods', singularName: 'pod', namespaced: true, kind: 'Pod', verbs, shortNames: ['po'] }],
  },
  '/api/v1/namespaces/default/pods/web': pod,
  '/version': { major: '1', minor: '33', gitVersion: 'v1.33.0' },
}

const upgrade = async (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
  try {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'https://x')
    const query = Object.fromEntries([...new Set(searchParams.keys())].map((key) => [key, searchParams.getAll(key)]))
    const exec = pathname.endsWith('/exec') ? parseExecRequest(query) : undefined
    carriages.push(carriageOf(request, exec !== undefined))
    const podDial = async (port: number): Promise<Duplex> => {
      const connection = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
      await once(connection, 'connect')
      return connection
    }
    const target = sessionOf(
      exec
        ? (session) => void serveExec(session, exec.streams, runHere(exec), env)
        : (session) => void servePortForward(session, 'web', podDial, env),
    )
    const bridge = await openBridge({ request, ...(exec ? { streams: exec.streams } : {}), target, env })
    await bridge.upgrade(socket, head)
  } catch (error) {
    const { status } = error instanceof Refusal ? error : internalError(String(error))
    refuseUpgrade(socket, env, status.code, JSON.stringify(status), [['Content-Type', 'application/json']])
  }
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'skiff-kubectl-'))
  const { serving, clients } = await openAuthorities(join(directory, 'pki'), ['127.0.0.1'], env)
  authority = join(directory, 'ca.crt')
  writeFileSync(authority, clients.cert)
  const front = http2.createSecureServer({ ...serving, allowHTTP1: true }, (request, response) => {
    const document = documents[new URL(request.url ?? '/', 'https://x').pathname]
    response.writeHead(document ? 200 : 404, { 'content-type': 'application/json' })
    response.end(
      JSON.stringify(
        document ?? { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: 404, reason: 'NotFound', message: 'not found' },
      ),
    )
  })
  front.on('secureConnection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).once('close', () => sockets.delete(socket))
  })
  front.on('upgrade', (request, socket, head) => void upgrade(request, socket, head))
  url = `https://127.0.0.1:${await listen(front)}`
  const runtime = createHttpServer()
  runtime.on('upgrade', (request, socket, head) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    const serve = sessions.get(request.url ?? '')
    sessions.delete(request.url ?? '')
    if (serve) serve({ request, socket, head })
    else socket.destroy()
  })
  runtimePort = await listen(runtime)
  echoPort = await listen(
    createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {})
      socket.pipe(socket)
    }),
  )
})
afterAll(async () => {
  rmSync(directory, { recursive: true, force: true })
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
})

const baseArgs = (version: string) => [
  ...['--server', url, '--certificate-authority', authority, '--token', 'any'],
  ...['--cache-dir', join(directory, version)],
]
const start = (version: string, args: readonly string[]) =>
  spawn(kubectlOf(version), [...baseArgs(version), ...args], { env: { HOME: directory, PATH: process.env.PATH } })
const kubectl = async (version: string, args: readonly string[], input?: Buffer) => {
  const child = start(version, args)
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  const errors = text(child.stderr)
  const [code] = (await once(child, 'close')) as [number]
  return { code, out: Buffer.concat(chunks), errors: await errors }
}
const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
/** What each version of kubectl asks for first. */
const carriage = (version: string, exec: boolean) => (exec ? (version < '1.30' ? 'raw' : 'translate') : version < '1.31' ? 'raw' : 'tunnel')

test.runIf(found.length > 0).each(found)('kubectl %s: exec with outputs, input, its end and the exit code', async (version) => {
  carriages.length = 0
  const ran = await kubectl(version, ['exec', '-i', 'web', '--', 'sh', '-c', 'cat; echo oops >&2; exit 3'], Buffer.from('through'))
  expect(ran).toMatchObject({ code: 3, errors: expect.stringMatching(/^oops\ncommand terminated with exit code 3\n$/) })
  expect(ran.out.toString()).toBe('through')
  expect(carriages).toEqual([carriage(version, true)])
  const plain = await kubectl(version, ['exec', 'web', '--', 'echo', 'hi'])
  expect([plain.code, plain.out.toString(), plain.errors]).toEqual([0, 'hi\n', ''])
})

test.runIf(found.length > 0).each(found)('kubectl %s: 50 MB through exec -i, whole', async (version) => {
  const block = randomBytes(50_000_000)
  const ran = await kubectl(version, ['exec', '-i', 'web', '--', 'cat'], block)
  expect([ran.code, ran.out.length, ran.errors]).toEqual([0, block.length, ''])
  expect(hash(ran.out)).toBe(hash(block))
})

test.runIf(found.length > 0).each(found)('kubectl %s: cp both ways', async (version) => {
  const [local, inside, back] = ['local', 'inside', 'back'].map((name) => join(directory, `${name}-${version}`)) as [string, string, string]
  const block = randomBytes(20_000_000)
  writeFileSync(local, block)
  expect(await kubectl(version, ['cp', local, `default/web:${inside}`])).toMatchObject({ code: 0 })
  expect(hash(readFileSync(inside))).toBe(hash(block))
  expect(await kubectl(version, ['cp', `default/web:${inside}`, back])).toMatchObject({ code: 0 })
  expect(hash(readFileSync(back))).toBe(hash(block))
})

test.runIf(found.length > 0).each(found)('kubectl %s: a command that cannot be run', async (version) => {
  const ran = await kubectl(version, ['exec', 'web', '--', '/no/such/program'])
  expect(ran.code).toBe(1)
  expect(ran.errors).toMatch(/error executing command in container: spawn \/no\/such\/program ENOENT/)
})

test.runIf(found.length > 0 && existsSync('/usr/bin/script')).each(found)('kubectl %s: exec -it follows the terminal', async (version) => {
  // util-linux's script gives kubectl a terminal of its own.
  const line = ['stty cols 101 rows 33;', kubectlOf(version), ...baseArgs(version), 'exec', '-it', 'web', '--', 'size'].join(' ')
  const child = spawn('/usr/bin/script', ['-qec', line, '/dev/null'], {
    env: { HOME: directory, PATH: process.env.PATH, TERM: 'xterm', SHELL: '/bin/sh' },
  })
  expect(await text(child.stdout)).toContain('101x33')
})

test.runIf(found.length > 0).each(found)('kubectl %s: port-forward, several connections at once', async (version) => {
  carriages.length = 0
  const child = start(version, ['port-forward', 'pod/web', `:${echoPort}`])
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const port = Number(/127\.0\.0\.1:(\d+) ->/.exec(line.toString())?.[1])
  child.stdout.resume()
  const one = async () => {
    const block = randomBytes(2_000_000)
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    socket.end(block)
    const chunks: Buffer[] = []
    for await (const chunk of socket) chunks.push(chunk as Buffer)
    expect(hash(Buffer.concat(chunks))).toBe(hash(block))
  }
  await Promise.all([one(), one(), one(), one()])
  expect(carriages).toEqual([carriage(version, false)])
  child.kill('SIGINT')
  await once(child, 'close')
  // Nothing stays behind on the way to the runtime.
  while ([...sockets].some((socket) => !(socket as Socket).destroyed)) await env.sleep(10)
})

test.runIf(found.length > 0).each(found)('kubectl %s: killed in the middle of a command, nothing stays', async (version) => {
  const child = start(version, ['exec', '-i', 'web', '--', 'cat'])
  child.stdin.on('error', () => {})
  child.stdin.write('x')
  expect(String(await once(child.stdout, 'data'))).toBe('x')
  child.kill('SIGKILL')
  await once(child, 'close')
  while ([...sockets].some((socket) => !(socket as Socket).destroyed)) await env.sleep(10)
})
