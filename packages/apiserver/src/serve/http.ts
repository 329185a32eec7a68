import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { STATUS_CODES } from 'node:http'
import http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { type Call, closeGently, type Handler, type Identity, type Reply } from '@skiff/client'
import { badRequest, type Env, isRefusal, Refusal } from '@skiff/machinery'
import type { PassOn } from '../aggregation/pass-on.ts'
import { adoptSocketToken } from '../authn/socket-token.ts'
import { Denied } from '../authorize.ts'
import type { Limiter } from '../fairness/limiter.ts'
import type { RequestMetrics } from '../metrics/requests.ts'
import { isPageNotFound, notFoundHere } from '../not-found.ts'
import { plainFailureText } from '../plain-failure.ts'
import { methodNotAllowed } from '../rest/context.ts'
import type { ServedFrame } from '../watch/frame.ts'
import { statusOf, writeStatus, writeStream, writeValue, writeWatch } from './answer.ts'
import { keepSession, refuseGarbage } from './connections.ts'
import { createDeadlines, type Deadline, type Deadlines } from './deadlines.ts'
import { flowRequestOf, flowRequestOfPath, isLongRunning, limited } from './limited.ts'
import type { Incoming, Outgoing } from './messages.ts'
import { type Bodies, ClientGone, createBodies } from './read-body.ts'
import { misplaced, parseTarget, type Target, verbOf } from './route.ts'
import { allowCbor, servesCbor } from './statuses.ts'
import { serveWatchSocket } from './watch-socket.ts'

/** Tells who sent a request; throws a Refusal (401, or 403 for an impersonation that is not allowed). */
export type Authenticate = (request: {
  readonly headers: Incoming['headers']
  readonly socket: TLSSocket | undefined
}) => Identity | Promise<Identity>

/** A path outside of the resources: /healthz, /version, /openapi/v2. Authorised by the caller of this table. */
export type PlainRoute = (request: {
  readonly target: Target
  readonly incoming: Incoming
  readonly outgoing: Outgoing
  readonly identity: Identity
  readonly method: string
}) => void | Promise<void>

export interface ServeOptions {
  readonly handler: Handler
  readonly authenticate: Authenticate
  /** Finds the route of a path that names no resource and checks the identity's right to it; undefined: 404. */
  readonly plainRoute: (path: string, identity: Identity, method: string) => PlainRoute | undefined
  /** Requests for other servers; none by default. */
  readonly passOn?: PassOn
  readonly env: Env
  readonly tls: { readonly key: string; readonly cert: string; readonly clientCa: string }
  /** Which requests are served at a time. */
  readonly limiter: Limiter
  /** Hears of every request that was answered. */
  readonly requests: Pick<RequestMetrics, 'note'>
  /** How many seats a list takes. */
  readonly widthOf: (call: Call) => number
  /** CBOR is served. */
  readonly cbor?: boolean
  /** False: answers are never packed. */
  readonly packs?: boolean
}

/** What one listener keeps for all its requests. */
interface Serving extends ServeOptions {
  readonly bodies: Bodies
  readonly deadlines: Deadlines
}

export interface HttpServer {
  readonly port: number
  /** New certificate and key for new connections. */
  renew(tls: ServeOptions['tls']): void
  close(): Promise<void>
}

// Upstream's times: to say what one wants, and to say nothing on an open connection.
const headersMs = 32_000
const idleMs = 90_000
const maxHeaderSize = 128 * 1024
const maxConnections = 10_000
/** Bytes of a request body above which it is refused. */
const maxBodyBytes = 3 * 1024 * 1024

