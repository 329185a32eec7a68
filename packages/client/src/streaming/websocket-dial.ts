import type { Duplex } from 'node:stream'
import { text } from 'node:stream/consumers'
import { type FailureStatus, Refusal } from '@skiff/machinery'
import { WebSocket } from 'ws'

/** The largest message taken: what upstream's library takes. */
export const maxMessageBytes = 33_554_432

/** Opens a WebSocket on a path of the API server with one of `protocols`; throws a Refusal when the server refuses. It begins paused. */
export type ConnectWebSocket = (path: string, protocols: readonly string[]) => Promise<WebSocket>

export interface WebSocketDialOptions {
  /** https://host:port of the API server. */
  readonly server: URL
  readonly headers?: Readonly<Record<string, string>>
  readonly ca?: string | Buffer
  readonly cert?: string | Buffer
  readonly key?: string | Buffer
  readonly servername?: string
  readonly rejectUnauthorized?: boolean
  /** Where the connection goes instead of the server's address, such as through a tunnel. */
  readonly createConnection?: () => Duplex
}

const isStatus = (value: unknown): value is FailureStatus =>
  typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'Status'

/** A server's answer to an upgrade that it did not take. */
export const upgradeRefused = (code: number, body: string): Refusal => {
  try {
    const value: unknown = JSON.parse(body)
    if (isStatus(value)) return Refusal.from(value)
  } catch {
    // Not every server answers with a Status; its text is the message then.
  }
  return new Refusal(code, '', `unable to upgrade connection: ${body.trim() || `status ${code}`}`)
}

/** A ConnectWebSocket to an API server. */
export const dialWebSockets =
  ({ server, headers = {}, ...connection }: WebSocketDialOptions): ConnectWebSocket =>
  (path, protocols) => {
    const opened = Promise.withResolvers<WebSocket>()
    // Kubernetes' name for the port-forward tunnel has a slash in it, which is no token; `ws` refuses it, so the header is ours.
    const ws = new WebSocket(new URL(path, server), [], {
      ...connection,
      headers: { ...headers, 'Sec-WebSocket-Protocol': protocols.join(', ') },
      perMessageDeflate: false,
      maxPayload: maxMessageBytes,
      closeTimeout: 5_000,
    } as ConstructorParameters<typeof WebSocket>[2])
    let chosen: string | undefined
    ws.once('upgrade', (response) => {
      chosen = response.headers['sec-websocket-protocol']
      delete response.headers['sec-websocket-protocol']
    })
    ws.once('unexpected-response', (_request, response) => {
      text(response).then(
        (body) => opened.reject(upgradeRefused(response.statusCode ?? 500, body)),
        (error) => opened.reject(error),
      )
    })
    ws.on('error', (error) => opened.reject(error))
    ws.once('open', () => {
      if (chosen === undefined || !protocols.includes(chosen)) {
        ws.terminate()
        opened.reject(new Error(`the server chose protocol ${JSON.stringify(chosen ?? '')} of ${protocols.join(', ')}`))
        return
      }
      ws.pause() // until the streams are in place
      opened.resolve(ws)
    })
    return opened.promise
  }
