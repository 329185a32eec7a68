import { rmSync } from 'node:fs'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import type { Duplex, Readable } from 'node:stream'
import type { NodeConnection, PodRef } from '@skiff/apiserver'
import { closeGently, type StreamingTarget } from '@skiff/client'
import { type FailureStatus, isRefusal, Refusal, serviceUnavailable, systemEnv } from '@skiff/machinery'
import type { NodeService } from '@skiff/node'

/**
 * The way to an agent in a process and network namespace of its own: HTTP over a unix socket, which namespaces of one machine share.
 * Calls carry JSON; `CONNECT host:port` gives a connection as the node sees it.
 */
export const serveNode = async (service: NodeService, path: string): Promise<() => Promise<void>> => {
  rmSync(path, { force: true })
  const server = createServer((incoming, outgoing) => void answer(service, incoming, outgoing))
  server.on('connect', (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
    const at = (incoming.url ?? '').lastIndexOf(':')
    const target = connect(Number(incoming.url?.slice(at + 1)), incoming.url?.slice(0, at))
    target.once('connect', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      if (head.length > 0) target.write(head)
      target.pipe(socket).pipe(target)
    })
    closeTogether(target, socket)
    closeTogether(socket, target)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
  return () =>
    new Promise((done) => {
      server.close(() => done())
      server.closeAllConnections()
    })
}

/** What a side has sent before its end still arrives; one that breaks breaks the other. */
const closeTogether = (side: Duplex, other: Duplex): void => {
  side.on('error', () => {})
  side.on('close', () => {
    if (side.readableEnded) closeGently(other, systemEnv())
    else other.destroy()
  })
}

interface NodeCall {
  readonly pod: PodRef
  readonly options: Readonly<Record<string, unknown>>
}

const answer = async (service: NodeService, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
  try {
    const { pod, options } = JSON.parse(await bodyOf(incoming)) as NodeCall
    const about = { namespace: pod.namespace, pod: pod.name, uid: pod.uid, ...options }
    const what = (incoming.url ?? '').slice(1)
    if (what === 'logs') {
      const controller = new AbortController()
      outgoing.on('close', () => controller.abort())
      const stream = await service.logs({ ...about, signal: controller.signal } as never)
      outgoing.writeHead(200)
      outgoing.flushHeaders()
      stream.on('error', () => outgoing.destroy())
      stream.pipe(outgoing)
      return
    }
    if (what === 'usage') return void outgoing.writeHead(200).end(JSON.stringify(await service.statsSummary()))
    const call = { exec: service.exec, attach: service.attach, portForward: service.portForward }[what]
    if (!call) throw new Refusal(404, 'NotFound', `no node call ${what}`)
    const target = await call(about as never)
    outgoing.writeHead(200).end(JSON.stringify({ url: target.url.href }))
  } catch (error) {
    const refusal = isRefusal(error) ? error : new Refusal(500, 'InternalError', error instanceof Error ? error.message : String(error))
    if (outgoing.headersSent) outgoing.destroy()
    else outgoing.writeHead(refusal.code).end(JSON.stringify(refusal.status))
  }
}

const bodyOf = async (incoming: Readable): Promise<string> => {
  const parts: Buffer[] = []
  for await (const part of incoming) parts.push(part as Buffer)
  return Buffer.concat(parts).toString()
}

/** The near end: what the API server asks a node in another process through its socket. */
export const socketConnection = (path: string, nodeName: string): NodeConnection => {
  const unreachable = (error: Error) => serviceUnavailable(`error dialing backend: node ${nodeName} does not answer: ${error.message}`)
  const ask = (what: string, call: NodeCall, signal?: AbortSignal): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const asked = request({ socketPath: path, path: `/${what}`, method: 'POST', ...(signal ? { signal } : {}) }, (reply) => {
        if (reply.statusCode === 200) return resolve(reply)
        bodyOf(reply).then((text) => reject(Refusal.from(JSON.parse(text) as FailureStatus)), reject)
      })
      asked.once('error', (error) => reject(unreachable(error)))
      asked.end(JSON.stringify(call))
    })
  const dial = (host: string, port: number): Promise<Duplex> =>
    new Promise((resolve, reject) => {
      const asked = request({ socketPath: path, method: 'CONNECT', path: `${host}:${port}` })
      asked.once('connect', (_reply, socket, head) => {
        if (head.length > 0) socket.unshift(head)
        resolve(socket)
      })
      asked.once('error', (error) => reject(unreachable(error)))
      asked.end()
    })
  const stream = async (what: string, pod: PodRef, options: object): Promise<StreamingTarget> => {
    const { url } = JSON.parse(await bodyOf(await ask(what, { pod, options: options as Record<string, unknown> }))) as { url: string }
    const target = new URL(url)
    return { url: target, dial: () => dial(target.hostname, Number(target.port)) }
  }
  return {
    logs: (pod, options, signal) => ask('logs', { pod, options: options as unknown as Record<string, unknown> }, signal),
    exec: (pod, asked) => stream('exec', pod, asked),
    attach: (pod, asked) => stream('attach', pod, asked),
    portForward: (pod, ports) => stream('portForward', pod, { ports }),
    usage: async () => JSON.parse(await bodyOf(await ask('usage', { pod: { namespace: '', name: '', uid: '' }, options: {} }))),
    dial,
  }
}
