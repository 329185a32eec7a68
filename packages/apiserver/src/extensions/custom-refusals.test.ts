import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { openDefinition } from '../testing/open-definition.ts'
import { startTestServer, type TestServer } from '../testing/start.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
  await send(
    'POST',
    '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
    openDefinition('x.io', 'twos', 'Two', { additionalPrinterColumns: [{ name: 'R', type: 'integer', jsonPath: '.spec.replicas' }] }),
  )
  await vi.waitFor(async () => expect((await send('POST', twos, { ...two, metadata: { name: 'a' } })).status).toBe(201))
})
afterAll(() => server.close())

const twos = '/apis/x.io/v1/namespaces/default/twos'
const two = { apiVersion: 'x.io/v1', kind: 'Two', metadata: { name: 'n' } }
const json = 'application/json'
const merge = 'application/merge-patch+json'
const send = (method: string, path: string, body?: unknown, type = json) =>
  server.raw(method, path, typeof body === 'string' || body === undefined ? body : JSON.stringify(body), { 'content-type': type })

const missing = "Object 'Kind' is missing in '{}'"
test.each([
  ['POST', twos, '{}', json, `400 the object provided is unrecognized (must be of type Two): ${missing} ({})`],
  ['POST', `${twos}?fieldValidation=Ignore`, '{}', json, `400 Two in version "v1" cannot be handled as a Two: ${missing}`],
  ['POST', twos, { kind: 'Two' }, json, '400 the API version in the data () does not match the expected API version (x.io/v1)'],
  ['POST', twos, { ...two, kind: 'One' }, json, '422 One.x.io "n" is invalid: kind: Invalid value: "One": must be Two'],
  [
    'POST',
    twos,
    { ...two, metadata: 'x' },
    json,
    '400 Two in version "v1" cannot be handled as a Two: json: cannot unmarshal string into Go value of type v1.ObjectMeta',
  ],
  ['PATCH', `${twos}/a`, { apiVersion: 'x' }, merge, '422 Two "a" is invalid: apiVersion: Invalid value: "x": must be x.io/v1'],
  [
    'PATCH',
    `${twos}/a`,
    { apiVersion: null },
    merge,
    "500 Internal error occurred: Object 'apiVersion' is missing in 'object has no apiVersion field'",
  ],
  ['PATCH', twos, {}, merge, '400 name must be provided'],
  ['PUT', twos, {}, json, '400 name must be provided'],
  ['POST', `${twos}/a/status`, {}, json, '405 create is not supported on resources of kind "twos.x.io"'],
  ['DELETE', `${twos}/a/status`, undefined, json, '405 delete is not supported on resources of kind "twos.x.io"'],
  ['GET', `${twos}/a/scale`, undefined, json, '500 Internal error occurred: the spec replicas field ".spec.replicas" does not exist'],
  ['PATCH', `${twos}/a/scale`, {}, merge, '400 the spec replicas field ".spec.replicas" cannot be empty'],
  [
    'PATCH',
    `${twos}/a/scale`,
    { spec: { replicas: -1 } },
    merge,
    '422 Two.x.io "a" is invalid: .spec.replicas: Invalid value: -1: should be a non-negative integer',
  ],
  [
    'PATCH',
    `${twos}/a/scale`,
    {},
    'application/strategic-merge-patch+json',
    '415 the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml',
  ],
])('%s %s %j %s', async (method, path, body, type, told) => {
  const answer = await send(method, path, body, type)
  expect(`${answer.status} ${answer.body.message}`).toBe(told)
})

test('no handler takes what needs a namespace and has none', async () => {
  const answer = await send('POST', '/apis/x.io/v1/twos', two)
  expect([answer.status, answer.text]).toEqual([404, '404 page not found\n'])
})

test('a dry run of a create may name a version', async () => {
  const versioned = { ...two, metadata: { name: 'n', resourceVersion: '5' } }
  expect((await send('POST', `${twos}?dryRun=All`, versioned)).status).toBe(201)
  expect((await send('POST', twos, versioned)).status).toBe(500)
})

test('a column that is not described says where it looks', async () => {
  const { body } = await server.raw('GET', twos, undefined, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' })
  expect(body.columnDefinitions[1].description).toBe('Custom resource definition column (in JSONPath format): .spec.replicas')
})

test('a POST to an object makes another one, under the name that the body says', async () => {
  const { status, body } = await send('POST', `${twos}/other`, { ...two, metadata: { name: 'said' } })
  expect([status, body.metadata.name]).toEqual([201, 'said'])
})
