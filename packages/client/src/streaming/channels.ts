import { Writable } from 'node:stream'
import type { Env } from '@skiff/machinery'
import type { WebSocket } from 'ws'

/** The channels of remote commands; the first byte of each message. `close` (v5 only) names in its second byte a channel that has ended. */
export const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const

/** The subprotocols that carry channels, and how. An empty name is a client that asked for none. */
export interface ChannelProtocol {
  readonly name: string
  /** Text messages: the channel's digit, then base64. */
  readonly base64: boolean
  /** The error channel carries a Status and not only a text. */
  readonly status: boolean
  /** A channel can be closed alone. */
  readonly closes: boolean
}
export const channelProtocols: readonly ChannelProtocol[] = [
  { name: 'v5.channel.k8s.io', base64: false, status: true, closes: true },
  { name: 'v4.channel.k8s.io', base64: false, status: true, closes: false },
  { name: 'v4.base64.channel.k8s.io', base64: true, status: true, closes: false },
  { name: 'channel.k8s.io', base64: false, status: false, closes: false },
  { name: 'base64.channel.k8s.io', base64: true, status: false, closes: false },
  { name: '', base64: false, status: false, closes: false },
]

/** Of one message: servers bound what they take, and a large one would hold up those of other channels. */
const messageBytes = 65_536

/** kubectl gives up on a server that has sent no pong for a minute. */
const pongMs = 5_000

/** Messages of a WebSocket as a bundle of byte streams. */
export interface Channels {
  /**
   * A Writable whose chunks become messages on a channel. With `tellsEnd` its end is told to the other side, where the protocol can: only
   * clients do; upstream's client takes a close from the server for an unknown channel.
   */
  writer(number: number, tellsEnd?: boolean): Writable
  /** Bytes of a channel go to `sink`; when it is full, the whole WebSocket waits. Its end ends `sink`. */
  reader(number: number, sink: Writable): void
}

const encode = (protocol: ChannelProtocol, number: number, bytes: Buffer): Buffer | string =>
  protocol.base64 ? `${number}${bytes.toString('base64')}` : Buffer.concat([Buffer.from([number]), bytes])

const decode = (protocol: ChannelProtocol, message: Buffer): [number, Buffer] =>
  protocol.base64 ? [(message[0] ?? 0) - 48, Buffer.from(message.toString('latin1', 1), 'base64')] : [message[0] ?? 0, message.subarray(1)]

/** One message that stands for nothing but the connection; upstream's servers begin with one. */
export const emptyMessage = (protocol: ChannelProtocol, number: number): Buffer | string => encode(protocol, number, Buffer.alloc(0))

/** Splits the messages of `ws` into channels. Reading begins in the next turn, so that readers can be set first. */
export const createChannels = (ws: WebSocket, protocol: ChannelProtocol, env: Pick<Env, 'after'>): Channels => {
  const readers = new Map<number, Writable>()
  const full = new Set<Writable>()
  let cancelPong = () => {}

  // While we do not read we see no pings, so pongs go out unasked. They also find a client that has gone.
  const pongWhilePaused = (): void => {
    cancelPong = env.after(pongMs, () => {
      if (full.size === 0 || ws.readyState !== ws.OPEN) return
      ws.pong()
      pongWhilePaused()
    })
  }
  const freed = (sink: Writable): void => {
    if (!full.delete(sink) || full.size > 0) return
    cancelPong()
    ws.resume()
  }
  const waitFor = (sink: Writable): void => {
    if (full.has(sink)) return
    full.add(sink)
    if (full.size > 1) return
    ws.pause()
    pongWhilePaused()
  }
  const send = (number: number, bytes: Buffer, done: (error?: Error | null) => void): void => {
    const rest = bytes.subarray(messageBytes)
    ws.send(encode(protocol, number, bytes.subarray(0, messageBytes)), (error) => {
      if (error || rest.length === 0) done(error)
      else send(number, rest, done)
    })
  }
  ws.on('message', (data) => {
    const message = Buffer.isBuffer(data) ? data : Buffer.from(data as ArrayBuffer)
    if (message.length === 0) return
    const [number, bytes] = decode(protocol, message)
    if (number === channel.close && protocol.closes) {
      readers.get(bytes[0] ?? channel.close)?.end()
      return
    }
    const sink = readers.get(number)
    if (sink?.writable && bytes.length > 0 && !sink.write(bytes)) waitFor(sink)
  })
  ws.once('close', () => cancelPong())
  setImmediate(() => ws.resume())

  return {
    writer: (number, tellsEnd = false) =>
      new Writable({
        write: (chunk: Buffer, _encoding, done) => send(number, chunk, done),
        final: (done) => {
          if (!tellsEnd || !protocol.closes || ws.readyState !== ws.OPEN) done()
          else ws.send(Buffer.from([channel.close, number]), () => done())
        },
      }),
    reader(number, sink) {
      readers.set(number, sink)
      sink.on('drain', () => freed(sink))
      sink.once('close', () => freed(sink))
    },
  }
}
