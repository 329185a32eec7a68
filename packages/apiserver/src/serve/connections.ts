import type { ServerHttp2Session } from 'node:http2'
import type { Duplex } from 'node:stream'
import { closeGently } from '@skiff/client'
import type { Env } from '@skiff/machinery'

/** Without a frame for so long, a session is looked at. */
const quietMs = 45_000

/**
 * A session ends where it has had nothing open for two quiet times, and where its client does not even answer a ping: what is open there
 * would hold memory for nobody.
 */
export const keepSession = (session: ServerHttp2Session): void => {
  let open = 0
  let quiet = 0
  let asked = false
  session.on('error', () => {})
  session.on('stream', (stream) => {
    open++
    quiet = 0
    stream.on('close', () => open--)
  })
  session.setTimeout(quietMs, () => {
    if (session.destroyed) return
    if (open === 0 && ++quiet >= 2) session.close()
    else if (asked) session.destroy()
    else {
      asked = true
      session.ping(() => {
        asked = false
      })
    }
  })
}

const answers: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
}

/** How long the rest of it is read and dropped, so that the answer is not lost with the connection. */
const drainMs = 1000

const refused = new WeakSet<Duplex>()

/** What cannot be read as HTTP is answered as Go's server does, and nothing more of it is looked at. */
export const refuseGarbage =
  (env: Env) =>
  (error: NodeJS.ErrnoException, socket: Duplex): void => {
    // The parser complains of every further piece.
    if (refused.has(socket)) return
    refused.add(socket)
    if (!socket.writable || socket.writableLength > 0 || error.code === 'ECONNRESET') {
      socket.destroy()
      return
    }
    const status = answers[error.code ?? ''] ?? '400 Bad Request'
    socket.write(`HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n${status}`)
    closeGently(socket, env, drainMs)
    socket.resume()
  }
