import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { text } from 'node:stream/consumers'
import { finished } from 'node:stream/promises'
import { systemEnv } from '@skiff/machinery'
import { afterEach, expect, test } from 'vitest'
import { requestUpgrade, spdyUpgradeHeaders } from './request-upgrade.ts'
import { servePortForward } from './serve-port-forward.ts'
import { createSpdySession } from './spdy/session.ts'

const env = systemEnv()
const servers: Server[] = []
const listen = async (server: Server): Promise<number> => {
  servers.push(server.listen(0, '127.0.0.1'))
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
afterEach(async () => {
  // Waits for every connection: a session that leaves one behind fails its test.
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))))
})

/** A node's endpoint, and a session to it as kubectl up to 1.30 opens it. Every port of the pod is `podPort`. */
const forwarded = async (podPort: number) => {
  const server = createHttpServer()
  server.on('upgrade', (request, socket, head) => {
    void servePortForward(
      { request, socket, head },
      'web',
      async (port) => {
        const connection = connect({ port: port === 1 ? 1 : podPort, host: '127.0.0.1', allowHalfOpen: true })
        await once(connection, 'connect')
        return connection
      },
      env,
    )
  })
  const port = await listen(server)
  const url = new URL(`http://127.0.0.1:${port}/portforward/x`)
  const answer = await requestUpgrade(
    { url, dial: async () => connect(port, '127.0.0.1') },
    'POST',
    spdyUpgradeHeaders(['portforward.k8s.io']),
  )
  if (!answer.upgraded) throw new Error(String(answer.body))
  return createSpdySession(answer.socket, { role: 'client', env, head: answer.head })
}
const headers = (streamtype: string, port: string, requestid?: string) =>
  new Map(Object.entries({ streamtype, port, ...(requestid === undefined ? {} : { requestid }) }))

const echoServer = () => createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket))

test('many connections at once, each whole and in both directions', async () => {
  const session = await forwarded(await listen(echoServer()))
  const one = async (i: number) => {
    const block = randomBytes(700_000)
    const error = session.open(headers('error', '80', String(i)))
    error.end()
    const data = session.open(headers('data', '80', String(i)))
    data.end(block)
    const got = createHash('sha256')
    for await (const chunk of data) got.update(chunk as Buffer)
    expect(got.digest('hex')).toBe(createHash('sha256').update(block).digest('hex'))
    expect(await text(error)).toBe('')
  }
  await Promise.all(Array.from({ length: 20 }, (_, i) => one(i)))
  session.close()
})

test('a port that refuses is told on the error stream; the session goes on', async () => {
  const session = await forwarded(await listen(echoServer()))
  const error = session.open(headers('error', '1', '7'))
  session.open(headers('data', '1', '7')).resume()
  expect(await text(error)).toMatch(/^error forwarding port 1 to pod web: .*ECONNREFUSED/)
  // A client too old to send request ids: neighbours belong together.
  const [oldError, oldData] = [session.open(headers('error', '80')), session.open(headers('data', '80'))]
  oldData.end('old')
  expect(await text(oldData)).toBe('old')
  expect(await text(oldError)).toBe('')
  session.close()
})

test.each([
  ['no port', headers('data', '')],
  ['port 0', headers('data', '0')],
  ['port 65536', headers('data', '65536')],
  ['another type', headers('stdin', '80')],
])('a stream of %s is refused', async (_name, bad) => {
  const session = await forwarded(1)
  await expect(session.open(bad).accepted).rejects.toThrow('refused')
  session.close()
})

test('a pod that resets its connection resets only that one; a client that vanishes closes them all', async () => {
  const pod = createServer((socket) => socket.once('data', () => socket.resetAndDestroy()))
  const session = await forwarded(await listen(pod))
  session.open(headers('error', '80', 'a')).resume()
  const data = session.open(headers('data', '80', 'a'))
  data.write('x')
  data.resume()
  await finished(data).catch(() => {})
  session.open(headers('error', '80', 'b')).resume()
  const other = session.open(headers('data', '80', 'b'))
  await other.accepted
  session.destroy()
  await expect(finished(other)).rejects.toThrow()
})
