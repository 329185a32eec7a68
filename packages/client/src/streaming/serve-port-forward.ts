import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Env } from '@skiff/machinery'
import { endAndFlush } from './exec-session.ts'
import { portForwardProtocol } from './port-forward-client.ts'
import type { Upgrade } from './refuse-upgrade.ts'
import { acceptSpdy, negotiateSpdy } from './serve-spdy.ts'
import type { SpdyStream } from './spdy/stream.ts'

/** How long the second stream of a pair may take. */
const pairMs = 30_000

interface Pair {
  data?: SpdyStream
  error?: SpdyStream
  cancel(): void
}

/** Which connection a stream belongs to. Clients older than the header open error and data as neighbours. */
const requestOf = (stream: SpdyStream): string =>
  stream.headers.get('requestid') || String(stream.headers.get('streamtype') === 'error' ? stream.id : stream.id - 2)

const portOf = (stream: SpdyStream): number | undefined => {
  const text = stream.headers.get('port') ?? ''
  const port = Number(text)
  return /^\d{1,5}$/.test(text) && port >= 1 && port <= 65_535 ? port : undefined
}

/**
 * The server side of port-forward over SPDY/3.1: for each pair of streams `dial` connects to a port of the pod. Resolves when
 * the client has gone. It owns the socket, and answers what it does not take.
 */
export const servePortForward = async (upgrade: Upgrade, pod: string, dial: (port: number) => Promise<Duplex>, env: Env): Promise<void> => {
  const protocol = negotiateSpdy(upgrade, env, [portForwardProtocol])
  if (protocol === undefined) return
  const pairs = new Map<string, Pair>()

  const forward = async (data: SpdyStream, error: SpdyStream, port: number): Promise<void> => {
    const failed = async (why: unknown): Promise<void> => {
      error.write(`error forwarding port ${port} to pod ${pod}: ${why instanceof Error ? why.message : String(why)}`)
      await endAndFlush(error)
      data.destroy()
    }
    error.resume()
    try {
      const connection = await dial(port)
      await Promise.all([pipeline(data, connection), pipeline(connection, data)]).finally(() => connection.destroy())
      await endAndFlush(error)
    } catch (why) {
      await failed(why)
    }
  }
  const session = acceptSpdy(upgrade, env, protocol, (stream) => {
    const kind = stream.headers.get('streamtype')
    const port = portOf(stream)
    if ((kind !== 'error' && kind !== 'data') || port === undefined) return false
    const request = requestOf(stream)
    const pair: Pair = pairs.get(request) ?? {
      cancel: env.after(pairMs, () => {
        pairs.delete(request)
        pair.data?.destroy()
        pair.error?.end('timed out waiting for streams')
      }),
    }
    if (pair[kind]) return false
    pair[kind] = stream
    pairs.set(request, pair)
    if (pair.data && pair.error) {
      pair.cancel()
      pairs.delete(request)
      void forward(pair.data, pair.error, port)
    }
    return true
  })
  const error = await session.closed
  for (const pair of pairs.values()) pair.cancel()
  if (error) env.log.debug('a port-forward session was lost', { error: error.message })
}
