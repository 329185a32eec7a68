import type { IncomingMessage } from 'node:http'
import { acceptWebSocket, headerList, type StreamingTarget, spdyUpgradeHeaders, tunnelPrefix, upgradeRefused } from '@skiff/client'
import type { Env } from '@skiff/machinery'
import { createWebSocketStream } from 'ws'
import { askBackend, type Carry } from './backend.ts'
import { splice } from './splice.ts'

/** A SPDY connection that came inside the binary messages of a WebSocket: it is unwrapped, and otherwise spliced. */
export const openTunnel = async (request: IncomingMessage, target: StreamingTarget, env: Env, signal?: AbortSignal): Promise<Carry> => {
  const offered = headerList(request, 'sec-websocket-protocol')
    .filter((name) => name.startsWith(tunnelPrefix))
    .map((name) => name.slice(tunnelPrefix.length))
  const answer = await askBackend(target, 'POST', spdyUpgradeHeaders(offered), signal)
  if (!answer.upgraded) throw upgradeRefused(answer.response.statusCode ?? 500, answer.body.toString())
  const chosen = answer.response.headers['x-stream-protocol-version'] ?? offered[0]
  return async (client) => {
    const ws = await acceptWebSocket(client, `${tunnelPrefix}${chosen}`)
    if (ws === undefined) {
      answer.socket.destroy()
      return
    }
    const stream = createWebSocketStream(ws)
    if (answer.head.length > 0) stream.write(answer.head)
    await splice(stream, answer.socket, env)
  }
}
