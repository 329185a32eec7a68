import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import { Readable } from 'node:stream'
import type { Call, Handler, Identity, Reply, ValueReply } from '../call.ts'
import { type ConnectWebSocket, dialWebSockets } from '../streaming/websocket-dial.ts'
import { readAll, refusalOf, valueReply, watchFrames } from './decode-reply.ts'
import { encodeCall, type WireRequest } from './encode-call.ts'

export interface HttpOptions {
  /** https://host:port of the API server; a path before /api is kept. */
  readonly server: string
  /** PEM. Absent: the authorities that Node knows. */
  readonly ca?: string | Buffer
  readonly cert?: string | Buffer
  readonly key?: string | Buffer
  /** A bearer token, or where to read it anew for each request. */
  readonly token?: string | (() => string | Promise<string>)
  readonly basic?: { readonly username: string; readonly password: string }
  /** Takes any server certificate. */
  readonly insecure?: boolean
  /** The name to check the server's certificate against, where it is not the host's. */
  readonly servername?: string
  readonly impersonate?: Identity
  readonly userAgent?: string
}

export interface HttpConnection {
  readonly handler: Handler
  /** A request that is no call on a resource: discovery, /version, /openapi. Throws a Refusal as calls do. */
  raw(method: string, path: string, options?: RawOptions): Promise<ValueReply>
  /** For exec, attach and port-forward. */
  readonly webSockets: ConnectWebSocket
  /** Closes idle connections; running calls end by their own signal. */
  close(): void
}
export interface RawOptions {
  readonly accept?: string
  readonly body?: Uint8Array
  readonly contentType?: string
  readonly signal?: AbortSignal
}

const impersonation = (who: Identity | undefined): Record<string, string | string[]> => {
  if (!who) return {}
  const headers: Record<string, string | string[]> = { 'Impersonate-User': who.name }
  if (who.uid) headers['Impersonate-Uid'] = who.uid
  if (who.groups.length > 0) headers['Impersonate-Group'] = [...who.groups]
  for (const [key, values] of Object.entries(who.extra ?? {})) headers[`Impersonate-Extra-${encodeURIComponent(key)}`] = [...values]
  return headers
}

/** Idle time before the kernel asks the other end for a sign of life; Node then asks every second, ten times. */
const probeAfterMs = 15_000

/** Resolves with the response's head. The request ends with `signal`, its body too. */
const send = (
  options: HttpOptions,
  agent: HttpAgent,
  headers: Readonly<Record<string, string | string[]>>,
  wire: WireRequest,
  signal: AbortSignal | undefined,
): Promise<IncomingMessage> => {
  const base = new URL(options.server)
  const answer = Promise.withResolvers<IncomingMessage>()
  const bytes = wire.body instanceof Uint8Array ? wire.body : undefined
  const outgoing = (base.protocol === 'http:' ? httpRequest : httpsRequest)({
    agent,
    host: base.hostname.replace(/^\[|\]$/g, ''),
    port: base.port || (base.protocol === 'http:' ? 80 : 443),
    method: wire.method,
    path: `${base.pathname.replace(/\/$/, '')}${wire.path}`,
    headers: {
      'user-agent': options.userAgent ?? 'skiff',
      ...headers,
      ...wire.headers,
      ...(bytes ? { 'content-length': bytes.length } : {}),
    },
    ...(signal ? { signal } : {}),
  })
  // A silent connection whose other end is gone ends within half a minute, so that a watch finds out and begins anew.
  outgoing.on('socket', (socket) => socket.setKeepAlive(true, probeAfterMs))
  outgoing.on('response', answer.resolve)
  outgoing.on('error', answer.reject)
  if (wire.body instanceof Readable) wire.body.pipe(outgoing)
  else outgoing.end(bytes)
  return answer.promise
}

const tlsOf = (options: HttpOptions) => ({
  ...(options.ca ? { ca: options.ca } : {}),
  ...(options.cert ? { cert: options.cert } : {}),
  ...(options.key ? { key: options.key } : {}),
  ...(options.servername ? { servername: options.servername } : {}),
  ...(options.insecure ? { rejectUnauthorized: false } : {}),
})

const authorization = async (options: HttpOptions): Promise<Record<string, string>> => {
  const token = typeof options.token === 'function' ? await options.token() : options.token
  if (token) return { authorization: `Bearer ${token}` }
  if (!options.basic) return {}
  return { authorization: `Basic ${Buffer.from(`${options.basic.username}:${options.basic.password}`).toString('base64')}` }
}

const plainStream = (call: Call, incoming: IncomingMessage): boolean =>
  call.verb === 'get' && call.subresource === 'log' && incoming.statusCode === 200

/** A connection to an API server: kept-alive sockets, as many as calls run at once (a watch holds one). */
export const openHttp = (options: HttpOptions): HttpConnection => {
  const plain = options.server.startsWith('http:')
  const agent = plain ? new HttpAgent({ keepAlive: true }) : new Agent({ keepAlive: true, ...tlsOf(options) })
  const fixed = impersonation(options.impersonate)
  const exchange = async (wire: WireRequest, signal: AbortSignal | undefined): Promise<IncomingMessage> => {
    const headers = { ...fixed, ...(await authorization(options)) }
    const incoming = await send(options, agent, headers, wire, signal)
    const code = incoming.statusCode ?? 500
    if (code < 400) return incoming
    throw refusalOf(code, incoming.headers['content-type'], await readAll(incoming))
  }
  const handler: Handler = async (call): Promise<Reply> => {
    const incoming = await exchange(encodeCall(call), call.signal)
    if (call.verb === 'watch') return { watch: watchFrames(incoming, call.signal) }
    if (call.verb === 'connect' || plainStream(call, incoming))
      return { status: incoming.statusCode ?? 200, stream: incoming, contentType: incoming.headers['content-type'] ?? 'text/plain' }
    return valueReply(incoming)
  }
  return {
    handler,
    raw: async (method, path, { accept, body, contentType, signal } = {}) =>
      valueReply(
        await exchange(
          {
            method,
            path,
            headers: { accept: accept ?? 'application/json, */*', ...(contentType ? { 'content-type': contentType } : {}) },
            ...(body ? { body } : {}),
          },
          signal,
        ),
      ),
    webSockets: async (path, protocols) => {
      const headers = { ...fixed, ...(await authorization(options)) } as Record<string, string>
      return dialWebSockets({ server: new URL(options.server), headers, ...tlsOf(options) })(path, protocols)
    },
    close: () => agent.destroy(),
  }
}

/** The Handler of an API server that is reached over HTTP. The call's identity counts for nothing: credentials do. */
export const overHttp = (options: HttpOptions): Handler => openHttp(options).handler
