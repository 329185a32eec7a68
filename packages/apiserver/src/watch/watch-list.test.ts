import { configMap, gatesOf } from '@skiff/api'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing/start.ts'
import { watchBytes, watchLines } from '../testing/watch-lines.ts'

let off: TestServer
let on: TestServer
const maps = '/api/v1/namespaces/default/configmaps'
let version = ''
beforeAll(async () => {
  off = await startTestServer()
  on = await startTestServer({ more: { gates: gatesOf('WatchList=true') } })
  for (const name of ['a', 'b']) {
    const made = await on.near.create(configMap, { metadata: { namespace: 'default', name, labels: { name } } })
    version = made.metadata.resourceVersion as string
  }
})
afterAll(() => Promise.all([off.close(), on.close()]))

const all = 'watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true'
const invalid = (causes: string) => `ListOptions.meta.k8s.io "" is invalid: ${causes}`
const needsMatch = 'resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'
const needsGate = 'sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled'

test.each([
  ['watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan', needsGate],
  ['watch=true&sendInitialEvents=true', `[${needsMatch}, ${needsGate}]`],
  ['watch=1&sendInitialEvents=false', `[${needsMatch}, ${needsGate}]`],
  [
    'watch=true&resourceVersionMatch=NotOlderThan',
    'resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
  ],
  [
    'watch=true&resourceVersionMatch=Exact&continue=x',
    '[resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided, resourceVersionMatch: Unsupported value: "Exact": supported values: "NotOlderThan", resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden when continue is provided]',
  ],
  ['sendInitialEvents=true', 'sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list'],
  [
    'resourceVersionMatch=Newest&sendInitialEvents=true',
    '[resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided, resourceVersionMatch: Unsupported value: "Newest": supported values: "Exact", "NotOlderThan", "", sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list]',
  ],
])('without the feature %s is refused', async (query, causes) => {
  const { status, body } = await off.raw('GET', `${maps}?${query}`)
  expect([status, body.message]).toEqual([422, invalid(causes)])
})

test('with the feature a match is still needed', async () => {
  expect((await on.raw('GET', `${maps}?watch=true&sendInitialEvents=true`)).body.message).toBe(invalid(needsMatch))
})

const told = (lines: readonly string[]) =>
  lines.map((line) => {
    const { type, object } = JSON.parse(line)
    return [type, object.metadata?.name, object.metadata?.annotations].filter((each) => each !== undefined)
  })
const end = ['BOOKMARK', { 'k8s.io/initial-events-end': 'true' }]

test.each([
  ['', ''],
  ['0', ''],
  ['newest', ''],
])('all that is there comes first, and then the mark: version %j', async (given) => {
  const lines = await watchLines(on, `${maps}?${all}&resourceVersion=${given === 'newest' ? version : given}`, 3)
  expect(told(lines)).toEqual([['ADDED', 'a'], ['ADDED', 'b'], end])
  const { metadata } = JSON.parse(lines[2] as string).object
  expect(Number(metadata.resourceVersion)).toBeGreaterThanOrEqual(Number(version))
})

test('the mark is an object of the kind with its version, and what is selected comes before it', async () => {
  const [added, mark] = await watchLines(on, `/api/v1/configmaps?${all}&labelSelector=name%3Db`, 2)
  expect(told([added as string])).toEqual([['ADDED', 'b']])
  expect(mark?.replace(/"resourceVersion":"\d+"/, '"resourceVersion":"N"')).toBe(
    '{"type":"BOOKMARK","object":{"kind":"ConfigMap","apiVersion":"v1","metadata":{"resourceVersion":"N","creationTimestamp":null,"annotations":{"k8s.io/initial-events-end":"true"}}}}',
  )
  const [pods] = await watchLines(on, `/api/v1/namespaces/default/pods?${all}`, 1)
  expect(pods).toContain('"spec":{"containers":null},"status":{}}')
})

test('nobody who did not ask for bookmarks gets the mark', async () => {
  const query = 'watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&timeoutSeconds=1'
  expect(told(await watchLines(on, `${maps}?${query}`, 3))).toEqual([
    ['ADDED', 'a'],
    ['ADDED', 'b'],
  ])
})

test('initial events that are refused do not come', async () => {
  const query = 'watch=true&sendInitialEvents=false&resourceVersionMatch=NotOlderThan&timeoutSeconds=1'
  expect(await watchLines(on, `${maps}?${query}`, 1)).toEqual([])
  expect(await watchLines(on, `${maps}?${query}&resourceVersion=0`, 1)).toEqual([])
})

test('a version that nobody has seen is an ERROR', async () => {
  const [line] = await watchLines(on, `${maps}?${all}&resourceVersion=999999999`, 1)
  expect(JSON.parse(line as string)).toMatchObject({ type: 'ERROR', object: { code: 504, reason: 'Timeout' } })
})

test('tables and metadata carry the mark too', async () => {
  const table = await watchLines(on, `${maps}?${all}`, 3, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' })
  const last = JSON.parse(table[2] as string)
  expect([last.type, last.object.kind, last.object.rows[0].object.metadata.annotations]).toEqual(['BOOKMARK', 'Table', end[1]])
  const partial = await watchLines(on, `${maps}?${all}`, 3, { accept: 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io' })
  expect(told(partial)).toEqual([['ADDED', 'a'], ['ADDED', 'b'], end])
  expect(JSON.parse(partial[2] as string).object.kind).toBe('PartialObjectMetadata')
})

test('so does protobuf', async () => {
  const accept = 'application/vnd.kubernetes.protobuf'
  const { bytes, contentType } = await watchBytes(on, `${maps}?${all}`, (got) => got.includes('initial-events-end'), { accept })
  expect([contentType, bytes.includes('BOOKMARK')]).toEqual([`${accept};stream=watch`, true])
})

test('of an end that is near, a bookmark tells before', async () => {
  const [line] = await watchLines(on, `${maps}?watch=true&allowWatchBookmarks=true&timeoutSeconds=3&resourceVersion=${version}`, 1)
  expect(told([line as string])).toEqual([['BOOKMARK']])
})
