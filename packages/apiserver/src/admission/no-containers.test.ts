import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing/start.ts'

let server: TestServer
const send = (path: string, body: object) => server.raw('POST', `/api/v1/namespaces/default/${path}`, JSON.stringify(body))
beforeAll(async () => {
  server = await startTestServer()
  await send('serviceaccounts', { metadata: { name: 'default' } })
  await send('limitranges', { metadata: { name: 'l' }, spec: { limits: [{ type: 'Container', default: { cpu: '1' } }] } })
  await send('resourcequotas', { metadata: { name: 'q' }, spec: { hard: { cpu: '1' } } })
})
afterAll(() => server.close())

test.each([{}, { containers: [] }, { containers: null }])('a pod with %j passes admission and is refused by validation', async (spec) => {
  const { body } = await send('pods', { metadata: { name: 'p' }, spec })
  expect(body.message).toBe('Pod "p" is invalid: spec.containers: Required value')
})
