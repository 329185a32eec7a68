import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { buffer } from 'node:stream/consumers'
import { configMap, gatesOf, secret } from '@skiff/api'
import { decodeCbor, encodeCbor } from '@skiff/machinery'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { administratorToken, startTestServer, type TestServer } from '../testing/start.ts'
import { watchBytes } from '../testing/watch-lines.ts'

let off: TestServer
let on: TestServer
const cbor = 'application/cbor'
beforeAll(async () => {
  off = await startTestServer()
  on = await startTestServer({ more: { gates: gatesOf('CBORServingAndStorage=true,WatchList=true') } })
  const versions = [
    {
      name: 'v1',
      served: true,
      storage: true,
      schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
    },
  ]
  const names = { plural: 'ws', singular: 'w', kind: 'W', listKind: 'WList' }
  await send('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    metadata: { name: 'ws.x.io' },
    spec: { group: 'x.io', names, scope: 'Namespaced', versions },
  })
})
afterAll(() => Promise.all([off.close(), on.close()]))

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of any shape
type Any = any
const send = async (
  method: string,
  path: string,
  body?: object,
  headers: Readonly<Record<string, string>> = {},
  server: TestServer = on,
) => {
  const bytes = body && encodeCbor(body)
  const outgoing = request(`${server.url}${path}`, {
    method,
    agent: false,
    rejectUnauthorized: false,
    headers: {
      authorization: `Bearer ${administratorToken}`,
      accept: cbor,
      ...(bytes ? { 'content-type': cbor, 'content-length': String(bytes.length) } : {}),
      ...headers,
    },
  })
  outgoing.end(bytes)
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  const answer = await buffer(response)
  const contentType = response.headers['content-type']
  const value = (contentType === cbor ? decodeCbor(answer) : JSON.parse(answer.toString())) as Any
  return { status: response.statusCode, contentType, bytes: answer, value }
}

const maps = '/api/v1/namespaces/default/configmaps'

test('off, it is refused both ways, and nobody hears of it', async () => {
  const posted = await send('POST', maps, { metadata: { name: 'a' } }, { accept: 'application/json' }, off)
  expect([posted.status, posted.value.message]).toEqual([
    415,
    'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf',
  ])
  const read = await send('GET', maps, undefined, {}, off)
  expect([read.status, read.contentType, read.value.message.includes('cbor')]).toEqual([406, 'application/json', false])
  const applied = await send(
    'PATCH',
    `${maps}/a?fieldManager=m`,
    {},
    { accept: 'application/json', 'content-type': 'application/apply-patch+cbor' },
    off,
  )
  expect(applied.status).toBe(415)
})

test('on, objects go both ways, and say what they are', async () => {
  const made = await send('POST', maps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { k: 'v' } })
  expect([made.status, made.contentType, made.bytes.subarray(0, 3).toString('hex')]).toEqual([201, cbor, 'd9d9f7'])
  expect(made.value).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'default' }, data: { k: 'v' } })
  expect((await send('GET', `${maps}/a`)).value).toEqual(made.value)
  const list = await send('GET', maps)
  expect([list.value.kind, list.value.items.length, list.value.items[0].kind]).toEqual(['ConfigMapList', 1, undefined])
})

test('bytes are bytes that text would hold as base64', async () => {
  await on.near.create(secret, { metadata: { namespace: 'default', name: 's' }, data: { k: Buffer.from('hi').toString('base64') } })
  const { bytes, value } = await send('GET', '/api/v1/namespaces/default/secrets/s')
  expect(bytes.includes(Buffer.from([0xd6, 0x42, 0x68, 0x69]))).toBe(true)
  expect(value.data.k).toBe('aGk=')
})

