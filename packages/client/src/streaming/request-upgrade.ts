import { type IncomingMessage, request } from 'node:http'
import type { Duplex } from 'node:stream'

/** Where a node's streaming session is: the one-time URL, and the way there. */
export interface StreamingTarget {
  readonly url: URL
  readonly dial: () => Promise<Duplex>
}

/** What answered an upgrade request: a connection in the new protocol, or an ordinary response. */
export type UpgradeAnswer =
  | { readonly upgraded: true; readonly response: IncomingMessage; readonly socket: Duplex; readonly head: Buffer }
  | { readonly upgraded: false; readonly response: IncomingMessage; readonly body: Buffer }

const refusedBodyBytes = 65_536

const readBody = async (response: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes >= refusedBodyBytes) break
  }
  return Buffer.concat(chunks).subarray(0, refusedBodyBytes)
}

/**
 * Sends an HTTP/1.1 upgrade request over a connection of the target. Header names and values alternate in `headers`. `signal` ends the
 * asking; it does nothing to a connection that was upgraded.
 */
export const requestUpgrade = async (
  target: StreamingTarget,
  method: string,
  headers: readonly string[],
  signal?: AbortSignal,
): Promise<UpgradeAnswer> => {
  const connection = await target.dial()
  const answer = Promise.withResolvers<UpgradeAnswer>()
  // A proxy passes on the host that its own client has named.
  const namesHost = headers.some((name, i) => i % 2 === 0 && name.toLowerCase() === 'host')
  const abort = (): void => void outgoing.destroy(new Error('the client has gone'))
  const outgoing = request({
    method,
    path: `${target.url.pathname}${target.url.search}`,
    // Without a length Node would end a POST with an empty chunk, in the middle of the new protocol.
    headers: [...(namesHost ? [] : ['Host', target.url.host]), ...(method === 'GET' ? [] : ['Content-Length', '0']), ...headers],
    createConnection: () => connection, // and therefore without an agent
  })
  outgoing.on('upgrade', (response, socket, head) => answer.resolve({ upgraded: true, response, socket, head }))
  outgoing.on('response', (response) => {
    readBody(response)
      .then((body) => answer.resolve({ upgraded: false, response, body }), answer.reject)
      .finally(() => connection.destroy())
  })
  outgoing.on('error', (error) => {
    connection.destroy()
    answer.reject(error)
  })
  signal?.addEventListener('abort', abort)
  if (signal?.aborted) abort()
  outgoing.end()
  return answer.promise.finally(() => signal?.removeEventListener('abort', abort))
}

/** The headers of a SPDY upgrade that offers `protocols`. */
export const spdyUpgradeHeaders = (protocols: readonly string[]): string[] => [
  ...['Connection', 'Upgrade', 'Upgrade', 'SPDY/3.1'],
  ...protocols.flatMap((protocol) => ['X-Stream-Protocol-Version', protocol]),
]
