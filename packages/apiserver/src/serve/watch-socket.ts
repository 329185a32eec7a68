import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { WatchReply } from '@skiff/client'
import { WebSocketServer } from 'ws'
import type { ServedFrame } from '../watch/frame.ts'
import { frameBytes } from './answer.ts'

const server = new WebSocketServer({ noServer: true, clientTracking: false })

/** Of frames in protobuf, how many bytes say how long they are: messages know that by themselves. */
const lengthBytes = 4
/** How much may wait for a client that reads slowly before its watch is ended. */
const maxUnsentBytes = 16 * 1024 * 1024

/**
 * A watch over a WebSocket, an event a message: text for JSON, binary for the rest. As upstream's library has it, a handshake without
 * an origin is forbidden, and only one protocol may be offered.
 */
export const serveWatchSocket = (incoming: IncomingMessage, socket: Duplex, head: Buffer, reply: WatchReply): void => {
  const watching = (reply.watch as AsyncIterable<readonly ServedFrame[]>)[Symbol.asyncIterator]()
  const protocols = String(incoming.headers['sec-websocket-protocol'] ?? '')
  if (incoming.headers.origin === undefined || protocols.includes(',')) {
    void watching.return?.()
    socket.end(`HTTP/1.1 ${protocols.includes(',') ? '400 Bad Request' : '403 Forbidden'}\r\n\r\n`)
    return
  }
  server.handleUpgrade(incoming, socket, head, (ws) => {
    const ended = () => void watching.return?.()
    ws.on('close', ended)
    ws.on('error', ended)
    const text = reply.contentType === undefined
    const skip = reply.contentType?.includes('protobuf') === true ? lengthBytes : 0
    const send = async () => {
      for (let next = await watching.next(); !next.done; next = await watching.next())
        for (const frame of next.value) {
          if (ws.bufferedAmount > maxUnsentBytes) return ws.terminate()
          const bytes = frameBytes(frame)
          ws.send(text ? bytes.toString() : bytes.subarray(skip), { binary: !text })
        }
      ws.close(1000)
    }
    send().catch(() => ws.terminate())
  })
}
