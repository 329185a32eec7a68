import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Answer, startTestServer, type TestServer } from '../testing/start.ts'

let api: TestServer
const core = '/api/v1/namespaces/default'
const sets = '/apis/apps/v1/namespaces/default'
const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
const workload = { metadata: { name: 'w' }, spec: { selector: { matchLabels: { a: 'b' } }, template } }
const send = (method: string, path: string, body?: unknown, accept?: string): Promise<Answer> =>
  api.raw(method, path, body === undefined ? undefined : JSON.stringify(body), accept ? { accept } : {})
const said = async (answer: Promise<Answer>): Promise<string> => {
  const { status, text } = await answer
  return text === '' ? String(status) : `${status} ${JSON.parse(text).message ?? JSON.parse(text).kind}`
}

beforeAll(async () => {
  api = await startTestServer()
  await send('POST', `${core}/serviceaccounts`, { metadata: { name: 'default' } })
  for (const name of ['p', 'q']) await send('POST', `${core}/pods`, { metadata: { name, labels: { name } }, spec: template.spec })
  await send('POST', `${sets}/deployments`, workload)
  await send('POST', `${core}/replicationcontrollers`, { metadata: { name: 'w' }, spec: { template } })
})
afterAll(() => api?.close())

const scale = `${sets}/deployments/w/scale`
test.each<[string, unknown, string | RegExp]>([
  [scale, { spec: { replicas: 1 } }, '400 the name of the object (w based on URL) was undeterminable: name must be provided'],
  [scale, { metadata: { name: 'x' } }, '400 the name of the object (x) does not match the name on the URL (w)'],
  [
    scale,
    { metadata: { name: 'w', namespace: 'x' } },
    '400 the namespace of the provided object does not match the namespace sent on the request',
  ],
  [
    scale,
    { metadata: { name: 'w', uid: 'x' } },
    /^409 Operation cannot be fulfilled on deployments.apps "w": StorageError: invalid object, .* UID in precondition: x,/,
  ],
])('PUT %s with %j', async (path, body, answer) => {
  expect(await said(send('PUT', path, body))).toMatch(answer)
})

test.each([
  [`${sets}/deployments/none/scale`, '404 deployments/scale.apps "none" not found'],
  [`${sets}/statefulsets/none/scale`, '404 statefulsets.apps "none" not found'],
  [`${core}/replicationcontrollers/none/scale`, '404 replicationcontrollers/scale.autoscaling "none" not found'],
  ['/api/v1/bindings', '404 the server could not find the requested resource'],
  [`${core}/pods/p/log`, '204'],
  [`${core}/pods/p/log?tailLines=-1`, '422 PodLogOptions "p" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0'],
  [
    `${core}/pods/p/log?sinceSeconds=1&sinceTime=2020-01-01T00:00:00Z`,
    '422 PodLogOptions "p" is invalid: []: Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified',
  ],
  [`${core}/pods/p/log?tailLines=x`, '400 strconv.ParseInt: parsing "x": invalid syntax'],
  [`${core}/pods/p/log?sinceTime=bad`, '400 parsing time "bad" as "2006-01-02T15:04:05Z07:00": cannot parse "bad" as "2006"'],
  [`${core}/pods/p/exec`, '400 pod p does not have a host assigned'],
])('GET %s: %s', async (path, answer) => {
  expect(await said(send('GET', path))).toBe(answer)
})

test('a scale as its metadata alone and as a table', async () => {
  const as = (form: string) => send('GET', scale, undefined, `application/json;as=${form};g=meta.k8s.io;v=v1`)
  expect((await as('PartialObjectMetadata')).body).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'w' } })
  expect((await as('Table')).body.rows[0].cells.slice(0, 3)).toEqual(['w', 1, 0])
})

const evict = (name: string, body: object) => said(send('POST', `${core}/pods/${name}/eviction`, { kind: 'Eviction', ...body }))
test('what an eviction is refused for', async () => {
  const [apiVersion, metadata] = ['policy/v1', { name: 'p' }]
  expect(await evict('p', { apiVersion })).toBe('400 name in URL does not match name in Eviction object')
  expect(await evict('p', { apiVersion, metadata, kind: 'Foo' })).toMatch(
    /^400 Foo in version "v1" cannot be handled as a Eviction: no kind "Foo" is registered for version "policy\/v1"/,
  )
  expect(await evict('p', { apiVersion, metadata, deleteOptions: { propagationPolicy: 'Foo' } })).toBe(
    '422 DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Foo": supported values: "Foreground", "Background", "Orphan", "nil"',
  )
  for (const name of ['a', 'b'])
    await send('POST', '/apis/policy/v1/namespaces/default/poddisruptionbudgets', {
      metadata: { name },
      spec: { selector: { matchLabels: { name: 'p' } } },
    })
  await api.raw('PATCH', `${core}/pods/p/status`, '{"status":{"phase":"Running"}}', { 'content-type': 'application/merge-patch+json' })
  const { status, body } = await send('POST', `${core}/pods/p/eviction`, { apiVersion, kind: 'Eviction', metadata })
  expect([status, body.reason]).toEqual([500, undefined])
})

test('the older version of an eviction is taken', async () => {
  expect(await evict('q', { apiVersion: 'policy/v1beta1', metadata: { name: 'q' } })).toBe('201 Status')
})

test('a binding says the name of its pod', async () => {
  const target = { kind: 'Node', name: 'n' }
  expect(await said(send('POST', `${core}/pods/p/binding`, { target }))).toBe('400 name in URL does not match name in Binding object')
})

test('a namespace that goes has no grace', async () => {
  await send('POST', '/api/v1/namespaces', { metadata: { name: 'gone' } })
  const { body } = await send('DELETE', '/api/v1/namespaces/gone')
  expect(Object.keys(body.metadata)).not.toContain('deletionGracePeriodSeconds')
})

test('system priority classes stay', async () => {
  expect(await said(send('DELETE', '/apis/scheduling.k8s.io/v1/priorityclasses/system-node-critical'))).toBe(
    '403 priorityclasses.scheduling.k8s.io "system-node-critical" is forbidden: this is a system priority class and cannot be deleted',
  )
})
