import type { Identity } from '@skiff/client'
import { Refusal, tooLarge } from '@skiff/machinery'
import type { Incoming } from './messages.ts'

/** How many bytes of bodies may be held at a time while they come in, of all clients and of one. */
const mostHeldBytes = 256 * 1024 * 1024
const mostHeldByOne = 64 * 1024 * 1024

export interface Bodies {
  /** The whole body; refuses one that is too large, or that there is no room for. */
  read(incoming: Incoming, identity: Identity): Promise<Buffer>
}

export const createBodies = (maxBytes: number): Bodies => {
  let held = 0
  const heldBy = new Map<string, number>()
  const hold = (name: string, bytes: number): void => {
    held += bytes
    const left = (heldBy.get(name) ?? 0) + bytes
    if (left > 0) heldBy.set(name, left)
    else heldBy.delete(name)
  }
  const full = (name: string): boolean => held > mostHeldBytes || (heldBy.get(name) ?? 0) > mostHeldByOne
  return {
    read: (incoming, { name }) =>
      new Promise((resolve, reject) => {
        let chunks: Buffer[] = []
        let length = 0
        let own = 0
        const release = () => {
          if (own > 0) hold(name, -own)
          own = 0
        }
        const refuse = (error: Error) => {
          release()
          // What is left is read and dropped, up to a bound, so that the client hears the answer.
          chunks = []
          reject(error)
          if (length > 4 * maxBytes) incoming.destroy()
        }
        incoming.on('data', (chunk: Buffer) => {
          length += chunk.length
          if (length > maxBytes) return refuse(tooLarge(`Request entity too large: limit is ${maxBytes}`))
          // One chunk is most bodies: it is held no longer than it takes to get here.
          if (chunks.length > 0) {
            const added = own === 0 ? length : chunk.length
            own += added
            hold(name, added)
            if (full(name)) return refuse(noRoom())
          }
          chunks.push(chunk)
        })
        incoming.on('end', () => {
          release()
          resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks))
        })
        const gone = () => {
          release()
          reject(new ClientGone())
        }
        incoming.on('error', gone)
        incoming.on('aborted', gone)
      }),
  }
}

/** The client has ended the connection: there is nobody to answer. */
export class ClientGone extends Error {}

const noRoom = (): Refusal => new Refusal(429, 'TooManyRequests', 'Too many requests, please try again later.', { retryAfterSeconds: 1 })
