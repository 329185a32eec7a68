import { once } from 'node:events'
import { configMap } from '@skiff/api'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { administratorToken, startTestServer, type TestServer } from '../testing/start.ts'

let api: TestServer
beforeAll(async () => {
  api = await startTestServer()
  await api.near.create(configMap, { metadata: { namespace: 'kube-public', name: 'a' } })
})
afterAll(() => api.close())

const pathOf = (query: string) => `${api.url.replace('https', 'wss')}/api/v1/namespaces/kube-public/configmaps?watch=true${query}`
const open = (query: string, headers: Readonly<Record<string, string>> = { origin: 'http://localhost' }) =>
  new WebSocket(pathOf(query), {
    rejectUnauthorized: false,
    headers: { authorization: `Bearer ${administratorToken}`, ...headers },
  })

test('events are messages of text, and the end of the watch is the end of the connection', async () => {
  const socket = open('&timeoutSeconds=1')
  const [data, binary] = await once(socket, 'message')
  expect(binary).toBe(false)
  expect(JSON.parse(String(data))).toMatchObject({ type: 'ADDED', object: { kind: 'ConfigMap', metadata: { name: 'a' } } })
  expect(String(data).endsWith('}\n')).toBe(true)
  const [code] = await once(socket, 'close')
  expect(code).toBe(1000)
})

test('of protobuf they are binary, without a length before them', async () => {
  const socket = open('', { origin: 'http://localhost', accept: 'application/vnd.kubernetes.protobuf' })
  const [data, binary] = await once(socket, 'message')
  expect([binary, data.subarray(0, 7).toString('latin1')]).toEqual([true, '\n\x05ADDED'])
  socket.close()
})

test('without an origin it is forbidden, and a refusal is a Status', async () => {
  const [, forbidden] = await once(open('', {}), 'unexpected-response')
  expect(forbidden.statusCode).toBe(403)
  const [, refused] = await once(open('&resourceVersionMatch=Exact'), 'unexpected-response')
  expect(refused.statusCode).toBe(422)
})

const bearer = `base64url.bearer.authorization.k8s.io.${Buffer.from(administratorToken).toString('base64url')}`
test('a token may come as a protocol beside another, which is the one that is spoken', async () => {
  const options = { rejectUnauthorized: false, headers: { origin: 'http://localhost' } }
  const socket = new WebSocket(pathOf(''), [bearer, 'v1.example.com'], options)
  const [data] = await once(socket, 'message')
  expect([JSON.parse(String(data)).type, socket.protocol]).toEqual(['ADDED', 'v1.example.com'])
  socket.close()
  const [, alone] = await once(new WebSocket(pathOf(''), [bearer], options), 'unexpected-response')
  expect(alone.statusCode).toBe(401)
})
