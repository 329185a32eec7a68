import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import type { NodeService } from '@skiff/node'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { serveNode, socketConnection } from './node-socket.ts'

const bytes = Buffer.alloc(8_000_000, 'x')
let dir: string
let far: Server
let close: () => Promise<void>

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'skiff-node-socket-'))
  far = createServer((socket) => {
    socket.on('error', () => {})
    socket.end(bytes)
  })
  await new Promise<void>((done) => far.listen(0, '127.0.0.1', done))
  close = await serveNode({} as NodeService, join(dir, 'node.sock'))
})
afterEach(async () => {
  await close()
  await new Promise((done) => far.close(done))
  rmSync(dir, { recursive: true })
})

test('what a far side sends before it closes arrives whole, however late it is read', async () => {
  const connection = socketConnection(join(dir, 'node.sock'), 'n')
  const { port } = far.address() as AddressInfo
  const sockets = await Promise.all(Array.from({ length: 4 }, () => connection.dial('127.0.0.1', port)))
  // By now the far side has written all and closed.
  await new Promise((next) => setTimeout(next, 200))
  for (const socket of sockets) expect((await buffer(socket)).length).toBe(bytes.length)
})
