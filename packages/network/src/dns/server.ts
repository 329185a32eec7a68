import { createSocket, type Socket as Datagrams } from 'node:dgram'
import { createServer, isIPv6, type Server, type Socket } from 'node:net'
import type { Env } from '@skiff/machinery'
import type { Resolver } from './resolver.ts'

export interface Listening {
  readonly address: string
  readonly port: number
  close(): Promise<void>
}

const MOST_CONNECTIONS = 1_000
/** Questions wait here while the event loop is busy; the kernel may grant less. What does not fit is lost, and asked again 5 s later. */
const RECEIVE_BYTES = 1 << 20
const IDLE_MS = 10_000
/** Questions of one connection that are under way together; more wait in its socket. */
const MOST_UNDER_WAY = 64

/**
 * Answers on one address, UDP and TCP on the same port; port 0 takes a free one. Rejects when the address is not there or the port is
 * taken. Bound to an address and not to all, so that replies come from where they were asked.
 */
export const listen = async (address: string, port: number, resolve: Resolver, env: Env): Promise<Listening> => {
  for (let attempt = 1; ; attempt++) {
    const datagrams = await openDatagrams(address, port, resolve)
    const chosen = datagrams.address().port
    try {
      const connections = await openConnections(address, chosen, resolve, env)
      return { address, port: chosen, close: () => closeBoth(datagrams, connections) }
    } catch (error) {
      datagrams.close()
      // A port that is free for UDP may be taken for TCP; where the caller does not mind which, another is tried.
      if (port !== 0 || attempt === 5) throw error
    }
  }
}

const openDatagrams = (address: string, port: number, resolve: Resolver): Promise<Datagrams> =>
  new Promise((opened, failed) => {
    const type = isIPv6(address) ? 'udp6' : 'udp4'
    // Clients are known by address: without this, each reply would go through the name lookup of the system.
    const lookup = (host: string, _: unknown, done: (error: null, address: string, family: number) => void) =>
      done(null, host, type === 'udp6' ? 6 : 4)
    const socket = createSocket({ type, lookup: lookup as never, recvBufferSize: RECEIVE_BYTES })
    const send = (reply: Buffer, to: { port: number; address: string }) => socket.send(reply, to.port, to.address, ignore)
    socket.on('message', (packet, from) => {
      if (from.port === 0) return
      const reply = resolve(packet, false)
      if (reply instanceof Promise) reply.then((bytes) => isOpen(socket) && send(bytes, from), ignore)
      else if (reply !== undefined) send(reply, from)
    })
    socket.once('error', failed)
    socket.bind({ address, port, exclusive: true }, () => {
      socket.off('error', failed)
      socket.on('error', ignore) // A client that went away; its port is somebody else's business.
      opened(socket)
    })
  })

const ignore = () => {}

const isOpen = (socket: Datagrams): boolean => {
  try {
    return socket.address().port > 0
  } catch {
    return false
  }
}

const openConnections = (address: string, port: number, resolve: Resolver, env: Env): Promise<{ server: Server; open: Set<Socket> }> =>
  new Promise((opened, failed) => {
    const open = new Set<Socket>()
    const server = createServer((socket) => {
      open.add(socket)
      socket.on('close', () => open.delete(socket))
      serveConnection(socket, resolve, env)
    })
    server.maxConnections = MOST_CONNECTIONS
    server.once('error', failed)
    server.listen({ host: address, port, exclusive: true }, () => {
      server.off('error', failed)
      server.on('error', ignore)
      opened({ server, open })
    })
  })

/** Messages with a length before each, answered as they are ready, in any order (RFC 7766). */
const serveConnection = (socket: Socket, resolve: Resolver, env: Env): void => {
  let rest: Buffer = Buffer.alloc(0)
  let underWay = 0
  let ended = false
  let cancelIdle = env.after(IDLE_MS, () => socket.destroy())
  const write = (reply: Buffer | undefined) => {
    if (reply === undefined || socket.destroyed) return
    const head = Buffer.allocUnsafe(2)
    head.writeUInt16BE(reply.length, 0)
    socket.cork()
    socket.write(head)
    socket.write(reply)
    socket.uncork()
  }
  const settle = (reply?: Buffer) => {
    underWay--
    write(reply)
    work()
  }
  const work = () => {
    while (underWay < MOST_UNDER_WAY && !socket.writableNeedDrain && rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
      const end = 2 + rest.readUInt16BE(0)
      const reply = resolve(rest.subarray(2, end), true)
      rest = rest.subarray(end)
      if (reply instanceof Promise) {
        underWay++
        reply.then(settle, () => settle())
      } else write(reply)
    }
    // More than one whole message waits: the client must be served before it is read further.
    if (rest.length > 65_537) socket.pause()
    else socket.resume()
    if (ended && underWay === 0) socket.end()
  }
  socket.on('data', (part: Buffer) => {
    cancelIdle()
    cancelIdle = env.after(IDLE_MS, () => socket.destroy())
    rest = rest.length === 0 ? part : Buffer.concat([rest, part])
    work()
  })
  socket.on('drain', work)
  socket.on('end', () => {
    ended = true
    work()
  })
  socket.on('error', () => socket.destroy())
  socket.on('close', () => cancelIdle())
}

const closeBoth = async (datagrams: Datagrams, { server, open }: { server: Server; open: Set<Socket> }): Promise<void> => {
  for (const socket of open) socket.destroy()
  await Promise.all([new Promise<void>((done) => datagrams.close(() => done())), new Promise<void>((done) => server.close(() => done()))])
}
