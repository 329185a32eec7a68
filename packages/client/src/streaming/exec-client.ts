import { PassThrough, type Readable, type Writable } from 'node:stream'
import type { Env } from '@skiff/machinery'
import { type ChannelProtocol, channel, channelProtocols, createChannels } from './channels.ts'
import { collectText } from './collect-text.ts'
import type { StreamSelection } from './exec-session.ts'
import { type ExecExit, parseExecStatus } from './exec-status.ts'
import type { ConnectWebSocket } from './websocket-dial.ts'

export interface ExecOptions {
  readonly connect: ConnectWebSocket
  readonly namespace: string
  readonly pod: string
  readonly container?: string
  /** Absent: attach to the container's own process. */
  readonly command?: readonly string[]
  readonly streams: StreamSelection
  readonly env: Pick<Env, 'after'>
}

/** A running command. Read what you asked for: unread output holds everything back, the exit too. */
export interface ExecClient {
  /** `end()` closes the command's standard input alone. */
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  resize(columns: number, rows: number): void
  /** Resolves when all output was read and the command has ended; never rejects (a lost connection is code 1 with its message). */
  readonly exit: Promise<ExecExit>
  /** Lets go of the command, which goes on or not as its runtime decides. */
  close(): void
}

/** The path of a pod's exec or attach subresource. */
export const execPath = (options: Pick<ExecOptions, 'namespace' | 'pod' | 'container' | 'command' | 'streams'>): string => {
  const query = new URLSearchParams()
  if (options.container) query.set('container', options.container)
  for (const word of options.command ?? []) query.append('command', word)
  for (const name of ['stdin', 'stdout', 'stderr', 'tty'] as const) if (options.streams[name]) query.set(name, 'true')
  const pod = `/api/v1/namespaces/${encodeURIComponent(options.namespace)}/pods/${encodeURIComponent(options.pod)}`
  return `${pod}/${options.command ? 'exec' : 'attach'}?${query}`
}

const statusBytes = 1_048_576
const v5 = channelProtocols[0] as ChannelProtocol

/** Runs a command in a container, or attaches to its process, over protocol v5. Throws a Refusal when the server refuses. */
export const openExec = async (options: ExecOptions): Promise<ExecClient> => {
  const ws = await options.connect(execPath(options), [v5.name])
  const channels = createChannels(ws, v5, options.env)
  const exit = Promise.withResolvers<ExecExit>()
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  const status = collectText(statusBytes)
  channels.reader(channel.stdout, stdout)
  channels.reader(channel.stderr, stderr)
  channels.reader(channel.error, status.sink)
  const stdin = channels.writer(channel.stdin, true)
  const resizes = channels.writer(channel.resize)
  let failure: Error | undefined
  for (const stream of [stdin, resizes, stdout, stderr]) stream.on('error', () => {}) // told by `exit`
  ws.on('error', (error) => {
    failure = error
  })
  ws.once('close', () => {
    const text = status.text()
    const complete = text !== '' && failure === undefined
    const message = failure?.message ?? 'the connection was lost before the command ended'
    for (const output of [stdout, stderr]) {
      if (complete) output.end()
      else output.destroy(new Error(message))
    }
    stdin.destroy()
    resizes.destroy()
    exit.resolve(complete ? parseExecStatus(text) : { code: 1, message })
  })
  return {
    stdin,
    stdout,
    stderr,
    resize: (columns, rows) => {
      if (resizes.writable) resizes.write(JSON.stringify({ Width: columns, Height: rows }))
    },
    exit: exit.promise,
    close: () => ws.terminate(),
  }
}