/** Serves the handler over HTTPS, HTTP/1.1 and HTTP/2, on one port. Resolves when it listens. */
export const serveHttp = (given: ServeOptions, listen: { readonly host: string; readonly port: number }): Promise<HttpServer> => {
  const options: Serving = { ...given, bodies: createBodies(maxBodyBytes), deadlines: createDeadlines(given.env) }
  const server = http2.createSecureServer({
    key: options.tls.key,
    cert: options.tls.cert,
    ca: options.tls.clientCa,
    requestCert: true,
    rejectUnauthorized: false,
    allowHTTP1: true,
    // client-go sends everything over one connection: slow lists must leave room for what comes beside them.
    maxSessionMemory: 256,
    settings: { maxConcurrentStreams: 1000, initialWindowSize: 1024 * 1024 },
    streamResetBurst: 2000,
    streamResetRate: 200,
    handshakeTimeout: headersMs,
    maxHeaderSize,
    http1Options: { maxHeaderSize },
  } as http2.SecureServerOptions)
  // The deadline of a request minds its body; what is passed on to pods may take as long as it likes.
  Object.assign(server, { headersTimeout: headersMs, requestTimeout: 0, keepAliveTimeout: idleMs, maxConnections })
  const sockets = new Set<Duplex>()
  server.on('secureConnection', (socket) => {
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
  })
  server.on('session', keepSession)
  server.on('tlsClientError', () => {})
  server.on('clientError', refuseGarbage(options.env))
  server.on('request', (incoming: Incoming, outgoing: Outgoing) => void answer(options, incoming, outgoing))
  server.on('upgrade', (incoming: IncomingMessage, socket: Duplex, head: Buffer) => void upgrade(options, incoming, socket, head))
  server.on('connect', (incoming: Incoming, outgoing: Outgoing) => {
    if ('writeHead' in outgoing) writeStatus(incoming, outgoing, methodNotAllowed().status)
  })
  server.setTimeout(0)
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(listen.port, listen.host, () => {
      server.off('error', reject)
      server.on('error', (error) => options.env.log.error('the listener failed', { error: String(error) }))
      resolve({
        port: (server.address() as AddressInfo).port,
        renew: (tls) => server.setSecureContext({ key: tls.key, cert: tls.cert, ca: tls.clientCa }),
        close: () =>
          new Promise((done) => {
            options.deadlines.stop()
            server.close(() => done())
            for (const socket of sockets) socket.destroy()
          }),
      })
    })
  })
}

const identify = (options: Serving, incoming: Incoming): Identity | Promise<Identity> =>
  options.authenticate({ headers: incoming.headers, socket: incoming.socket as TLSSocket | undefined })

/** What logs call a request by: the client's own name for it, or a new one. */
const auditId = (incoming: Incoming): string => {
  const given = incoming.headers['audit-id']
  return typeof given === 'string' && given !== '' && given.length <= 64 ? given : randomUUID()
}

const applyFeatures = ({ cbor, packs }: ServeOptions, incoming: Incoming): void => {
  if (cbor) allowCbor(incoming)
  if (packs === false) delete incoming.headers['accept-encoding']
}

