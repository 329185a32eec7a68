import type { IncomingMessage } from 'node:http'
import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Env } from '@skiff/machinery'
import { closeGently } from './close-gently.ts'

/** A connection that asks for another protocol, as the 'upgrade' event of node:http has it. */
export interface Upgrade {
  readonly request: IncomingMessage
  readonly socket: Duplex
  readonly head: Uint8Array
}

export type HeaderLines = readonly (readonly [name: string, value: string])[]

/** The first bytes of an HTTP/1.1 response. */
export const responseHead = (code: number, headers: HeaderLines): string =>
  `HTTP/1.1 ${code} ${STATUS_CODES[code] ?? ''}\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`

/** Answers an upgrade request with an ordinary response and closes the connection. */
export const refuseUpgrade = (socket: Duplex, env: Pick<Env, 'after'>, code: number, text: string, headers: HeaderLines = []): void => {
  const body = Buffer.from(text)
  if (!socket.writable) {
    socket.destroy()
    return
  }
  const standard: HeaderLines = [
    ['Connection', 'close'],
    ['Content-Type', 'text/plain; charset=utf-8'],
    ['Content-Length', String(body.length)],
  ]
  socket.write(responseHead(code, [...headers, ...standard]))
  socket.write(body)
  closeGently(socket, env)
}

/** The values of a header that may come several times or as a list. */
export const headerList = (request: Pick<IncomingMessage, 'headers'>, name: string): string[] =>
  [request.headers[name] ?? []]
    .flat()
    .flatMap((value) => value.split(','))
    .map((value) => value.trim())
    .filter((value) => value !== '')

/** Whether the request asks for a WebSocket. */
export const isWebSocketUpgrade = (request: Pick<IncomingMessage, 'headers'>): boolean =>
  request.headers.upgrade?.toLowerCase() === 'websocket' &&
  headerList(request, 'connection').some((token) => token.toLowerCase() === 'upgrade')

/** Whether the request asks for any other protocol, as upstream decides it. */
export const isUpgrade = (request: Pick<IncomingMessage, 'headers'>): boolean =>
  (request.headers.connection ?? '').toLowerCase().includes('upgrade')
