import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing/start.ts'

let server: TestServer
const maps = '/api/v1/namespaces/default/configmaps'
const deployments = '/apis/apps/v1/namespaces/default/deployments'
const json = 'application/json-patch+json'
const merge = 'application/merge-patch+json'
const strategic = 'application/strategic-merge-patch+json'
const apply = 'application/apply-patch+yaml'
const send = (method: string, path: string, body: unknown, type = 'application/json') =>
  server.raw(method, path, typeof body === 'string' ? body : JSON.stringify(body), { 'content-type': type })
const said = async (...request: Parameters<typeof send>) => {
  const { status, body } = await send(...request)
  return `${status} ${body.reason ?? ''}: ${body.message ?? ''}`
}
const template = (containers: unknown) => ({ spec: { template: { spec: { containers } } } })

beforeAll(async () => {
  server = await startTestServer()
  await send('POST', maps, { metadata: { name: 'a' }, data: { x: '1' } })
  await send('POST', deployments, {
    metadata: { name: 'd' },
    spec: {
      selector: { matchLabels: { a: 'b' } },
      template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
    },
  })
})
afterAll(() => server.close())

const stale = 'the object has been modified; please apply your changes to the latest version and try again'
const unfit = 'the server rejected our request due to an error in our request'
test.each([
  // An object that is not there is missed before its patch is read.
  [`${maps}/none`, 'x', json, '404 NotFound: configmaps "none" not found'],
  [
    `${maps}/a`,
    { op: 'add' },
    json,
    '400 BadRequest: error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp',
  ],
  [
    `${maps}/a`,
    ['x'],
    json,
    '400 BadRequest: error decoding patch: json: cannot unmarshal string into Go value of type handlers.jsonPatchOp',
  ],
  [
    `${maps}/a`,
    [{ op: 'add', path: 5 }],
    json,
    '400 BadRequest: error decoding patch: json: cannot unmarshal number into Go struct field jsonPatchOp.path of type string',
  ],
  [
    `${maps}/a?fieldValidation=Ignore`,
    ['x'],
    json,
    '400 BadRequest: json: cannot unmarshal string into Go value of type jsonpatch.Operation',
  ],
  [
    `${maps}/a`,
    [{ op: 'remove', path: '/apiVersion' }],
    json,
    '400 BadRequest: the name of the object (a based on URL) was undeterminable: name must be provided',
  ],
  [`${maps}/a`, '', json, '400 BadRequest: error decoding patch: unexpected end of JSON input'],
  [`${maps}/a`, 'null', merge, '400 BadRequest: Invalid JSON Patch'],
  [
    `${maps}/a`,
    [],
    merge,
    '400 BadRequest: error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}',
  ],
  [`${maps}/a`, { metadata: { resourceVersion: 'x' } }, merge, '500 : strconv.ParseUint: parsing "x": invalid syntax'],
  [`${deployments}/d`, [], strategic, '400 BadRequest: json: cannot unmarshal array into Go value of type map[string]interface {}'],
  [
    `${deployments}/d`,
    template('x'),
    strategic,
    '422 Invalid:  "" is invalid: patch: Invalid value: "map[spec:map[template:map[spec:map[containers:x]]]]": cannot restore slice from string',
  ],
  [
    `${deployments}/d`,
    template([{ name: 5 }]),
    strategic,
    '422 Invalid:  "" is invalid: patch: Invalid value: "map[spec:map[template:map[spec:map[containers:[map[name:5]]]]]]": cannot convert int64 to string',
  ],
  [`${deployments}/d`, template([[]]), strategic, `422 Invalid: ${unfit}`],
  [`${deployments}/d`, { spec: { strategy: { $retainKeys: 'type' } } }, strategic, '400 BadRequest: invalid patch format of retainKeys'],
  [`${deployments}/d`, { metadata: { $deleteFromPrimitiveList: 1 } }, strategic, '400 BadRequest: invalid patch format of primitive list'],
  [
    `${deployments}/d`,
    { spec: { '$setElementOrder/foo': [] } },
    strategic,
    '500 : unable to find api field in struct DeploymentSpec for the json field "foo"',
  ],
  [`${deployments}/d`, { spec: { strategy: { $patch: 5 } } }, strategic, '500 : unknown patch type: %!s(int64=5) in map: map[$patch:5]'],
  [
    `${deployments}/d`,
    { spec: { template: [] } },
    strategic,
    '422 Invalid:  "" is invalid: patch: Invalid value: "map[spec:map[template:[]]]": cannot restore struct from: slice',
  ],
  [
    `${deployments}/d`,
    { spec: { replicas: 1.5 } },
    strategic,
    '422 Invalid:  "" is invalid: patch: Invalid value: "map[spec:map[replicas:1.5]]": cannot convert float64 to int32',
  ],
  [
    `${deployments}/d?fieldManager=m`,
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' }, spec: { minReadySeconds: 1.5 } },
    apply,
    '500 : failed to convert new object (/d; apps/v1, Kind=Deployment) to proper version: unable to convert unstructured object to apps/v1, Kind=Deployment: cannot convert float64 to int32',
  ],
  [
    `${maps}/a?fieldManager=m`,
    { apiVersion: 'v1', kind: 'Nope', metadata: { name: 'a' } },
    apply,
    '500 : failed to create typed patch object (/a; /v1, Kind=Nope): no corresponding type for /v1, Kind=Nope',
  ],
  [`${maps}/a`, {}, 'application/Merge-patch+json', '415 UnsupportedMediaType: 415: Unsupported Media Type'],
  [
    `${deployments}/d/scale`,
    { metadata: { resourceVersion: '1' } },
    merge,
    `409 Conflict: Operation cannot be fulfilled on deployments.apps "d": ${stale}`,
  ],
  [
    `${deployments}/d/status`,
    { status: { replicas: -1 } },
    merge,
    '422 Invalid: Deployment.apps "d" is invalid: [status.replicas: Invalid value: -1: must be greater than or equal to 0, status.updatedReplicas: Invalid value: 0: cannot be greater than status.replicas, status.readyReplicas: Invalid value: 0: cannot be greater than status.replicas, status.availableReplicas: Invalid value: 0: cannot be greater than status.replicas]',
  ],
  [`${deployments}/d`, { spec: { strategy: { $patch: 'bogus' } } }, strategic, '500 : unknown patch type: bogus in map: map[$patch:bogus]'],
  [
    `${maps}/a?fieldManager=m`,
    'null',
    apply,
    '400 BadRequest: Incorrect version specified in apply patch. Specified patch version: , expected: v1',
  ],
  [
    `${maps}/a?fieldManager=m`,
    'a: b: c',
    apply,
    '400 BadRequest: error decoding YAML: error converting YAML to JSON: yaml: mapping values are not allowed in this context',
  ],
  [
    `${maps}/a?fieldManager=m`,
    { apiVersion: 'v1', metadata: { name: 'a' } },
    apply,
    '500 : failed to create typed patch object (/a; /v1, Kind=): no corresponding type for /v1, Kind=',
  ],
  [
    `${maps}/a?fieldManager=a%0Ab`,
    {},
    apply,
    '422 Invalid: PatchOptions.meta.k8s.io "" is invalid: fieldManager: Invalid value: "a\\nb": invalid character U+000A (at position 1)',
  ],
])('PATCH %s %j %s', async (path, body, type, message) => expect(await said('PATCH', path, body, type)).toBe(message))

