import type { Duplex } from 'node:stream'
import type { Env } from '@skiff/machinery'

/** How long the other side may take to close its end after all of ours was handed to the kernel. */
const lingerMs = 5_000

/**
 * Ends `socket` so that what was written arrives: a socket that is closed with unread input resets the connection, and the other side
 * then loses what it has not read yet. So input is read and dropped until the other side closes too, or `lingerMs` after the last byte
 * was handed to the kernel. A slow reader may take as long as it likes before that, unless `flushMs` bounds it.
 */
export const closeGently = (socket: Duplex, env: Pick<Env, 'after'>, flushMs?: number): void => {
  if (socket.destroyed) return
  socket.removeAllListeners('data')
  socket.on('error', () => {})
  const destroy = (): void => void socket.destroy()
  let cancel = flushMs === undefined ? () => {} : env.after(flushMs, destroy)
  socket.once('close', () => cancel())
  socket.once('end', () => {
    if (socket.writableFinished) destroy()
  })
  socket.end(() => {
    cancel()
    if (socket.readableEnded) destroy()
    else if (!socket.destroyed) cancel = env.after(lingerMs, destroy)
  })
  socket.resume()
}
