import type { IncomingMessage } from 'node:http'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Upgrade } from './refuse-upgrade.ts'
import { maxMessageBytes } from './websocket-dial.ts'

/**
 * Completes a WebSocket handshake with the protocol `chosen` ('' for none). Undefined: the request was no good, and was answered. It
 * begins paused.
 */
export const acceptWebSocket = ({ request, socket, head }: Upgrade, chosen: string): Promise<WebSocket | undefined> => {
  const options = { noServer: true, perMessageDeflate: false, maxPayload: maxMessageBytes, clientTracking: false, closeTimeout: 5_000 }
  const server = new WebSocketServer(options)
  // Kubernetes' name for the port-forward tunnel has a slash in it, which is no token; `ws` refuses it, so the header is ours.
  const { 'sec-websocket-protocol': _offered, ...headers } = request.headers
  const plain = Object.create(request, { headers: { value: headers } }) as IncomingMessage
  if (chosen !== '') server.on('headers', (lines) => lines.push(`Sec-WebSocket-Protocol: ${chosen}`))
  return new Promise((resolve) => {
    socket.once('close', () => resolve(undefined))
    server.handleUpgrade(plain, socket, Buffer.from(head), (ws) => {
      ws.pause() // until the streams are in place
      ws.on('error', () => {}) // its 'close' follows, and tells all
      resolve(ws)
    })
  })
}