test('refusals, tables, metadata and discovery', async () => {
  const missing = await send('GET', `${maps}/none`)
  expect([missing.contentType, missing.value]).toEqual([cbor, expect.objectContaining({ kind: 'Status', code: 404, metadata: {} })])
  const as = (kind: string) => ({ accept: `${cbor};as=${kind};v=v1;g=meta.k8s.io` })
  const table = await send('GET', maps, undefined, as('Table'))
  expect([table.value.kind, table.value.rows[0].object.metadata.name]).toEqual(['Table', 'a'])
  expect((await send('GET', `${maps}/a`, undefined, as('PartialObjectMetadata'))).value).toMatchObject({ kind: 'PartialObjectMetadata' })
  expect((await send('GET', '/apis/apps')).value).toMatchObject({ kind: 'APIGroup', name: 'apps' })
})

test('refusals list it', async () => {
  const four = 'application/json, application/yaml, application/vnd.kubernetes.protobuf, application/cbor'
  const posted = await send('POST', maps, {}, { 'content-type': 'text/plain' })
  expect(posted.value.message).toBe(`the body of the request was in an unknown format - accepted media types include: ${four}`)
  const read = await send('GET', `${maps}/a`, undefined, { accept: 'text/html' })
  expect(read.value.message).toBe(`406: Not Acceptable\n\nAvailable representations: ${four}`)
  const patched = await send('PATCH', '/apis/x.io/v1/namespaces/default/ws/a', {}, { 'content-type': 'text/plain' })
  expect(patched.value.message).toMatch(/application\/apply-patch\+yaml, application\/apply-patch\+cbor$/)
})

test('custom resources, and their lists in their order', async () => {
  const ws = '/apis/x.io/v1/namespaces/default/ws'
  const made = await send('POST', ws, {
    apiVersion: 'x.io/v1',
    kind: 'W',
    metadata: { name: 'one' },
    spec: { n: 1, f: 1.5, l: [true, null] },
  })
  expect([made.status, made.value.spec]).toEqual([201, { n: 1, f: 1.5, l: [true, null] }])
  const { value } = await send('GET', ws)
  expect([value.kind, value.items[0].kind]).toEqual(['WList', 'W'])
  const { text } = await on.raw('GET', ws)
  expect(text).toMatch(
    /^\{"apiVersion":"x.io\/v1","items":\[\{.*\}\],"kind":"WList","metadata":\{"continue":"","resourceVersion":"\d+"\}\}\n$/,
  )
})

test('an apply configuration', async () => {
  const configuration = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'applied' }, data: { x: 'y' } }
  const applied = await send('PATCH', `${maps}/applied?fieldManager=m`, configuration, { 'content-type': 'application/apply-patch+cbor' })
  expect([applied.status, applied.value.data, applied.value.metadata.managedFields[0].operation]).toEqual([201, { x: 'y' }, 'Apply'])
})

test('a watch is a sequence of items', async () => {
  const made = await on.near.create(configMap, { metadata: { namespace: 'kube-public', name: 'seen' } })
  const query = 'watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true'
  const { bytes, contentType } = await watchBytes(
    on,
    `/api/v1/namespaces/kube-public/configmaps?${query}`,
    (got) => got.includes('initial-events-end'),
    {
      accept: cbor,
    },
  )
  expect(contentType).toBe('application/cbor-seq')
  // Each item is an event, tagged, and so is the object within.
  const events = itemsOf(bytes)
  expect(events.map(({ type }) => type)).toEqual(['ADDED', 'BOOKMARK'])
  expect(events[0]).toMatchObject({ object: { kind: 'ConfigMap', metadata: { uid: made.metadata.uid } } })
  expect(events[1]).toMatchObject({ object: { kind: 'ConfigMap', metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } } })
})

const begin = Buffer.from('d9d9f7a24474797065', 'hex')
const itemsOf = (bytes: Buffer): Any[] => {
  const items: Any[] = []
  for (let at = bytes.indexOf(begin); at >= 0; ) {
    const next = bytes.indexOf(begin, at + 1)
    items.push(decodeCbor(bytes.subarray(at, next < 0 ? bytes.length : next)))
    at = next
  }
  return items
}
