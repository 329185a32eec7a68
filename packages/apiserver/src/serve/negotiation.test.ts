import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing/start.ts'

let server: TestServer
const maps = '/api/v1/namespaces/default/configmaps'
beforeAll(async () => {
  server = await startTestServer()
  await server.raw('POST', maps, '{"metadata":{"name":"a"}}')
})
afterAll(() => server.close())

const get = (path: string, accept: string) => server.raw('GET', path, undefined, { accept })

test('a type that upstream does not produce is refused before anything is looked for', async () => {
  for (const accept of ['application/xml', 'application/*', 'garbage'])
    expect((await get(`${maps}/none`, accept)).body).toMatchObject({ code: 406, details: {} })
  expect((await get(`${maps}/none`, 'application/json;as=Foo;v=v1;g=meta.k8s.io')).status).toBe(406)
  expect((await get(`${maps}/a`, 'application/xml, */*')).status).toBe(200)
})

test('refusals come in YAML to whoever reads YAML', async () => {
  const answer = await get(`${maps}/none`, 'application/yaml')
  expect(answer.headers['content-type']).toBe('application/yaml')
  expect(answer.text).toContain('reason: NotFound\n')
  expect((await get(`${maps}/none`, 'application/yaml;as=Table;v=v1;g=meta.k8s.io')).headers['content-type']).toBe('application/json')
})

test('a list is no object, and an object is no list', async () => {
  expect((await get(maps, 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io')).body.message).toContain('(*core.ConfigMapList)')
  expect((await get(`${maps}/a`, 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io')).body.message).toContain(
    '(*core.ConfigMap)',
  )
})

test('curl and browsers get lines that people can read', async () => {
  const lines = async (agent: string) => (await server.raw('GET', `${maps}/a`, undefined, { 'user-agent': agent })).text.split('\n').length
  expect(await lines('curl/8')).toBeGreaterThan(5)
  expect(await lines('kubectl/v1.33')).toBeLessThan(3)
})

test.each([
  ['POST', '/api', 405],
  ['PUT', '/apis/apps/v1', 405],
  ['DELETE', '/version', 405],
  ['OPTIONS', `${maps}/a`, 405],
  ['HEAD', maps, 405],
  ['PUT', '/api/v1/nothing', 404],
  ['POST', '/api/v1/configmaps/x', 404],
  ['GET', '/api/v9', 404],
  ['GET', '/healthz/', 404],
  ['GET', '/api/v1/namespaces/a%2Fb/configmaps', 404],
  ['GET', `${maps}/a%25b`, 400],
  ['GET', `${maps}/a?watch=1`, 200],
])('%s %s is answered with %i', async (method, path, status) => expect((await server.raw(method, path)).status).toBe(status))

test('what is below a group that nobody serves is a page that nobody has', async () => {
  expect((await server.raw('GET', '/apis/none.example.com/v1/things')).text).toBe('404 page not found\n')
  expect((await server.raw('GET', '/apis/apps/v1/things')).body.reason).toBe('NotFound')
})

test('the root lists where to go', async () => {
  const { paths } = (await server.raw('GET', '/')).body as { paths: string[] }
  expect(paths).toEqual(expect.arrayContaining(['/api', '/api/v1', '/apis', '/apis/', '/apis/apps/v1', '/healthz', '/version']))
})

test.each([
  [
    '{"kind":5}',
    'the object provided is unrecognized (must be of type ConfigMap): couldn\'t get version/kind; json parse error: json: cannot unmarshal number into Go struct field .kind of type string ({"kind":5})',
  ],
  [
    '{"apiVersion":"a/b/c"}',
    'the object provided is unrecognized (must be of type ConfigMap): unexpected GroupVersion string: a/b/c ({"apiVersion":"a/b/c"})',
  ],
  [
    '{"kind":"ConfigMapList","apiVersion":"v1"}',
    'ConfigMapList in version "v1" cannot be handled as a ConfigMap: converting (v1.ConfigMapList) to (core.ConfigMap): unknown conversion',
  ],
])('the body %s is refused', async (body, message) => expect((await server.raw('POST', maps, body)).body.message).toBe(message))

test('broken YAML is refused before anybody asks for its kind', async () => {
  const { body } = await server.raw('POST', maps, 'a: b: c', { 'content-type': 'application/yaml' })
  expect(body.message).toBe(
    'the object provided is unrecognized (must be of type ConfigMap): yaml: mapping values are not allowed in this context (613a20623a2063)',
  )
})

test.each([
  ['limit=', 400, 'strconv.ParseInt: parsing "": invalid syntax'],
  ['limit=99999999999999999999', 400, 'strconv.ParseInt: parsing "99999999999999999999": value out of range'],
  ['continue=!!!', 400, 'invalid continue token: continue key is not valid: illegal base64 data at input byte 0'],
  ['continue=e30', 400, 'invalid continue token: continue key is not valid: server does not recognize this encoded version '],
  ['watch=1&resourceVersion=x', 500, 'resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax'],
])('a list with %s is refused', async (query, status, message) => {
  expect((await server.raw('GET', `${maps}?${query}`)).body).toMatchObject({ code: status, message })
})

test("a list of any version comes whole, as upstream's cache has no pages", async () => {
  const { body } = await server.raw('GET', '/apis/rbac.authorization.k8s.io/v1/clusterroles?limit=1&resourceVersion=0')
  expect(body.items.length).toBeGreaterThan(1)
  expect(body.metadata.continue).toBeUndefined()
})
