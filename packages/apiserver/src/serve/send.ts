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
/** Where all clients together keep this much waiting, each may have little. */
const mostUnsentBytes = 256 * 1024 * 1024
const fewUnsentBytes = 64 * 1024

interface Client {
  bytes: number
}

/** Bytes handed over and not sent, by connection. An HTTP/2 session and its streams count as one. */
const unsentBy = new WeakMap<object, Client>()
const everybody: Client = { bytes: 0 }

const add = (client: Client, bytes: number): void => {
  client.bytes += bytes
  everybody.bytes += bytes
}
const crowded = (): boolean => everybody.bytes > mostUnsentBytes

/** Ends an answer over HTTP/2, whose streams share a connection: false where its client leaves too much of earlier ones untaken. */
export const endWithin = (outgoing: Outgoing, bytes: Uint8Array): boolean => {
  const client = clientOf(outgoing)
  const { length } = bytes
  if (client.bytes + length > (crowded() ? fewUnsentBytes : maxClientUnsentBytes)) return false
  add(client, length)
  let left = length
  const done = () => {
    add(client, -left)
    left = 0
  }
  outgoing.on('close', done)
  ;(outgoing as ServerResponse).end(bytes, done)
  return true
}

const clientOf = (outgoing: Outgoing): Client => {
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
    add(client, -own)
    own = 0
  })
  const write = (bytes: Uint8Array): boolean => {
    const { length } = bytes
    own += length
    add(client, length)
    return out.write(bytes, () => {
      if (own === 0) return
      own -= length
      add(client, -length)
    })
  }
  const mayGoOn = (flowing: boolean): boolean =>
    flowing || (!crowded() && own < maxStreamUnsentBytes && client.bytes < maxClientUnsentBytes)
  return async (parts) => {
    for (const part of parts)
      for (let at = 0, size = 0; at < part.length; at += size) {
        if (gone || out.writableEnded) return false
        size = crowded() ? fewUnsentBytes : sliceBytes
        const flowing = write(part.length <= size ? part : part.subarray(at, at + size))
        if (!mayGoOn(flowing) && !gone) await drained(out)
      }
    return !gone && !out.writableEnded
  }
}
