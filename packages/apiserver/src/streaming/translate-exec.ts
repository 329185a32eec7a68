import type { Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import {
  acceptWebSocket,
  type ChannelProtocol,
  channel,
  channelProtocols,
  collectText,
  createChannels,
  createSpdySession,
  emptyMessage,
  execStatus,
  type SpdySession,
  type SpdyStream,
  type StreamingTarget,
  type StreamSelection,
  spdyUpgradeHeaders,
  upgradeRefused,
} from '@skiff/client'
import { type Env, internalError } from '@skiff/machinery'
import { askBackend, type Carry } from './backend.ts'

const v5 = channelProtocols[0] as ChannelProtocol
const statusBytes = 1_048_576

/** The runtime's streams of one command. */
interface RemoteCommand {
  readonly session: SpdySession
  readonly error: SpdyStream
  readonly stdin: SpdyStream | undefined
  readonly stdout: SpdyStream | undefined
  readonly stderr: SpdyStream | undefined
  readonly resize: SpdyStream | undefined
}

const openCommand = async (streams: StreamSelection, target: StreamingTarget, env: Env, signal?: AbortSignal): Promise<RemoteCommand> => {
  const answer = await askBackend(target, 'POST', spdyUpgradeHeaders(['v4.channel.k8s.io']), signal)
  if (!answer.upgraded) throw upgradeRefused(answer.response.statusCode ?? 500, answer.body.toString())
  const session = createSpdySession(answer.socket, { role: 'client', env, head: answer.head })
  const open = (kind: string): SpdyStream => session.open(new Map([['streamtype', kind]]))
  const command: RemoteCommand = {
    session,
    error: open('error'),
    stdin: streams.stdin ? open('stdin') : undefined,
    stdout: streams.stdout ? open('stdout') : undefined,
    stderr: streams.stderr && !streams.tty ? open('stderr') : undefined,
    resize: streams.tty ? open('resize') : undefined,
  }
  command.error.end()
  const { stdin, stdout, stderr, resize } = command
  for (const silent of [stdin, resize]) silent?.resume() // nothing comes on these but their end
  try {
    await Promise.all([command.error, stdin, stdout, stderr, resize].map((stream) => stream?.accepted))
  } catch (error) {
    session.destroy()
    throw internalError(`the runtime refused a stream: ${error instanceof Error ? error.message : String(error)}`)
  }
  return command
}

/** Pipes a command's output into a channel; resolves when all of it is on its way, rejects when its end was not seen. */
const pour = async (output: SpdyStream | undefined, sink: Writable): Promise<void> => {
  if (output === undefined) return
  output.pipe(sink)
  await Promise.all([finished(output, { writable: false }), finished(sink)])
}

/** WebSocket v5 towards the client, SPDY v4 towards the runtime: the streams are the same, only v5 can close standard input alone. */
export const openTranslated = async (streams: StreamSelection, target: StreamingTarget, env: Env, signal?: AbortSignal): Promise<Carry> => {
  const { session, error, stdin, stdout, stderr, resize } = await openCommand(streams, target, env, signal)
  return async (client) => {
    const ws = await acceptWebSocket(client, v5.name)
    if (ws === undefined) {
      session.destroy()
      return
    }
    const closed = new Promise<void>((resolve) => ws.once('close', () => resolve()))
    void closed.then(() => session.destroy())
    const channels = createChannels(ws, v5, env)
    if (stdin) channels.reader(channel.stdin, stdin)
    if (resize) channels.reader(channel.resize, resize)
    ws.send(emptyMessage(v5, stdout ? channel.stdout : stderr ? channel.stderr : channel.error))
    const status = collectText(statusBytes)
    error.pipe(status.sink)
    let said: string
    try {
      const outputs = [pour(stdout, channels.writer(channel.stdout)), pour(stderr, channels.writer(channel.stderr))]
      await Promise.all([...outputs, finished(error, { writable: false })])
      said = status.text() || JSON.stringify(execStatus(0))
    } catch (lost) {
      said = JSON.stringify(internalError(lost instanceof Error ? lost.message : String(lost)).status)
    }
    // The command is over: what the client still sends goes nowhere, and must not keep us from reading its goodbye.
    stdin?.destroy()
    resize?.destroy()
    if (ws.readyState === ws.OPEN) ws.send(Buffer.concat([Buffer.from([channel.error]), Buffer.from(said)]))
    ws.close(1000)
    await closed
  }
}
