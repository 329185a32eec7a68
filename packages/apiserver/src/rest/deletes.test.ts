import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing/start.ts'

let server: TestServer
const maps = '/api/v1/namespaces/default/configmaps'
const pods = '/api/v1/namespaces/default/pods'
const remove = (path: string, body?: string) =>
  server.raw('DELETE', path, body, body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) })
const make = (path: string, body: unknown) => server.raw('POST', path, JSON.stringify(body))
beforeAll(async () => {
  server = await startTestServer()
  await make('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } })
  await make(maps, { metadata: { name: 'a', finalizers: ['x/y'] } })
})
afterAll(() => server.close())

test.each([
  ['a grace below zero is a second', '?gracePeriodSeconds=-1&dryRun=All', undefined, 200],
  ['a body that is no object', '', '[]', 400],
  ['a wrong type', '', '{"gracePeriodSeconds":"x"}', 400],
  ['a list where a text belongs', '', '{"dryRun":"All"}', 400],
  ['another kind', '', '{"kind":"Pod","apiVersion":"v1"}', 400],
  ['an empty number', '?gracePeriodSeconds=', undefined, 400],
  ['a uid of the query is a precondition', '?uid=1', undefined, 409],
  ['a version of the query is one as well', '?resourceVersion=1', undefined, 409],
])('%s: %s %s', async (_, query, body, status) => expect((await remove(`${maps}/a${query}`, body)).status).toBe(status))

test('the query counts only where there is no body', async () => {
  expect((await remove(`${maps}/a?uid=1`, '{"dryRun":["All"]}')).status).toBe(200)
})

test('old clients that ask for their dependents to go hear that they are still to go', async () => {
  expect((await remove(`${maps}/a`, '{"orphanDependents":false}')).status).toBe(202)
})

test('the update that takes the last finalizer answers with the version it was made from', async () => {
  const { body } = await server.raw('GET', `${maps}/a`)
  const patched = await server.raw('PATCH', `${maps}/a`, '{"metadata":{"finalizers":null}}', {
    'content-type': 'application/merge-patch+json',
  })
  expect(patched.body.metadata.resourceVersion).toBe(body.metadata.resourceVersion)
  expect((await server.raw('GET', `${maps}/a`)).status).toBe(404)
})

test('objects of all namespaces are not deleted, and not made', async () => {
  expect((await server.raw('DELETE', '/api/v1/configmaps')).status).toBe(405)
  expect((await make('/api/v1/configmaps', {})).status).toBe(405)
})

test('a pod that needs no grace is marked before it goes', async () => {
  const { body } = await make(pods, {
    metadata: { name: 'p' },
    spec: { automountServiceAccountToken: false, containers: [{ name: 'c', image: 'i' }] },
  })
  const stream = server.raw('GET', `${pods}?watch=1&timeoutSeconds=1&resourceVersion=${body.metadata.resourceVersion}`)
  const gone = await server.raw('DELETE', `${pods}/p`)
  expect(gone.body.metadata).toMatchObject({ deletionGracePeriodSeconds: 0, deletionTimestamp: expect.any(String) })
  const types = (await stream).text
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { type: string }).type)
  expect(types).toEqual(['MODIFIED', 'DELETED'])
})

test('namespaces refuse preconditions in words of their own', async () => {
  const { body } = await remove('/api/v1/namespaces/default', '{"preconditions":{"uid":"x"}}')
  expect(body).toMatchObject({ code: 409, details: { name: 'default', kind: 'namespaces' } })
  expect(body.message).toMatch(
    /^Operation cannot be fulfilled on namespaces "default": Precondition failed: UID in precondition: x, UID in object meta: /,
  )
})
