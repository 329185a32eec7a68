import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import { posix } from 'node:path'
import type { Duplex, Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createDeflateRaw, createGunzip, createGzip, createInflateRaw } from 'node:zlib'
import { isUpgrade } from '@skiff/client'
import { badRequest, type Env, serviceUnavailable } from '@skiff/machinery'
import type { Bridge } from './bridge.ts'
import { requestHeaders, responseHeaders } from './proxy-headers.ts'
import { spliceTo } from './raw.ts'
import { rewriteHtml } from './rewrite-html.ts'
import { type PagePlace, rewriteUrl } from './rewrite-url.ts'

/** What stands behind a `/proxy` subresource. */
export interface ProxyTarget {
  /** Opens a connection to the pod, to an endpoint of the service, or to the node. */
  readonly dial: () => Promise<Duplex>
  /** Its host and port, by which its own pages may name it. */
  readonly host: string
  /** What the client asked for after `/proxy`, as it stood in the URL (percent-encoded): '' or '/a/b'. */
  readonly path: string
  /** Headers that the backend gets besides the client's, or in their place. */
  readonly headers?: Readonly<Record<string, string | string[]>>
}

type Incoming = IncomingMessage | Http2ServerRequest
type Outgoing = ServerResponse | Http2ServerResponse

/** A request taken apart: what the backend is asked for, and where its pages stand. */
interface Asked {
  readonly path: string
  readonly query: string
  readonly place: PagePlace
  readonly headers: Record<string, string | string[]>
}

/** Node frames the body of these methods only when it is told to. */
const framed = (request: Incoming): { 'transfer-encoding'?: string } => {
  const { method, headers } = request
  const unframed = method !== 'POST' && method !== 'PUT' && method !== 'PATCH' && headers['content-length'] === undefined
  const hasBody = 'stream' in request ? !request.stream.endAfterHeaders : headers['transfer-encoding'] !== undefined
  return unframed && hasBody ? { 'transfer-encoding': 'chunked' } : {}
}

const askedOf = (request: Incoming, target: ProxyTarget): Asked => {
  const [publicPath = '', ...rest] = (request.url ?? '/').split('?')
  const query = rest.length > 0 ? `?${rest.join('?')}` : ''
  const endsOpen = publicPath.endsWith('/') && !target.path.endsWith('/')
  const path = endsOpen ? `${target.path}/` : target.path
  const prefix = publicPath.endsWith(path) ? publicPath.slice(0, publicPath.length - path.length) : publicPath
  const clientHost = request.headers.host ?? String(request.headers[':authority'] ?? target.host)
  const place = { prefix, backendHost: target.host, clientHost }
  const uri = posix.join(prefix, path)
  const headers = requestHeaders(request.headers, { clientHost, clientAddress: request.socket?.remoteAddress, uri })
  return { path, query, place, headers: { ...headers, ...target.headers } }
}

/** Decoders and encoders by Content-Encoding. Upstream's deflate is the raw one. */
const codings: Readonly<Record<string, () => readonly [Transform[], Transform[]]>> = {
  '': () => [[], []],
  gzip: () => [[createGunzip()], [createGzip()]],
  deflate: () => [[createInflateRaw()], [createDeflateRaw({ level: 9 })]],
}

/** The steps between the backend's body and the client's: none, but for pages whose links must lead back through the proxy. */
const rewriting = (answer: IncomingMessage, place: PagePlace): readonly Transform[] => {
  const type = (answer.headers['content-type'] ?? '').split(';')[0]?.trim()
  const coding = codings[answer.headers['content-encoding'] ?? '']
  const bodiless = answer.statusCode === 204 || answer.statusCode === 304
  if (answer.headers.location !== undefined || type !== 'text/html' || coding === undefined || bodiless) return []
  const [decode, encode] = coding()
  return [...decode, rewriteHtml((url) => rewriteUrl(url, place)), ...encode]
}

const writeAnswer = async (request: Incoming, response: Outgoing, answer: IncomingMessage, place: PagePlace): Promise<void> => {
  const headers = responseHeaders(answer.headers)
  if (typeof headers.location === 'string') headers.location = rewriteUrl(headers.location, place)
  const steps = request.method === 'HEAD' ? [] : rewriting(answer, place)
  if (steps.length > 0) delete headers['content-length']
  const out = response as ServerResponse
  out.writeHead(answer.statusCode ?? 502, headers)
  out.flushHeaders?.()
  await pipeline([answer as Readable, ...steps, out])
}

const reasonOf = (error: unknown): string =>
  error instanceof Error ? error.message || String((error as { code?: string }).code) : String(error)

/** Sends the request; resolves with the head of the answer. */
const send = async (
  request: Incoming,
  target: ProxyTarget,
  { path, query, headers }: Asked,
  gone: AbortSignal,
): Promise<IncomingMessage> => {
  try {
    const connection = await target.dial()
    const answer = Promise.withResolvers<IncomingMessage>()
    const outgoing = httpRequest({
      method: request.method,
      path: `${path}${query}`,
      headers: { ...headers, ...framed(request) },
      createConnection: () => connection,
      signal: gone,
    })
    outgoing.on('response', answer.resolve)
    outgoing.on('error', answer.reject)
    outgoing.on('close', () => connection.destroy())
    // Not as a pipeline: a backend may answer before it has read everything, and the client's connection carries that answer.
    ;(request as Readable).pipe(outgoing)
    return await answer.promise
  } catch (error) {
    throw serviceUnavailable(`error trying to reach service: ${reasonOf(error)}`)
  }
}

/**
 * Serves a `/proxy` subresource: the request goes to the backend and its answer to the client, both as they come. Throws a
 * Refusal where the backend cannot be reached; once the answer has begun, a failure cuts the client's connection.
 */
export const proxyHttp = async (request: Incoming, response: Outgoing, target: ProxyTarget): Promise<void> => {
  const asked = askedOf(request, target)
  if (asked.path === '' && (request.method === 'GET' || request.method === 'HEAD')) {
    // A page at the root without its slash would resolve relative links one level too high.
    const out = response as ServerResponse
    out.writeHead(301, { location: `${(request.url ?? '').split('?')[0]}/${asked.query}` })
    out.end()
    return
  }
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  const answer = await send(request, target, asked, gone.signal)
  try {
    await writeAnswer(request, response, answer, asked.place)
  } catch {
    if (!response.headersSent) throw serviceUnavailable('error trying to reach service: the answer could not be passed on')
    response.destroy()
  } finally {
    answer.destroy()
  }
}

/** The same for a request that asks for another protocol, such as a WebSocket: the backend's answer and all bytes pass as they are. */
export const openProxyUpgrade = async (request: IncomingMessage, target: ProxyTarget, env: Env, signal?: AbortSignal): Promise<Bridge> => {
  if (!isUpgrade(request)) throw badRequest('Upgrade request required')
  const { path, query, headers } = askedOf(request, target)
  const lines = [...Object.entries(headers), ['connection', 'Upgrade'] as const, ['upgrade', request.headers.upgrade ?? ''] as const]
  const backend = { url: new URL(`http://${target.host}${path || '/'}${query}`), dial: target.dial }
  const carry = await spliceTo(
    backend,
    request.method ?? 'GET',
    lines.flatMap(([name, value]) => [value].flat().flatMap((one) => [name, one])),
    env,
    signal,
  )
  return {
    upgrade(socket, head) {
      socket.on('error', () => {})
      return carry({ request, socket, head })
    },
  }
}
