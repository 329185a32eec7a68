import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { text } from 'node:stream/consumers'
import { type ExecHandler, type StreamingTarget, serveExec, servePortForward, type Upgrade } from '@skiff/client'
import { systemEnv } from '@skiff/machinery'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ExecRequest } from './options.ts'
import { kubectls, startTestApiServer, type Wanted } from './test-api-server.ts'

const env = systemEnv()
const servers: Server[] = []
const runtimeSockets = new Set<Duplex>()
/** The runtime's sessions by their one-time paths. */
const sessions = new Map<string, (upgrade: Upgrade) => void>()
let nextToken = 0
let runtimePort = 0
let echoPort = 0
let api: Awaited<ReturnType<typeof startTestApiServer>>

const listen = async (server: Server): Promise<number> => {
  servers.push(server.listen(0, '127.0.0.1'))
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

const podDial = async (port: number): Promise<Duplex> => {
  const connection = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  await once(connection, 'connect')
  return connection
}
const prepare = async (wanted: Wanted): Promise<StreamingTarget> => {
  const token = `/cri/${nextToken++}`
  sessions.set(token, (upgrade) => {
    if ('exec' in wanted) void serveExec(upgrade, wanted.exec.streams, runHere(wanted.exec), env)
    else void servePortForward(upgrade, 'web', podDial, env)
  })
  return { url: new URL(`http://127.0.0.1:${runtimePort}${token}`), dial: async () => connect(runtimePort, '127.0.0.1') }
}

const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
/** What each version of kubectl asks for first: WebSockets for exec since 1.30, for port-forward since 1.31. */
const execCarriage = (version: string) => (version < '1.30' ? 'raw' : 'translate')
const forwardCarriage = (version: string) => (version < '1.31' ? 'raw' : 'tunnel')

describe.skipIf(kubectls.length === 0)('real kubectl', () => {
  beforeAll(async () => {
    const runtime = createHttpServer()
    runtime.on('upgrade', (request, socket, head) => {
      runtimeSockets.add(socket)
      socket.once('close', () => runtimeSockets.delete(socket))
      sessions.get(request.url ?? '')?.({ request, socket, head })
      sessions.delete(request.url ?? '')
    })
    runtimePort = await listen(runtime)
    const echo = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {})
      socket.pipe(socket)
    })
    echoPort = await listen(echo)
    api = await startTestApiServer(env, prepare)
  })
  afterAll(async () => {
    await api?.close()
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  })
  /** Nothing stays behind on either side; the test times out where something does. */
  const idle = async () => {
    await api.idle()
    while (runtimeSockets.size > 0) await env.sleep(5)
  }

  test.each(kubectls)('%s: exec with outputs, input, its end and the exit code', async (version) => {
    api.carriages()
    const ran = await api.kubectl(version, ['exec', '-i', 'web', '--', 'sh', '-c', 'cat; echo oops >&2; exit 3'], Buffer.from('through'))
    expect([ran.code, ran.out.toString(), ran.errors]).toEqual([3, 'through', 'oops\ncommand terminated with exit code 3\n'])
    expect(api.carriages()).toEqual([execCarriage(version)])
    const plain = await api.kubectl(version, ['exec', 'web', '--', 'echo', 'hi'])
    expect([plain.code, plain.out.toString(), plain.errors]).toEqual([0, 'hi\n', ''])
    await idle()
  })

  test.each(kubectls)('%s: 50 MB through exec -i, whole', async (version) => {
    const block = randomBytes(50_000_000)
    const ran = await api.kubectl(version, ['exec', '-i', 'web', '--', 'cat'], block)
    expect([ran.code, ran.out.length, ran.errors]).toEqual([0, block.length, ''])
    expect(hash(ran.out)).toBe(hash(block))
    await idle()
  })

  test.each(kubectls)('%s: cp both ways', async (version) => {
    const [local, inside, back] = ['local', 'inside', 'back'].map((name) => join(api.directory, `${name}-${version}`)) as [
      string,
      string,
      string,
    ]
    const block = randomBytes(20_000_000)
    writeFileSync(local, block)
    expect(await api.kubectl(version, ['cp', local, `default/web:${inside}`])).toMatchObject({ code: 0 })
    expect(hash(readFileSync(inside))).toBe(hash(block))
    expect(await api.kubectl(version, ['cp', `default/web:${inside}`, back])).toMatchObject({ code: 0 })
    expect(hash(readFileSync(back))).toBe(hash(block))
  })

  test.each(kubectls)('%s: a command that cannot be run', async (version) => {
    const ran = await api.kubectl(version, ['exec', 'web', '--', '/no/such/program'])
    expect(ran.code).toBe(1)
    expect(ran.errors).toMatch(/error executing command in container: spawn \/no\/such\/program ENOENT/)
  })

  test.skipIf(!existsSync('/usr/bin/script')).each(kubectls)('%s: exec -it follows the terminal', async (version) => {
    // util-linux's script gives kubectl a terminal of its own.
    const line = ['stty cols 101 rows 33;', ...api.commandLine(version), 'exec', '-it', 'web', '--', 'size'].join(' ')
    const variables = { HOME: api.directory, PATH: process.env.PATH, TERM: 'xterm', SHELL: '/bin/sh' }
    const child = spawn('/usr/bin/script', ['-qec', line, '/dev/null'], { env: variables })
    expect(await text(child.stdout)).toContain('101x33')
  })

  test.each(kubectls)('%s: port-forward, several connections at once', async (version) => {
    api.carriages()
    const child = api.start(version, ['port-forward', 'pod/web', `:${echoPort}`])
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
    expect(api.carriages()).toEqual([forwardCarriage(version)])
    child.kill('SIGINT')
    await once(child, 'close')
    await idle()
  })

  test.each(kubectls)('%s: killed in the middle of a command, nothing stays', async (version) => {
    const child = api.start(version, ['exec', '-i', 'web', '--', 'cat'])
    child.stdin.write('x')
    expect(String(await once(child.stdout, 'data'))).toBe('x')
    child.kill('SIGKILL')
    await once(child, 'close')
    await idle()
  })
})
