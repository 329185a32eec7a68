import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing/start.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const send = (method: string, path: string, body?: object, type = 'application/json') =>
  server.raw(method, path, body && JSON.stringify(body), { 'content-type': type })
const merge = 'application/merge-patch+json'

const define = (plural: string, names: object) =>
  send('POST', definitions, {
    metadata: { name: `${plural}.x.io` },
    spec: {
      group: 'x.io',
      scope: 'Namespaced',
      names: { plural, ...names },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
    },
  })
interface Condition {
  readonly type: string
  readonly status: string
  readonly reason: string
}
const conditionOf = async (plural: string, wanted: string) => {
  const { body } = await send('GET', `${definitions}/${plural}.x.io`)
  const found = (body.status?.conditions as Condition[] | undefined)?.find(({ type }) => type === wanted)
  return found && `${found.status} ${found.reason}`
}

test('what waits for a name has it when the definition that held it goes', async () => {
  await define('firsts', { kind: 'Same' })
  await expect.poll(() => conditionOf('firsts', 'Established')).toBe('True InitialNamesAccepted')
  await define('seconds', { kind: 'Same', listKind: 'OtherList' })
  await expect.poll(() => conditionOf('seconds', 'NamesAccepted')).toBe('False KindConflict')
  await send('DELETE', `${definitions}/firsts.x.io`)
  await expect.poll(() => conditionOf('seconds', 'Established'), { timeout: 5000 }).toBe('True InitialNamesAccepted')
})

test('of two that wait for one name, one has it', async () => {
  await define('owners', { kind: 'Wanted' })
  await expect.poll(() => conditionOf('owners', 'Established')).toBe('True InitialNamesAccepted')
  await define('alphas', { kind: 'Wanted', singular: 'alpha' })
  await define('betas', { kind: 'Wanted', singular: 'beta' })
  await expect.poll(() => conditionOf('betas', 'NamesAccepted')).toBe('False ListKindConflict')
  await send('DELETE', `${definitions}/owners.x.io`)
  await expect.poll(() => conditionOf('alphas', 'Established'), { timeout: 5000 }).toBe('True InitialNamesAccepted')
  expect(await conditionOf('betas', 'NamesAccepted')).toBe('False ListKindConflict')
})

test('a definition that goes takes no new objects, and those that are held can be let go', async () => {
  await define('things', { kind: 'Thing' })
  const things = '/apis/x.io/v1/namespaces/default/things'
  const thing = (name: string) => ({ apiVersion: 'x.io/v1', kind: 'Thing', metadata: { name, finalizers: ['a.io/b'] } })
  await expect.poll(async () => (await send('POST', things, thing('a'))).status).toBe(201)
  const marked = (await send('DELETE', `${definitions}/things.x.io`)).body.metadata
  expect(marked).toMatchObject({ generation: 1, deletionTimestamp: expect.any(String) })
  expect(marked).not.toHaveProperty('deletionGracePeriodSeconds')
  await expect.poll(() => conditionOf('things', 'Terminating')).toBe('True InstanceDeletionInProgress')
  const refused = await send('POST', things, thing('b'))
  expect(refused).toMatchObject({
    status: 405,
    body: {
      message: 'create not allowed while custom resource definition is terminating',
      details: { group: 'x.io', kind: 'things' },
    },
  })
  const verbs = (await send('GET', '/apis/x.io/v1')).body.resources.find(({ name }: { name: string }) => name === 'things').verbs
  expect(verbs).toEqual(['delete', 'deletecollection', 'get', 'list', 'watch'])
  expect((await send('PATCH', `${things}/a`, { metadata: { finalizers: null } }, merge)).status).toBe(200)
  await expect.poll(async () => (await send('GET', `${definitions}/things.x.io`)).status, { timeout: 8000 }).toBe(404)
})

test('paths below custom kinds that nobody serves', async () => {
  await define('lones', { kind: 'Lone' })
  await expect.poll(() => conditionOf('lones', 'Established')).toBe('True InitialNamesAccepted')
  expect((await send('GET', '/apis/x.io/v9')).text).toBe('404 page not found\n')
  expect((await send('GET', '/apis/x.io/v1/namespaces/default/lones/a/scale')).body.message).toBe('lones.x.io "a" not found')
})

test('a status without stored versions has the one that objects are stored in', async () => {
  await define('stores', { kind: 'Store' })
  const { body } = await send('PATCH', `${definitions}/stores.x.io/status`, { status: { storedVersions: [] } }, merge)
  expect(body.status.storedVersions).toEqual(['v1'])
})
