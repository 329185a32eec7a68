import { chmodSync, mkdirSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, request } from 'node:http'
import { dirname, join } from 'node:path'
import type { Place } from './place.ts'

/** What only the machine's user may ask of a running server, and no client of the API. */
export interface Control {
  /** Writes a copy of the store to a new file. */
  readonly snapshot: (path: string) => Promise<void>
}

const socketOf = (place: Place): string => join(place.run, 'control.sock')

const bodyOf = async (incoming: IncomingMessage): Promise<string> => {
  const parts: Buffer[] = []
  for await (const part of incoming) parts.push(part as Buffer)
  return Buffer.concat(parts).toString()
}

/** Listens on a socket that its owner alone may use. Answers what closes it. */
export const serveControl = async (place: Place, control: Control): Promise<() => Promise<void>> => {
  const path = socketOf(place)
  mkdirSync(dirname(path), { recursive: true, mode: 0o711 })
  rmSync(path, { force: true })
  const server = createServer(async (incoming, outgoing) => {
    try {
      const { path } = JSON.parse(await bodyOf(incoming)) as { path: string }
      if (incoming.url !== '/snapshot') throw new Error(`the server knows no ${incoming.url}`)
      await control.snapshot(path)
      outgoing.end()
    } catch (error) {
      outgoing.writeHead(500).end(error instanceof Error ? error.message : String(error))
    }
  })
  // The socket appears with the rights that the mask leaves, and must never be open to others.
  const mask = process.umask(0o177)
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(path, resolve)
    })
  } finally {
    process.umask(mask)
  }
  chmodSync(path, 0o600)
  return () =>
    new Promise((done) => {
      server.close(() => done())
      server.closeAllConnections()
    })
}

/** Asks the running server; rejects with its own sentence. */
export const askForSnapshot = (place: Place, path: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const asked = request({ socketPath: socketOf(place), path: '/snapshot', method: 'POST' }, async (reply) => {
      const text = await bodyOf(reply)
      if (reply.statusCode === 200) resolve()
      else reject(new Error(text))
    })
    asked.once('error', reject)
    asked.end(JSON.stringify({ path }))
  })