test('what a router or a patch library refuses has empty details', async () => {
  expect((await send('PATCH', maps, {}, merge)).body).toMatchObject({ code: 405, details: {} })
  expect((await send('PATCH', `${maps}/a`, {}, 'text/plain')).body).toMatchObject({ code: 415, details: {} })
  expect((await send('PATCH', `${maps}/a`, [{ op: 'remove', path: '/z' }], json)).body).toMatchObject({ code: 422, details: {} })
})

test.each([
  ['PATCH', 'pods/p/log'],
  ['PATCH', 'pods/p/eviction'],
  ['PATCH', 'pods/p/exec'],
  ['GET', 'pods/p/binding'],
  ['DELETE', 'serviceaccounts/default/token'],
  ['POST', 'pods/p/log'],
])('%s of %s is not allowed', async (method, path) =>
  expect((await server.raw(method, `/api/v1/namespaces/default/${path}`)).body).toMatchObject({ code: 405, details: {} }),
)

const causes = async (path: string, metadata: unknown) =>
  ((await send('PATCH', path, { metadata }, merge)).body.details.causes as { field: string }[]).map(({ field }) => field)

test('metadata of an update is checked by the registry, as new and as changed, and again by the strategy', async () => {
  const labels = { labels: { 'a b': 'c' } }
  expect(await causes(`${maps}/a`, labels)).toEqual(Array(4).fill('metadata.labels'))
  expect(await causes(`${deployments}/d`, labels)).toEqual(Array(3).fill('metadata.labels'))
  expect(await causes(`${maps}/a`, { uid: 'x' })).toEqual(Array(2).fill('metadata.uid'))
  expect(await causes(`${maps}/a`, { finalizers: ['bad'] })).toEqual(Array(2).fill('metadata.finalizers[0]'))
  expect(await causes(`${maps}/a`, { generateName: 'B_' })).toEqual(['metadata.generateName'])
})

test('nobody but a delete sets a time of deletion', async () => {
  expect(await said('PATCH', `${maps}/a`, { metadata: { deletionTimestamp: '2020-01-01T00:00:00Z' } }, merge)).toBe(
    '422 Invalid: ConfigMap "a" is invalid: metadata.deletionTimestamp: Invalid value: 2020-01-01 00:00:00 +0000 UTC: field is immutable',
  )
})

test('a Lease may have any finalizer, as its strategy does not ask for prefixes', async () => {
  const leases = '/apis/coordination.k8s.io/v1/namespaces/default/leases'
  expect((await send('POST', leases, { metadata: { name: 'l', finalizers: ['bad'] } })).status).toBe(201)
})

test('a name that is in use only until its finalizers are done says so', async () => {
  await send('POST', maps, { metadata: { name: 'held', finalizers: ['a/b'] } })
  await server.raw('DELETE', `${maps}/held`)
  expect(await said('POST', maps, { metadata: { name: 'held' } })).toBe(
    '409 AlreadyExists: object is being deleted: configmaps "held" already exists',
  )
})

test('an empty list of managedFields is a fresh start', async () => {
  const { body } = await send('PATCH', `${maps}/a`, { metadata: { managedFields: [] } }, merge)
  expect(body.metadata.managedFields).toBeUndefined()
})

test('null in a configuration names a field, and takes nothing away from what is there', async () => {
  const configuration = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: null }
  const { body } = await send('PATCH', `${maps}/a?fieldManager=m`, configuration, apply)
  expect(body.data).toEqual({ x: '1' })
})
