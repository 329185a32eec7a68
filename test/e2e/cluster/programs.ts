import { spawn } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { get } from 'node:http'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { run, until } from './cluster.ts'

/** One that speaks kubectl's words: skiff, or kubectl. */
export interface Program {
  readonly name: string
  readonly file: string
  readonly args: readonly string[]
  /** It and its words as a shell takes them. */
  line(words: string): string
}

const program = (name: string, file: string, args: readonly string[]): Program => ({
  ...{ name, file, args },
  line: (words) => [file, ...args, words].join(' '),
})

const built = fileURLToPath(new URL('../../../dist/skiff.js', import.meta.url))
export const skiffItself = program('skiff', process.execPath, ['--disable-warning=ExperimentalWarning', built])

/** kubectl 1.33, on the PATH or beside another one there. */
export const theirs = await (async (): Promise<Program | undefined> => {
  const found = (await run('sh', ['-c', 'command -v kubectl'])).out.trim()
  if (!found) return undefined
  const beside = join(dirname(realpathSync(found)), 'kubectl.1.33')
  const file = existsSync(beside) ? beside : found
  return /v1\.33\./.test((await run(file, ['version', '--client'])).out) ? program('kubectl', file, []) : undefined
})()

/** A program that runs on. */
export interface Running {
  out(): string
  err(): string
  write(input: string): void
  kill(signal: NodeJS.Signals): void
  /** Its exit code; -1 where a signal ended it. */
  readonly ended: Promise<number>
}

export const startProgram = (by: Program, args: readonly string[], env: object): Running => {
  const child = spawn(by.file, [...by.args, ...args], { env: { ...process.env, ...env }, stdio: 'pipe' })
  const said = { out: '', err: '' }
  child.stdout.on('data', (part: Buffer) => (said.out += part.toString()))
  child.stderr.on('data', (part: Buffer) => (said.err += part.toString()))
  child.stdin.on('error', () => {})
  return {
    out: () => said.out,
    err: () => said.err,
    write: (input) => void child.stdin.write(input),
    kill: (signal) => void child.kill(signal),
    ended: new Promise((done) => child.once('close', (code) => done(code ?? -1))),
  }
}

/** What is typed once a text was seen after what was seen before, or the size that the window takes then. */
export type Key = readonly [seen: string | RegExp, typed: string | { readonly rows: number; readonly columns: number }]

/** Runs a line on a terminal of 33 lines of 101 cells, and types. */
export const typing = async (line: string, keys: readonly Key[], env: object): Promise<{ text: string; code: number }> => {
  const inside = `stty rows 33 cols 101; tty >&3; exec ${line} 3>&-`
  const child = spawn('script', ['-qec', inside, '/dev/null'], { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe', 'pipe'] })
  let seen = ''
  let device = ''
  child.stdout?.on('data', (part: Buffer) => (seen += part.toString()))
  child.stdio[3]?.on('data', (part: Buffer) => (device += part.toString()))
  const ended = new Promise<number>((done) => child.once('close', (code) => done(code ?? -1)))
  let at = 0
  try {
    for (const [awaited, typed] of keys) {
      at = await until(
        `${JSON.stringify(String(awaited))} after ${JSON.stringify(seen.slice(at))}`,
        () => endOf(seen, awaited, at),
        15_000,
      ).catch((error) => {
        throw new Error(`${(error as Error).message}; seen: ${JSON.stringify(seen)}`)
      })
      if (typeof typed === 'string') child.stdin?.write(typed)
      else await run('stty', ['-F', device.trim(), 'rows', String(typed.rows), 'cols', String(typed.columns)])
    }
    return { code: await ended, text: seen }
  } finally {
    child.kill()
  }
}

const endOf = (text: string, awaited: string | RegExp, from: number): number | undefined => {
  const rest = text.slice(from)
  if (typeof awaited === 'string') {
    const found = rest.indexOf(awaited)
    return found < 0 ? undefined : from + found + awaited.length
  }
  const match = awaited.exec(rest)
  return match ? from + match.index + match[0].length : undefined
}

export const fetchText = (url: string): Promise<string> =>
  new Promise((done, failed) => {
    get(url, { agent: false }, (reply) => void text(reply).then(done, failed)).on('error', failed)
  })

/** Sends a text, ends sending, and gives what comes back. */
export const withText = (port: number, sent: string): Promise<string> => {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.end(sent)
  return text(socket)
}
