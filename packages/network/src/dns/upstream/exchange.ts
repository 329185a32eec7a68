import { createSocket, type Socket } from 'node:dgram'
import { connect, isIPv6 } from 'node:net'
import type { Env } from '@skiff/machinery'
import { answersTo, randomId } from './message.ts'
import type { ServerAddress } from './resolv-conf.ts'

/** One upstream server. `send` resolves to its reply, or to why there is none. */
export interface Exchange {
  readonly server: ServerAddress
  send(query: Buffer, overTcp: boolean, timeoutMs: number): Promise<Buffer | 'timeout' | 'unreachable'>
  close(): void
}

/** Sockets per server, each with a port that the system chose: with the id, that is what a forger must guess. */
const MOST_SOCKETS = 8
/** Queries after which a socket is replaced, so that its port does not stay the same. */
const QUERIES_PER_SOCKET = 1_000
const IDLE_MS = 10_000

interface Lane {
  readonly socket: Socket
  readonly pending: Map<number, { sent: Buffer; settle: (reply: Buffer | 'timeout' | 'unreachable') => void }>
  ready: boolean
  used: number
  lastUsedMs: number
}

/** Talks to one server over a few UDP sockets, opened as needed and closed when idle, and over TCP one connection a query. */
export const openExchange = (server: ServerAddress, env: Env): Exchange => {
  const lanes: Lane[] = []
  let closed = false
  let cancelIdle: (() => void) | undefined

  const retire = (lane: Lane) => {
    const at = lanes.indexOf(lane)
    if (at >= 0) lanes.splice(at, 1)
    for (const { settle } of [...lane.pending.values()]) settle('unreachable')
    lane.socket.removeAllListeners()
    lane.socket.on('error', () => {}) // What arrives after closing concerns nobody.
    lane.socket.close()
  }

  const watchIdle = () => {
    cancelIdle ??= env.after(IDLE_MS, () => {
      cancelIdle = undefined
      for (const lane of [...lanes]) if (lane.pending.size === 0 && env.monotonicMs() - lane.lastUsedMs >= IDLE_MS) retire(lane)
      if (lanes.length > 0 && !closed) watchIdle()
    })
  }

  const overUdp = (query: Buffer, timeoutMs: number) =>
    new Promise<Buffer | 'timeout' | 'unreachable'>((resolve) => {
      if (closed) return resolve('unreachable')
      const lane = pickLane(lanes, () => openLane(server, env, retire))
      lane.used++
      lane.lastUsedMs = env.monotonicMs()
      watchIdle()
      let id = randomId()
      while (lane.pending.has(id)) id = randomId()
      const sent = Buffer.from(query)
      sent.writeUInt16BE(id, 0)
      const settle = (reply: Buffer | 'timeout' | 'unreachable') => {
        cancel()
        lane.pending.delete(id)
        resolve(reply)
        if (lane.used >= QUERIES_PER_SOCKET && lane.pending.size === 0 && lanes.includes(lane)) retire(lane)
      }
      const cancel = env.after(timeoutMs, () => settle('timeout'))
      lane.pending.set(id, { sent, settle })
      if (lane.ready) lane.socket.send(sent)
    })

  return {
    server,
    send: (query, overTcp, timeoutMs) => (overTcp ? tcpExchange(server, query, timeoutMs, env) : overUdp(query, timeoutMs)),
    close() {
      closed = true
      cancelIdle?.()
      for (const lane of [...lanes]) retire(lane)
    },
  }
}

const pickLane = (lanes: Lane[], open: () => Lane): Lane => {
  const usable = lanes.filter((lane) => lane.used < QUERIES_PER_SOCKET)
  const least = usable.reduce<Lane | undefined>((best, lane) => (best && best.pending.size <= lane.pending.size ? best : lane), undefined)
  if (least !== undefined && (least.pending.size === 0 || usable.length >= MOST_SOCKETS)) return least
  const lane = open()
  lanes.push(lane)
  return lane
}

/** A connected socket takes packets from its server only, and hears of it when nobody listens there. */
const openLane = (server: ServerAddress, env: Env, retire: (lane: Lane) => void): Lane => {
  const socket = createSocket({ type: isIPv6(server.address) ? 'udp6' : 'udp4' })
  const lane: Lane = { socket, pending: new Map(), ready: false, used: 0, lastUsedMs: env.monotonicMs() }
  socket.on('message', (reply) => {
    const waiting = reply.length >= 12 ? lane.pending.get(reply.readUInt16BE(0)) : undefined
    if (waiting !== undefined && answersTo(waiting.sent, reply)) waiting.settle(reply)
  })
  socket.on('error', () => retire(lane))
  socket.connect(server.port, server.address, () => {
    lane.ready = true
    for (const { sent } of lane.pending.values()) socket.send(sent)
  })
  return lane
}

const tcpExchange = (server: ServerAddress, query: Buffer, timeoutMs: number, env: Env) =>
  new Promise<Buffer | 'timeout' | 'unreachable'>((resolve) => {
    const sent = Buffer.concat([Buffer.alloc(2), query])
    sent.writeUInt16BE(query.length, 0)
    sent.writeUInt16BE(randomId(), 2)
    const socket = connect({ host: server.address, port: server.port })
    const parts: Buffer[] = []
    const done = (result: Buffer | 'timeout' | 'unreachable') => {
      cancel()
      socket.destroy()
      resolve(result)
    }
    const cancel = env.after(timeoutMs, () => done('timeout'))
    socket.on('connect', () => socket.write(sent))
    socket.on('data', (part) => {
      parts.push(part)
      const all = Buffer.concat(parts)
      if (all.length < 2 || all.length < 2 + all.readUInt16BE(0)) return
      const reply = all.subarray(2, 2 + all.readUInt16BE(0))
      done(reply.length >= 12 && answersTo(sent.subarray(2), reply) ? reply : 'unreachable')
    })
    socket.on('error', () => done('unreachable'))
    socket.on('close', () => done('unreachable'))
  })
