import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDefinition } from '../testing/open-definition.ts'
import { startTestServer, type TestServer } from '../testing/start.ts'

let server: TestServer
const path = '/apis/scaled.io/v1/namespaces/default/wids'
const send = (method: string, at: string, body?: object) => server.raw(method, at, body && JSON.stringify(body))
beforeAll(async () => {
  server = await startTestServer()
  await send('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', openDefinition('scaled.io', 'wids', 'Wid'))
  const wid = (name: string, spec?: object) => ({ apiVersion: 'scaled.io/v1', kind: 'Wid', metadata: { name }, ...(spec ? { spec } : {}) })
  for (let tries = 0; tries < 100; tries++) if ((await send('POST', path, wid('a', { replicas: 1 }))).status === 201) break
  await send('POST', path, wid('bare'))
})
afterAll(() => server?.close())

test('a scale below zero is refused by the path of the field', async () => {
  const { body } = await send('PUT', `${path}/a/scale`, { metadata: { name: 'a' }, spec: { replicas: -6 } })
  expect(body.message).toBe('Wid.scaled.io "a" is invalid: .spec.replicas: Invalid value: -6: should be a non-negative integer')
})

test('without the field there is no scale', async () => {
  const { status, body } = await send('GET', `${path}/bare/scale`)
  expect([status, body.message]).toEqual([500, 'Internal error occurred: the spec replicas field ".spec.replicas" does not exist'])
})

test('a field that is not selectable is not supported', async () => {
  expect((await send('GET', `${path}?fieldSelector=spec.replicas%3D1`)).body.message).toBe('field label not supported: spec.replicas')
  expect((await send('GET', `${path}?fieldSelector=metadata.namespace%3Ddefault`)).status).toBe(200)
})

test('discovery has status before scale', async () => {
  const { body } = await send('GET', '/apis/scaled.io/v1')
  expect(body.resources.map(({ name }: { name: string }) => name)).toEqual(['wids', 'wids/status', 'wids/scale'])
})

test('the status of a namespace has the default phase where none is said', async () => {
  await send('POST', '/api/v1/namespaces', { metadata: { name: 'quiet' } })
  const { status, body } = await send('PUT', '/api/v1/namespaces/quiet/status', { metadata: { name: 'quiet' } })
  expect([status, body.status]).toEqual([200, { phase: 'Active' }])
})
