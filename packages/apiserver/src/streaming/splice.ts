import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { closeGently } from '@skiff/client'
import type { Env } from '@skiff/machinery'

const gone = (socket: Duplex): Promise<void> =>
  new Promise((resolve) => {
    if (socket.closed) resolve()
    else socket.once('close', () => resolve())
  })

/**
 * Joins two connections, bytes as they are, with backpressure. When one ends, what it sent is flushed to the other and both close, as
 * upstream's proxy does: a client that has gone must not leave a session behind on the node. Owns both; resolves when both are gone.
 */
export const splice = async (one: Duplex, other: Duplex, env: Pick<Env, 'after'>): Promise<void> => {
  let over = false
  const end = (): void => {
    if (over) return
    over = true
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const) {
      from.unpipe(to)
      closeGently(from, env)
    }
  }
  for (const socket of [one, other]) {
    if (socket instanceof Socket) socket.setNoDelay(true)
    socket.once('end', end)
    socket.once('close', end)
    socket.on('error', () => {}) // its 'close' follows
  }
  if (one.destroyed || other.destroyed) end()
  one.pipe(other, { end: false })
  other.pipe(one, { end: false })
  await Promise.all([gone(one), gone(other)])
}
