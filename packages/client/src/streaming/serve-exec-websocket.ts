import { PassThrough } from 'node:stream'
import type { Env } from '@skiff/machinery'
import { acceptWebSocket } from './accept-websocket.ts'
import { channel, channelProtocols, createChannels, emptyMessage } from './channels.ts'
import { type ExecConnection, endAndFlush, type StreamSelection, sizeKeeper } from './exec-session.ts'
import { headerList, refuseUpgrade, type Upgrade } from './refuse-upgrade.ts'
import { terminalSizes } from './terminal-size.ts'

/** Takes a WebSocket of any remote command protocol. Undefined: it was refused, or went away. */
export const serveExecWebSocket = async (upgrade: Upgrade, streams: StreamSelection, env: Env): Promise<ExecConnection | undefined> => {
  const offered = headerList(upgrade.request, 'sec-websocket-protocol')
  const protocol = (offered.length === 0 ? [''] : offered)
    .map((name) => channelProtocols.find((known) => known.name === name))
    .find((known) => known !== undefined)
  if (protocol === undefined) {
    refuseUpgrade(upgrade.socket, env, 403, `requested protocol(s) are not supported: [${offered.join(' ')}]\n`)
    return undefined
  }
  const ws = await acceptWebSocket(upgrade, protocol.name)
  if (ws === undefined) return undefined
  const gone = new AbortController()
  const closed = new Promise<void>((resolve) => ws.once('close', () => resolve()))
  const channels = createChannels(ws, protocol, env)
  const stdin = streams.stdin ? new PassThrough() : undefined
  const [stdout, stderr] = [
    streams.stdout ? channels.writer(channel.stdout) : undefined,
    streams.stderr && !streams.tty ? channels.writer(channel.stderr) : undefined,
  ]
  const errors = channels.writer(channel.error)
  const sizes = sizeKeeper()
  if (stdin) channels.reader(channel.stdin, stdin)
  channels.reader(channel.resize, terminalSizes(sizes.put))
  for (const stream of [stdin, stdout, stderr, errors]) stream?.on('error', () => {}) // told by the signal
  void closed.then(() => {
    gone.abort()
    stdin?.end()
    for (const stream of [stdout, stderr, errors]) if (!stream?.writableFinished) stream?.destroy(new Error('the client has gone'))
  })
  const first = streams.stdout ? channel.stdout : streams.stderr ? channel.stderr : channel.error
  ws.send(emptyMessage(protocol, first))
  return {
    session: {
      ...(stdin ? { stdin } : {}),
      ...(stdout ? { stdout } : {}),
      ...(stderr ? { stderr } : {}),
      tty: streams.tty,
      onResize: sizes.onResize,
      signal: gone.signal,
    },
    async finish(status) {
      if (protocol.status) errors.write(JSON.stringify(status))
      else if (status.status !== 'Success') errors.write(status.message ?? '')
      await endAndFlush(errors)
      stdin?.destroy() // else a full one would keep us from reading the client's goodbye
      ws.close(1000)
      await closed
    },
  }
}
