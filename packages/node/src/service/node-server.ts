import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { TLSSocket } from 'node:tls'
import { closeGently, requestUpgrade, type StreamingTarget } from '@skiff/client'
import { type Env, Refusal } from '@skiff/machinery'
import { type KubeletRequest, kubeletRequest } from './kubelet-routes.ts'
import type { NodeService } from './node-service.ts'
import { resourceMetrics } from './resource-metrics.ts'

export interface NodeServerOptions {
  readonly env: Env
  readonly service: NodeService
  readonly address: string
  /** 0: any. */
  readonly port: number
  /** PEM. */
  readonly certificate: string
  readonly key: string
  /** Clients show a certificate that one of these has signed (PEM). */
  readonly clientAuthorities: string
  /** Whether a client of this name and these groups may ask a node anything; absent: every client with a good certificate. */
  readonly allow?: (name: string, groups: readonly string[]) => boolean
}

export interface NodeServer {
  readonly port: number
  close(): Promise<void>
}

/** Serves the kubelet's API over HTTPS to clients with a certificate: how the API server reaches a node that is not in its process. */
export const startNodeServer = async (options: NodeServerOptions): Promise<NodeServer> => {
  const { env, certificate: cert, key, clientAuthorities: ca } = options
  const open = new Set<Duplex>()
  const server = createServer({ cert, key, ca, requestCert: true, rejectUnauthorized: true, ALPNProtocols: ['http/1.1'] })
  server.on('request', (request, response) => {
    answer(options, request, response).catch((error) => refuse(response, error))
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    socket.on('error', () => {}) // its 'close' follows
    carry(options, request, socket, head).catch((error) => {
      const { code, text } = told(error)
      socket.write(
        `HTTP/1.1 ${code} \r\nContent-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`,
      )
      closeGently(socket, env)
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.address, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const socket of open) socket.destroy()
      server.closeAllConnections()
      await closed
    },
  }
}

const urlOf = (request: IncomingMessage): URL => new URL(request.url ?? '/', 'https://node')

const authorise = ({ allow }: NodeServerOptions, request: IncomingMessage): void => {
  const { CN = '', O = [] } = (request.socket as TLSSocket).getPeerCertificate().subject ?? {}
  const name = Array.isArray(CN) ? (CN[0] ?? '') : CN
  if (allow && !allow(name, Array.isArray(O) ? O : [O])) throw new Refusal(403, 'Forbidden', `Forbidden (user=${name})`)
}

const answer = async (options: NodeServerOptions, request: IncomingMessage, response: ServerResponse): Promise<void> => {
  authorise(options, request)
  const asked = kubeletRequest(urlOf(request))
  const { service } = options
  const json = (value: unknown) => void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
  const text = (value: string) => void response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end(value)
  switch (asked.kind) {
    case 'healthz':
      return text('ok')
    case 'pods':
      return json(await service.pods())
    case 'runningPods':
      return json(await service.runningPods())
    case 'summary':
      return json(await service.statsSummary())
    case 'resourceMetrics':
      return text(resourceMetrics(await service.statsSummary()))
    case 'logs': {
      const stream = await service.logs(asked.options)
      response.writeHead(200, { 'content-type': 'text/plain' })
      // What follows a quiet log must not wait for its first line to learn that it has begun.
      response.flushHeaders()
      return pipeline(stream, response).catch(() => {})
    }
    default:
      throw new Refusal(400, 'BadRequest', 'Upgrade request required')
  }
}

const told = (error: unknown): { readonly code: number; readonly text: string } =>
  error instanceof Refusal
    ? { code: error.code, text: error.message }
    : { code: 500, text: error instanceof Error ? error.message : String(error) }

const refuse = (response: ServerResponse, error: unknown): void => {
  const { code, text } = told(error)
  if (response.headersSent) response.destroy()
  else response.writeHead(code, { 'content-type': 'text/plain; charset=utf-8' }).end(text)
}

const targetOf = (service: NodeService, asked: KubeletRequest): Promise<StreamingTarget> => {
  switch (asked.kind) {
    case 'exec':
      return service.exec(asked.options)
    case 'attach':
      return service.attach(asked.options)
    case 'portForward':
      return service.portForward(asked.options)
    default:
      throw new Refusal(400, 'BadRequest', 'this cannot be upgraded')
  }
}

/** Passes an upgraded connection on to the runtime's own session, bytes as they are. */
const carry = async (options: NodeServerOptions, request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
  authorise(options, request)
  const target = await targetOf(options.service, kubeletRequest(urlOf(request)))
  // The request to the runtime has these two of its own.
  const own = ['host', 'content-length']
  const headers = request.rawHeaders.filter((_, index, all) => !own.includes((all[index - (index % 2)] ?? '').toLowerCase()))
  const backend = await requestUpgrade(target, request.method ?? 'POST', headers)
  const { response } = backend
  const lines = response.rawHeaders.flatMap((name, index, all) => (index % 2 === 0 ? [`${name}: ${all[index + 1]}\r\n`] : []))
  socket.write(`HTTP/1.1 ${response.statusCode} ${response.statusMessage}\r\n${lines.join('')}\r\n`)
  if (!backend.upgraded) {
    socket.write(backend.body)
    return closeGently(socket, options.env)
  }
  if (backend.head.length > 0) socket.write(backend.head)
  if (head.length > 0) backend.socket.write(head)
  join(socket, backend.socket, options.env)
}

/** When one ends, what it sent is flushed to the other and both close. */
const join = (one: Duplex, other: Duplex, env: Env): void => {
  const end = () => {
    one.unpipe(other)
    other.unpipe(one)
    closeGently(one, env)
    closeGently(other, env)
  }
  for (const socket of [one, other]) {
    socket.once('end', end)
    socket.once('close', end)
    socket.on('error', () => {})
  }
  one.pipe(other, { end: false })
  other.pipe(one, { end: false })
}
