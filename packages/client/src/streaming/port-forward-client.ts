import type { Duplex } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import type { Env } from '@skiff/machinery'
import { createWebSocketStream } from 'ws'
import { createSpdySession } from './spdy/session.ts'
import type { SpdyStream } from './spdy/stream.ts'
import type { ConnectWebSocket } from './websocket-dial.ts'

export const portForwardProtocol = 'portforward.k8s.io'
/** The WebSocket subprotocol that carries a SPDY connection in binary messages. */
export const tunnelPrefix = 'SPDY/3.1+'

export interface PortForwardOptions {
  readonly connect: ConnectWebSocket
  readonly namespace: string
  readonly pod: string
  readonly env: Pick<Env, 'after'>
}

/** One connection to a port of the pod. */
export interface ForwardedConnection {
  readonly data: SpdyStream
  /** What the node says about this connection when it is over; empty where all went well. Rejects when the session was lost. */
  readonly failure: Promise<string>
}

/** A session to one pod, which carries any number of connections. */
export interface PortForwardClient {
  open(port: number): ForwardedConnection
  /**
   * Carries `local` to a port of the pod until both directions have ended, and gives what the node says about it: empty where all went
   * well. Throws what broke on the way. Owns `local`.
   */
  carry(local: Duplex, port: number): Promise<string>
  close(): void
  /** Resolves when the session is over, with the error that ended it. */
  readonly closed: Promise<Error | undefined>
}

/** Opens a port-forward session to a pod: SPDY tunnelled over a WebSocket. Throws a Refusal when the server refuses. */
export const openPortForward = async ({ connect, namespace, pod, env }: PortForwardOptions): Promise<PortForwardClient> => {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/portforward`
  const ws = await connect(path, [`${tunnelPrefix}${portForwardProtocol}`])
  const session = createSpdySession(createWebSocketStream(ws), { role: 'client', env })
  let nextRequest = 0

  const open = (port: number): ForwardedConnection => {
    const headers = { port: String(port), requestid: String(nextRequest++) }
    const errors = session.open(new Map(Object.entries({ ...headers, streamtype: 'error' })))
    errors.end() // this side writes none
    const data = session.open(new Map(Object.entries({ ...headers, streamtype: 'data' })))
    const failure = text(errors)
    failure.catch(() => {})
    return { data, failure }
  }
  return {
    open,
    async carry(local, port) {
      const { data, failure } = open(port)
      const directions = await Promise.allSettled([pipeline(local, data, { end: true }), pipeline(data, local, { end: true })])
      local.destroy()
      const said = await failure.catch((error: Error) => error.message)
      const failed = directions.find((direction) => direction.status === 'rejected')
      if (failed && said === '') throw failed.reason
      return said
    },
    close: () => session.close(),
    closed: session.closed,
  }
}
