import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Outgoing } from './messages.ts'

/**
 * How much may wait for a client that reads slowly. client-go sends all its requests over one connection, so one paused list must
 * take neither memory without bound nor the session memory that other streams need.
 */
export const maxStreamUnsentBytes = 1024 * 1024
export const maxClientUnsentBytes = 16 * 1024 * 1024
/** Bigger parts are handed over in slices, so that the bounds above hold within one slice a stream. */
const sliceBytes = 256 * 1024

/** Bytes handed over and not sent, by connection. An HTTP/2 session and its streams count as one. */
const unsentBy = new WeakMap<object, { bytes: number }>()

const clientOf = (outgoing: Outgoing): { bytes: number } => {
  const { stream } = outgoing as { stream?: { session?: object } }
  const connection: object = stream?.session ?? (outgoing.socket as Duplex | null) ?? outgoing
  let client = unsentBy.get(connection)
  if (!client) {
    client = { bytes: 0 }
    unsentBy.set(connection, client)
  }
  return client
}

/** Resolves when what was written has gone, or the client has. */
const drained = (outgoing: Outgoing): Promise<void> =>
  new Promise((resolve) => {
    const done = () => {
      outgoing.off('drain', done)
      outgoing.off('close', done)
      resolve()
    }
    outgoing.on('drain', done)
    outgoing.on('close', done)
  })

/** Writes to one response within the bounds: resolves to false once the client has gone. */
export const createSender = (outgoing: Outgoing): ((parts: readonly Uint8Array[]) => Promise<boolean>) => {
  const out = outgoing as ServerResponse
  const client = clientOf(outgoing)
  let own = 0
  // An HTTP/2 response does not tell that it was destroyed.
  let gone = out.destroyed === true
  out.on('close', () => {
    gone = true
    // What a closed stream never sent counts no more.
    client.bytes -= own
    own = 0
  })
  const write = (bytes: Uint8Array): boolean => {
    const { length } = bytes
    own += length
    client.bytes += length
    return out.write(bytes, () => {
      if (own === 0) return
      own -= length
      client.bytes -= length
    })
  }
  const mayGoOn = (flowing: boolean): boolean => flowing || (own < maxStreamUnsentBytes && client.bytes < maxClientUnsentBytes)
  return async (parts) => {
    for (const part of parts)
      for (let at = 0; at < part.length; at += sliceBytes) {
        if (gone || out.writableEnded) return false
        const flowing = write(part.length <= sliceBytes ? part : part.subarray(at, at + sliceBytes))
        if (!mayGoOn(flowing) && !gone) await drained(out)
      }
    return !gone && !out.writableEnded
  }
}
