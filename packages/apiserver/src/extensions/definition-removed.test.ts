import { expect, test } from 'vitest'
import { startTestServer } from '../testing/start.ts'

test('a definition that is deleted takes the objects of all namespaces with it', async () => {
  const server = await startTestServer()
  const send = (method: string, path: string, body?: object) =>
    server.raw(method, path, body && JSON.stringify(body), { 'content-type': 'application/json' })
  const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
  const schema = { openAPIV3Schema: { type: 'object' } }
  await send('POST', definitions, {
    metadata: { name: 'things.x.io' },
    spec: {
      group: 'x.io',
      scope: 'Namespaced',
      names: { plural: 'things', kind: 'Thing' },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  })
  const things = '/apis/x.io/v1/namespaces/default/things'
  const thing = { apiVersion: 'x.io/v1', kind: 'Thing', metadata: { name: 'a' } }
  await expect.poll(async () => (await send('POST', things, thing)).status).toBe(201)
  expect((await send('DELETE', '/apis/x.io/v1/things')).status).toBe(404)
  await send('DELETE', `${definitions}/things.x.io`)
  await expect.poll(async () => (await send('GET', `${definitions}/things.x.io`)).status, { timeout: 8000 }).toBe(404)
  expect((await send('GET', things)).status).toBe(404)
  await server.close()
})
