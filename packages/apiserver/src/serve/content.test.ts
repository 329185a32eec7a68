import { configMap } from '@skiff/api'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing/start.ts'

// Answers as a real API server gave them, where nothing changed since.

let api: TestServer
const one = '/api/v1/namespaces/default/configmaps/one'
beforeAll(async () => {
  api = await startTestServer()
  await api.near.create(configMap, {
    metadata: { namespace: 'default', name: 'one', annotations: { b: '<' }, labels: { b: '1', a: '2' } },
    data: { k: 'v' },
  })
  await api.near.create(configMap, { metadata: { namespace: 'default', name: 'big' }, data: { k: 'x'.repeat(140_000) } })
})
afterAll(() => api.close())

const get = (path: string, headers: Readonly<Record<string, string>> = {}) => api.raw('GET', path, undefined, headers)

test.each([
  [`${one}?pretty=true`, {}],
  [`${one}?pretty=T`, {}],
  [one, { 'user-agent': 'curl/8.0' }],
  [one, { 'user-agent': 'Mozilla/5.0 (X11)' }],
  [one, { accept: 'application/json;pretty=1' }],
])('%s %j is indented, without an end of line', async (path, headers) => {
  const { text } = await get(path, headers)
  expect(text.startsWith('{\n  "kind": "ConfigMap",\n  "apiVersion": "v1",\n')).toBe(true)
  expect(text.endsWith('\n}')).toBe(true)
  expect(text).toContain('"b": "\\u003c"')
})

test.each([
  [`${one}?pretty=yes`, {}],
  [`${one}?pretty`, {}],
  [`${one}?pretty=false`, { 'user-agent': 'curl/8.0' }],
  [one, { accept: 'application/json;pretty=true' }],
])('%s %j is not', async (path, headers) => {
  expect((await get(path, headers)).text.startsWith('{"kind":"ConfigMap",')).toBe(true)
})

test('a Status comes as its caller wants it; who accepts nothing gets indented JSON', async () => {
  const none = '/api/v1/namespaces/default/configmaps/none'
  const yaml = await get(none, { accept: 'application/yaml' })
  expect([yaml.headers['content-type'], yaml.text.split('\n')[0]]).toEqual(['application/yaml', 'apiVersion: v1'])
  const refused = await get(one, { accept: 'text/html' })
  expect([refused.status, refused.headers['content-type']]).toEqual([406, 'application/json'])
  expect(refused.text).toContain('{\n  "kind": "Status",\n  "apiVersion": "v1",\n  "metadata": {},\n')
  expect((await get(none, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' })).text).toContain('\n  "code": 404\n}')
})

test('metadata alone keeps its order', async () => {
  const { text } = await get(one, { accept: 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io' })
  expect(text).toMatch(
    /^\{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io\/v1","metadata":\{"name":"one","namespace":"default","uid":"[^"]+","resourceVersion":"\d+","creationTimestamp":"[^"]+","labels":\{"a":"2","b":"1"\},"annotations":\{"b":"\\u003c"\}/,
  )
})

test.each([
  [`${one}?includeObject=Bogus`, 'Table', "includeObject: Invalid value: \"Bogus\": must be 'Metadata', 'Object', 'None', or empty"],
  ['/api/v1/configmaps', 'PartialObjectMetadata', 'the requested object is a list (*core.ConfigMapList)'],
  [one, 'PartialObjectMetadataList', 'the requested object is not a list (*core.ConfigMap)'],
])('%s as %s: %s', async (path, as, message) => {
  expect((await get(path, { accept: `application/json;as=${as};v=v1;g=meta.k8s.io` })).body.message).toContain(message)
})

test('a watch has no YAML', async () => {
  const { status, text } = await get('/api/v1/configmaps?watch=1', { accept: 'application/yaml' })
  expect([status, text]).toEqual([406, expect.stringContaining('accepted: application/json;stream=watch,')])
})

const notFound = 'the server could not find the requested resource'
test.each([
  ['/apis/nowhere.io/v1/things', '404 page not found\n'],
  ['/nowhere', '404 page not found\n'],
  ['//api/v1/namespaces', '404 page not found\n'],
])('%s: a page', async (path, text) => {
  const answer = await get(path)
  expect([answer.status, answer.text, answer.headers['x-content-type-options']]).toEqual([404, text, 'nosniff'])
})
test.each(['/apis/apps/v7/deployments', '/api/v2', '/api/v1//namespaces', '/api/v1/namespaces/default/configmaps/a%2Fb'])(
  '%s: a Status',
  async (path) => {
    expect((await get(path)).body).toMatchObject({ code: 404, message: notFound, details: {} })
  },
)

test('broken escapes are refused before anything looks at them', async () => {
  const { status, text, headers } = await get('/api/v1/namespaces/%zz')
  expect([status, text, headers['content-type']]).toEqual([400, '400 Bad Request', 'text/plain; charset=utf-8'])
})

test.each([
  ['HEAD', one, 405],
  ['HEAD', '/api/v1', 405],
  ['HEAD', '/version', 405],
  ['HEAD', '/healthz', 200],
  ['OPTIONS', one, 405],
  ['POST', '/version', 405],
  ['POST', '/apis/apps/v1', 405],
])('%s %s: %i', async (method, path, expected) => {
  const { status, text } = await api.raw(method, path)
  expect(status).toBe(expected)
  if (method === 'HEAD') expect(text).toBe('')
  else expect(JSON.parse(text)).toMatchObject({ reason: 'MethodNotAllowed', details: {} })
})

test('a version that is no number is nobody’s refusal', async () => {
  const message = 'resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": invalid syntax'
  for (const path of ['/api/v1/configmaps', '/api/v1/configmaps?watch=1', one]) {
    const { body } = await get(`${path}${path.includes('?') ? '&' : '?'}resourceVersion=abc`)
    expect([body.code, body.reason, body.message]).toEqual([500, undefined, message])
  }
})

test('the watch of one object by its path is a get', async () => {
  expect((await get(`${one}?watch=true`)).body.kind).toBe('ConfigMap')
})

test('the root lists the paths', async () => {
  const { text, body } = await get('/')
  expect(
    text.startsWith('{\n  "paths": [\n    "/.well-known/openid-configuration",\n    "/api",\n    "/api/v1",\n    "/apis",\n    "/apis/",'),
  ).toBe(true)
  expect(body.paths).toContain('/apis/apps/v1')
})

test('discovery in other encodings', async () => {
  const protobuf = await get('/apis/apps', { accept: 'application/vnd.kubernetes.protobuf' })
  expect([protobuf.headers['content-type'], protobuf.text.startsWith('k8s\u0000')]).toEqual(['application/vnd.kubernetes.protobuf', true])
  expect((await get('/api/v1', { accept: 'text/html' })).body.message).toContain('406: Not Acceptable\n\nAvailable representations:')
  expect((await get('/apis/apps', { accept: 'text/html' })).body.message).toContain('only the following media types are accepted')
})

test('long answers are packed for those who name gzip without a weight', async () => {
  const big = '/api/v1/namespaces/default/configmaps/big'
  const packed = await get(big, { 'accept-encoding': 'deflate, gzip' })
  expect([packed.headers['content-encoding'], packed.headers.vary]).toEqual(['gzip', 'Accept-Encoding'])
  for (const encoding of ['gzip;q=1.0', 'deflate', 'xgzip'])
    expect((await get(big, { 'accept-encoding': encoding })).headers['content-encoding']).toBeUndefined()
  expect((await get(one, { 'accept-encoding': 'gzip' })).headers['content-encoding']).toBeUndefined()
})
