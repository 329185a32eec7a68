import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing/start.ts'

let api: TestServer
beforeAll(async () => {
  api = await startTestServer()
})
afterAll(() => api?.close())

const owner = (uid: string, more: object = {}) => ({ apiVersion: 'v1', kind: 'ConfigMap', name: 'o', uid, ...more })
const owners = [owner('u1', { controller: true }), owner('u1', { controller: true }), owner('u2'), owner('u2', { controller: false })]
const path = '/api/v1/namespaces/default/configmaps'
const advice = 'API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests;'

test('owner references that are there twice are kept once, with a warning', async () => {
  const object = { metadata: { name: 'a', ownerReferences: owners } }
  const made = await api.raw('POST', path, JSON.stringify(object), { 'content-type': 'application/json' })
  expect(made.status).toBe(201)
  expect(made.body.metadata.ownerReferences).toEqual([owners[0], owners[2], owners[3]])
  expect(made.headers.warning).toBe(
    `299 - ".metadata.ownerReferences contains duplicate entries; ${advice} duplicate UID(s) observed: [u1]"`,
  )
  const patch = [{ op: 'add', path: '/metadata/ownerReferences/-', value: owners[2] }]
  const patched = await api.raw('PATCH', `${path}/a`, JSON.stringify(patch), { 'content-type': 'application/json-patch+json' })
  expect(patched.body.metadata.ownerReferences).toHaveLength(3)
  expect(patched.headers.warning).toBe(
    `299 - ".metadata.ownerReferences contains duplicate entries after mutating admission happens; ${advice} duplicate UID(s) observed: [u2]"`,
  )
})
