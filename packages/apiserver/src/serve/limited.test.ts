import { connect } from 'node:tls'
import { expect, test } from 'vitest'
import { startTestServer } from '../testing/start.ts'

test('who comes while as many are served as may be is told to come again, and an administrator is served', async () => {
  const api = await startTestServer({
    more: {
      limits: { fair: false, readOnly: 1, mutating: 1 },
      tokens: [
        (token) => ({ identity: { name: token, groups: token === 'admin' ? ['system:masters'] : [] }, untilMs: Number.POSITIVE_INFINITY }),
      ],
    },
  })
  const socket = connect({ port: api.server.port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] })
  const get = (token: string) => `GET /version HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`
  // All three are read before the first is done.
  socket.write(get('somebody') + get('somebody') + get('admin'))
  const text = await new Promise<string>((resolve) => {
    let said = ''
    socket.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      if (said.split('gitVersion').length === 3) resolve(said)
    })
  })
  expect([...text.matchAll(/HTTP\/1.1 (\d+)/g)].map(([, status]) => status)).toEqual(['200', '429', '200'])
  const [, refused = ''] = text.split('HTTP/1.1 ').slice(1)
  expect(refused).toMatch(/^429 Too Many Requests\r\n/)
  expect(refused).toContain('\r\ncontent-type: text/plain; charset=utf-8\r\nretry-after: 1\r\nx-content-type-options: nosniff\r\n')
  expect(refused).toMatch(/\r\n\r\nToo many requests, please try again later\.\n$/)
  socket.destroy()
  await api.close()
})
