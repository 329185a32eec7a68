import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing/start.ts'

let server: TestServer
const maps = '/api/v1/namespaces/default/configmaps'
const deployments = '/apis/apps/v1/namespaces/default/deployments'
const send = (method: string, path: string, body: unknown, type = 'application/json') =>
  server.raw(method, path, JSON.stringify(body), { 'content-type': type })
let uid = ''
beforeAll(async () => {
  server = await startTestServer()
  uid = (await send('POST', maps, { metadata: { name: 'a' }, data: { x: '1' } })).body.metadata.uid
  await send('POST', deployments, {
    metadata: { name: 'd' },
    spec: {
      selector: { matchLabels: { a: 'b' } },
      template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
    },
  })
})
afterAll(() => server.close())

const said = async (...request: Parameters<typeof send>) => {
  const { status, body } = await send(...request)
  return `${status} ${body.reason ?? ''}: ${body.message}`.replaceAll(uid, 'UID')
}
const json = 'application/json-patch+json'
const strategic = 'application/strategic-merge-patch+json'
const attributes = { resourceAttributes: {}, nonResourceAttributes: {} }

test.each([
  ['PUT', `${maps}/a`, {}, undefined, '400 BadRequest: the name of the object (a based on URL) was undeterminable: name must be provided'],
  [
    'PUT',
    `${maps}/a`,
    { metadata: { name: 'a', uid: 'x' } },
    undefined,
    '409 Conflict: Operation cannot be fulfilled on configmaps "a": StorageError: invalid object, Code: 4, Key: /registry/configmaps/default/a, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: x, UID in object meta: UID',
  ],
  [
    'PUT',
    `${maps}/none`,
    { metadata: { name: 'none', uid: 'x' } },
    undefined,
    '409 Conflict: Operation cannot be fulfilled on configmaps "none": StorageError: invalid object, Code: 4, Key: /registry/configmaps/default/none, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: x, UID in object meta: ',
  ],
  [
    'DELETE',
    `${maps}/a`,
    { preconditions: { uid: 5 } },
    undefined,
    '400 BadRequest: json: cannot unmarshal number into Go struct field Preconditions.preconditions.uid of type types.UID',
  ],
  [
    'GET',
    `${maps}?continue=x&resourceVersion=1`,
    undefined,
    undefined,
    '400 BadRequest: invalid continue token: continue key is not valid: illegal base64 data at input byte 0',
  ],
  [
    'PATCH',
    `${maps}/a`,
    [{ op: 'remove', path: '/none' }],
    json,
    '422 Invalid: the server rejected our request due to an error in our request',
  ],
  ['PATCH', `${maps}/a`, {}, 'application/foo', '415 UnsupportedMediaType: 415: Unsupported Media Type'],
  [
    'PATCH',
    `${deployments}/d`,
    { spec: { template: { spec: { containers: [{ image: 'x' }] } } } },
    strategic,
    '500 : map: map[image:x] does not contain declared merge key: name',
  ],
  [
    'POST',
    '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    { spec: {} },
    undefined,
    '422 Invalid: .authorization.k8s.io "" is invalid: spec.resourceAttributes: Invalid value: "null": exactly one of nonResourceAttributes or resourceAttributes must be specified',
  ],
  [
    'POST',
    '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    { spec: attributes },
    undefined,
    '422 Invalid: .authorization.k8s.io "" is invalid: spec.nonResourceAttributes: Invalid value: authorization.NonResourceAttributes{Path:"", Verb:""}: cannot be specified in combination with resourceAttributes',
  ],
])('%s %s %j', async (method, path, body, type, message) => expect(await said(method, path, body, type)).toBe(message))

test('a patch that changes the uid is invalid, and no lost race', async () => {
  expect(await said('PATCH', `${maps}/a`, [{ op: 'add', path: '/metadata/uid', value: 'q' }], json)).toContain(
    '422 Invalid: ConfigMap "a" is invalid: metadata.uid: Invalid value: "q": field is immutable',
  )
})

test('what is only ever created cannot be read', async () => {
  expect((await server.raw('GET', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews')).body.reason).toBe('MethodNotAllowed')
})

test('a deletion answers with its Status to whoever asked for a table', async () => {
  await send('POST', maps, { metadata: { name: 'gone' } })
  const { status, body } = await server.raw('DELETE', `${maps}/gone`, undefined, { accept: 'application/json;as=Table;g=meta.k8s.io;v=v1' })
  expect([status, body.kind, body.status]).toEqual([200, 'Status', 'Success'])
})