const answer = async (options: Serving, incoming: Incoming, outgoing: Outgoing): Promise<void> => {
  outgoing.setHeader('audit-id', auditId(incoming))
  let deadline: Deadline | undefined
  let call: Call | undefined
  applyFeatures(options, incoming)
  try {
    const answered = identify(options, incoming)
    const identity = answered instanceof Promise ? await answered : answered
    const target = parseTarget(incoming.url ?? '/')
    if (!target) return await writeBadTarget(incoming, outgoing)
    const passed = options.passOn?.http(target.path)
    if (passed) {
      call = target.resource && callOf(incoming, target, identity, outgoing)
      const wanted = { incoming, identity, target, call }
      const act = () => passed(wanted, outgoing)
      if (call && (call.verb === 'watch' || isLongRunning(call))) return await act()
      const request = call ? flowRequestOf(call) : flowRequestOfPath(target.path, incoming.method ?? 'GET')
      await limited(options.limiter, outgoing, { identity, request, width: 1 }, act)
      return
    }
    const { limiter } = options
    if (!target.resource) {
      deadline = options.deadlines.begin(incoming, outgoing, target.query)
      const request = flowRequestOfPath(target.path, incoming.method ?? 'GET')
      const act = () => answerPlain(options, incoming, outgoing, target, identity)
      return await limited(limiter, outgoing, { identity, request, width: 1 }, act)
    }
    call = callOf(incoming, target, identity, outgoing)
    if (isLongRunning(call)) return await writeReply(incoming, outgoing, await options.handler(call))
    if (call.verb !== 'watch') deadline = options.deadlines.begin(incoming, outgoing, target.query)
    // A body is awaited before there is a seat: a client that sends slowly keeps nobody else from theirs.
    const whole = needsBody(incoming) ? await withBody(options, incoming, call) : withoutBody(incoming, call)
    const width = call.verb === 'list' ? options.widthOf(call) : 1
    const reply = await limited(limiter, outgoing, { identity, request: flowRequestOf(call), width }, () => options.handler(whole))
    if (reply && !outgoing.headersSent) await writeReply(incoming, outgoing, reply)
  } catch (error) {
    if (outgoing.destroyed || error instanceof ClientGone) return
    if (error instanceof Refusal && isPageNotFound(error)) return void writeNotFoundPage(incoming, outgoing)
    const failure = error instanceof Refusal ? plainFailureText(error, incoming.url ?? '') : undefined
    if (failure !== undefined) return void writeFailurePage(incoming, outgoing, failure)
    if (error instanceof Denied) outgoing.setHeader('x-content-type-options', 'nosniff')
    writeStatus(incoming, outgoing, statusOf(error, options.env.log), error instanceof Refusal ? error.warnings : undefined)
  } finally {
    if (deadline) options.deadlines.end(deadline)
    const ms = deadline ? options.env.monotonicMs() - deadline.beganMs : 0
    options.requests.note(call, incoming.method ?? 'GET', outgoing.statusCode, ms)
  }
}

/** Resolves when the answer has been handed over, which for a long one is when the client has taken most of it. */
const writeReply = async (incoming: Incoming, outgoing: Outgoing, reply: Reply): Promise<void> => {
  if ('watch' in reply) return writeWatch(outgoing, reply.watch as AsyncIterable<readonly ServedFrame[]>, reply)
  if ('stream' in reply) return writeStream(outgoing, reply)
  if ('upgrade' in reply) throw badRequest('Upgrade request required')
  if ('written' in reply) return
  await writeValue(incoming, outgoing, reply)
}

const answerPlain = async (options: Serving, incoming: Incoming, outgoing: Outgoing, target: Target, identity: Identity): Promise<void> => {
  const method = incoming.method ?? 'GET'
  const route = options.plainRoute(target.path, identity, method)
  if (!route) {
    // Paths below /api belong to the routes of resources.
    if (/^\/api\/./.test(target.path)) return writeStatus(incoming, outgoing, notFoundHere().status)
    return writeNotFoundPage(incoming, outgoing)
  }
  await route({ target, incoming, outgoing, identity, method })
}

const plainText = 'text/plain; charset=utf-8'

/** Go's mux answers a path that nobody serves in plain words. */
const writeNotFoundPage = (incoming: Incoming, outgoing: Outgoing): Promise<void> | undefined => {
  const headers = { 'x-content-type-options': 'nosniff' }
  return writeValue(incoming, outgoing, { status: 404, bytes: Buffer.from('404 page not found\n'), contentType: plainText, headers })
}

const writeFailurePage = (incoming: Incoming, outgoing: Outgoing, text: string): Promise<void> | undefined => {
  const headers = { 'x-content-type-options': 'nosniff' }
  return writeValue(incoming, outgoing, { status: 500, bytes: Buffer.from(text), contentType: plainText, headers })
}

/** What Go's server itself says of a target whose escapes are broken. */
const writeBadTarget = (incoming: Incoming, outgoing: Outgoing): Promise<void> | undefined =>
  writeValue(incoming, outgoing, { status: 400, bytes: Buffer.from('400 Bad Request'), contentType: plainText })

