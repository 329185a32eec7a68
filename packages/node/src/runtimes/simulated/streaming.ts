import { randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type ExecSession, serveExec, servePortForward, type Upgrade } from '@skiff/client'
import type { Env } from '@skiff/machinery'
import { type ContainerInfo, type ExecResult, RuntimeError, type StreamChoice } from '../runtime.ts'
import { scriptOf } from './behaviour.ts'
import type { SimulatedOptions } from './options.ts'
import type { World } from './world.ts'

/** Streaming sessions of simulated containers, on a port of this machine's loopback that opens with the first of them. */
export const streamingCalls = (world: World, options: SimulatedOptions) => {
  const { env } = world
  const sessions = new Map<string, (upgrade: Upgrade) => Promise<void>>()
  let server: Promise<Server> | undefined

  const listen = (): Promise<Server> =>
    new Promise((resolve, reject) => {
      const made = createServer((_request, response) => response.writeHead(400).end('upgrade request required'))
      made.on('upgrade', (request, socket, head) => {
        const token = (request.url ?? '').slice(1).split('?')[0] ?? ''
        const serve = sessions.get(token)
        sessions.delete(token)
        if (!serve) return void socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n')
        serve({ request, socket, head }).catch((error) => env.log.debug('a simulated session ended', { error: String(error) }))
      })
      made.once('error', reject)
      made.listen(0, '127.0.0.1', () => resolve(made.unref()))
    })
  const open = async (serve: (upgrade: Upgrade) => Promise<void>): Promise<string> => {
    server ??= listen()
    const { port } = (await server).address() as AddressInfo
    const token = randomBytes(8).toString('hex')
    sessions.set(token, serve)
    return `http://127.0.0.1:${port}/${token}`
  }
  const running = (id: string): ContainerInfo => {
    const { info } = world.container(id)
    if (info.state !== 'running') throw new RuntimeError('unknown', `container ${id} is not running`)
    return info
  }
  return {
    exec: async (id: string, command: readonly string[], streams: StreamChoice) => {
      const info = running(id)
      const answer = (words: readonly string[]) => execute(env, info, words, options.exec)
      return open((upgrade) => serveExec(upgrade, streams, (session) => runCommand(command, session, answer), env))
    },
    attach: async (id: string, streams: StreamChoice) => {
      running(id)
      return open((upgrade) => serveExec(upgrade, streams, (session) => follow(world, id, session), env))
    },
    portForward: async (sandboxId: string) => {
      const name = world.sandboxes.get(sandboxId)?.info.podName
      if (name === undefined)
        throw new RuntimeError('notFound', `an error occurred when try to find sandbox ${JSON.stringify(sandboxId)}: not found`)
      return open((upgrade) => servePortForward(upgrade, name, async (port) => greeter(name, port), env))
    },
    closeStreaming: () => {
      server?.then((made) => made.close().closeAllConnections()).catch(() => {})
    },
  }
}

/** What a command answers: as the options say, else by the few words that `scriptOf` knows. */
export const execute = async (
  env: Env,
  info: ContainerInfo,
  command: readonly string[],
  own: SimulatedOptions['exec'],
): Promise<ExecResult> => {
  if (own) return own(info, command)
  const { lines = [], exitCode = 0, runMs } = scriptOf(command)
  if (runMs) await env.sleep(runMs)
  return { stdout: Buffer.from(lines.map(({ text }) => `${text}\n`).join('')), stderr: Buffer.alloc(0), exitCode }
}

type Answer = (words: readonly string[]) => Promise<ExecResult>

/** `cat` copies its input; a shell without a script takes its lines as scripts; anything else is answered at once. */
const runCommand = async (command: readonly string[], session: ExecSession, answer: Answer): Promise<number> => {
  const name = (command[0] ?? '').replace(/^.*\//, '')
  if (name === 'cat' && command.length === 1 && session.stdin) {
    if (session.stdout) await pipeline(session.stdin, session.stdout, { end: false })
    return 0
  }
  if (['sh', 'bash', 'ash'].includes(name) && command.length === 1 && session.stdin) return shell(session, answer)
  const { stdout, stderr, exitCode } = await answer(command)
  session.stdout?.write(stdout)
  session.stderr?.write(stderr)
  return exitCode
}

const shell = async ({ stdin, stdout, tty }: ExecSession, answer: Answer): Promise<number> => {
  if (!stdin) return 0
  const newline = tty ? '\r\n' : '\n'
  let exitCode = 0
  const prompt = () => void (tty && stdout?.write('/ # '))
  prompt()
  for await (const line of createInterface({ input: stdin })) {
    if (tty) stdout?.write(`${line}${newline}`)
    const exit = /^\s*exit(?:\s+(\d+))?\s*$/.exec(line)
    if (exit) return Number(exit[1] ?? exitCode)
    if (line.trim() !== '') {
      const result = await answer(['sh', '-c', line])
      stdout?.write(result.stdout.toString().replaceAll('\n', newline))
      exitCode = result.exitCode
    }
    prompt()
  }
  return exitCode
}

/** What a container writes from now on. */
const follow = async ({ containers, env }: World, id: string, { stdout, signal }: ExecSession): Promise<number> => {
  let told = containers.get(id)?.log.length ?? 0
  for (;;) {
    const held = containers.get(id)
    for (const line of held?.log.slice(told) ?? []) stdout?.write(line.split(' ').slice(3).join(' '))
    told = held?.log.length ?? 0
    if (signal.aborted || held?.info.state !== 'running') return held?.info.exitCode ?? 0
    await env.sleep(100, signal)
  }
}

/** Whoever connects to a port of a simulated pod gets one answer in HTTP. */
const greeter = (pod: string, port: number): Duplex => {
  const body = `${pod}: port ${port} of a simulated pod\n`
  const answer = `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`
  const duplex: Duplex = new Duplex({
    read: () => {},
    write: (_chunk, _encoding, done) => {
      if (!duplex.readableEnded && duplex.readable) {
        duplex.push(answer)
        duplex.push(null)
      }
      done()
    },
  })
  return duplex
}