const needsBody = (incoming: Incoming): boolean => {
  const { method, headers } = incoming
  if (method === 'GET' || method === 'HEAD') return false
  return headers['content-length'] !== '0'
}

/** The call of a request whose body has not been read. */
const callOf = (incoming: Incoming, target: Target, identity: Identity, outgoing: Outgoing | undefined): Call => {
  const resource = target.resource as NonNullable<Target['resource']>
  const method = incoming.method ?? 'GET'
  const oldWatch = target.path.includes('/watch/')
  const verb = verbOf(method, resource, target.query, oldWatch)
  const accept = incoming.headers.accept
  const call: { -readonly [K in keyof Call]: Call[K] } = {
    verb: verb ?? 'get',
    ...resource,
    query: target.query,
    identity,
    accept: accept ?? 'application/json',
  }
  if (servesCbor(incoming)) call.cbor = true
  if (!verb || misplaced(method, resource)) call.misplaced = true
  if (method === 'HEAD' || !verb) call.method = method
  const agent = incoming.headers['user-agent']
  if (agent !== undefined) call.userAgent = agent
  if (verb === 'watch' || verb === 'connect' || resource.subresource === 'log') call.signal = closedSignal(incoming, outgoing)
  if (verb === 'connect') {
    call.method = method
    call.http = { incoming: incoming as IncomingMessage, outgoing: outgoing as ServerResponse | undefined }
  }
  return call
}

/** Aborts when the client goes away. */
const closedSignal = (incoming: Incoming, outgoing: Outgoing | undefined): AbortSignal => {
  const controller = new AbortController()
  const abort = () => controller.abort()
  if (outgoing) outgoing.on('close', abort)
  else incoming.socket?.on('close', abort)
  return controller.signal
}

const withBody = async (options: Serving, incoming: Incoming, call: Call): Promise<Call> => {
  const bytes = await options.bodies.read(incoming, call.identity)
  if (bytes.length === 0 && (call.verb === 'delete' || call.verb === 'deletecollection')) return call
  const contentType = incoming.headers['content-type'] ?? 'application/json'
  return { ...call, body: call.cbor ? { bytes, contentType, cbor: true } : { bytes, contentType } }
}

/** A write without a body still says of what media type it is. */
const withoutBody = (incoming: Incoming, call: Call): Call =>
  call.verb === 'patch' || call.verb === 'create' || call.verb === 'update'
    ? { ...call, body: { bytes: Buffer.alloc(0), contentType: incoming.headers['content-type'] ?? 'application/json' } }
    : call

/** An HTTP/1.1 upgrade: the handler's answer takes the connection over, or a Status is written on it. */
const upgrade = async (options: Serving, incoming: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
  applyFeatures(options, incoming)
  try {
    adoptSocketToken(incoming)
    const answered = identify(options, incoming)
    const identity = answered instanceof Promise ? await answered : answered
    const target = parseTarget(incoming.url ?? '/')
    if (!target?.resource) throw badRequest('the server could not find the requested resource')
    const call = callOf(incoming, target, identity, undefined)
    const passed = options.passOn?.upgrade(target.path)
    if (passed) return await passed({ incoming, identity, target, call }, socket, head)
    const reply = await options.handler(call)
    if ('upgrade' in reply) return reply.upgrade(socket, head)
    if ('watch' in reply) return serveWatchSocket(incoming, socket, head, reply)
    throw badRequest('Upgrade request required')
  } catch (error) {
    const status = isRefusal(error) ? error.status : statusOf(error, options.env.log)
    refuseUpgrade(options, socket, status.code, status)
  }
}

const refuseUpgrade = ({ env }: Serving, socket: Duplex, code: number, status: unknown): void => {
  const body = Buffer.from(`${JSON.stringify(status)}\n`)
  socket.write(
    `HTTP/1.1 ${code} ${STATUS_CODES[code] ?? ''}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body.toString()}`,
  )
  closeGently(socket, env)
}
