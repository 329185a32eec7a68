import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { systemEnv } from '@skiff/machinery'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { issueCertificate, makeAuthority } from '../../authn/authorities.ts'
import { startTestServer, type TestServer } from '../../testing/start.ts'

interface Review {
  readonly apiVersion: string
  // biome-ignore lint/suspicious/noExplicitAny: reviews hold objects of any shape
  readonly request: any
}
type Respond = (review: Review, path: string) => object | { readonly http: number; readonly text: string } | 'never'

let api: TestServer
let hook: ReturnType<typeof createServer>
let port: number
let caBundle: string
let reviews: Review[] = []
let respond: Respond = () => ({ allowed: true })

beforeAll(async () => {
  api = await startTestServer()
  const authority = await makeAuthority('webhook-ca', systemEnv())
  caBundle = Buffer.from(authority.cert).toString('base64')
  const pair = await issueCertificate(
    authority,
    { subject: { commonName: 'hook' }, hosts: ['127.0.0.1', 'hook.default.svc'], days: 1, usages: ['server'] },
    systemEnv(),
  )
  hook = createServer(pair, async (incoming, outgoing) => {
    const review = (await json(incoming)) as Review
    reviews.push(review)
    const answer = respond(review, incoming.url ?? '')
    if (answer === 'never') return
    if ('http' in answer) return void outgoing.writeHead(answer.http).end(answer.text)
    const response = { uid: review.request.uid, ...answer }
    outgoing.end(JSON.stringify({ apiVersion: review.apiVersion, kind: 'AdmissionReview', response }))
  })
  await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve))
  port = (hook.address() as AddressInfo).port
})
afterEach(async () => {
  for (const kind of ['validating', 'mutating']) await api.raw('DELETE', `${registration}/${kind}webhookconfigurations`)
  reviews = []
  respond = () => ({ allowed: true })
})
afterAll(async () => {
  await api?.close()
  hook?.closeAllConnections()
  hook?.close()
})

const registration = '/apis/admissionregistration.k8s.io/v1'
const header = { 'content-type': 'application/json' }
const configure = async (kind: 'Validating' | 'Mutating', ...webhooks: object[]) => {
  const answer = await api.raw(
    'POST',
    `${registration}/${kind.toLowerCase()}webhookconfigurations`,
    JSON.stringify({
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: `${kind}WebhookConfiguration`,
      metadata: { generateName: 'test-' },
      webhooks: webhooks.map((webhook) => ({
        name: 'hook.example.com',
        clientConfig: { url: `https://127.0.0.1:${port}/review`, caBundle },
        rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['*'], resources: ['configmaps'] }],
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
        ...webhook,
      })),
    }),
    header,
  )
  expect(answer.status).toBe(201)
}
const create = (data: object = {}, query = '', name = 'a') =>
  api.raw(
    'POST',
    `/api/v1/namespaces/default/configmaps${query || '?dryRun=All'}`,
    JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data }),
    header,
  )
const patchOf = (...operations: object[]) => ({
  allowed: true,
  patchType: 'JSONPatch',
  patch: Buffer.from(JSON.stringify(operations)).toString('base64'),
})

describe('validating webhooks', () => {
  test('hear of the whole request, and refuse in their own words', async () => {
    await configure('Validating', {})
    respond = () => ({ allowed: false, status: { message: 'not today', code: 403, reason: 'Forbidden' }, warnings: ['take care'] })
    const answer = await create({ a: '1' })
    expect(answer).toMatchObject({
      status: 403,
      body: { message: 'admission webhook "hook.example.com" denied the request: not today', reason: 'Forbidden', code: 403 },
    })
    expect(reviews).toHaveLength(1)
    expect(reviews[0]).toMatchObject({
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      request: {
        kind: { group: '', version: 'v1', kind: 'ConfigMap' },
        resource: { group: '', version: 'v1', resource: 'configmaps' },
        requestKind: { group: '', version: 'v1', kind: 'ConfigMap' },
        name: 'a',
        namespace: 'default',
        operation: 'CREATE',
        userInfo: { username: 'admin', groups: ['system:masters', 'system:authenticated'] },
        object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'default' }, data: { a: '1' } },
        oldObject: null,
        dryRun: true,
        options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1', dryRun: ['All'] },
      },
    })
    respond = () => ({ allowed: false })
    expect((await create()).body).toMatchObject({
      message: 'admission webhook "hook.example.com" denied the request without explanation',
      code: 400,
    })
    respond = () => ({ allowed: true, warnings: ['take care'] })
    expect((await create()).headers.warning).toBe('299 - "take care"')
  })

  test('hear of updates and deletions, with the object as it was', async () => {
    expect((await create({ a: '1' }, '?')).status).toBe(201)
    await configure('Validating', {})
    const path = '/api/v1/namespaces/default/configmaps/a'
    await api.raw('PATCH', path, '{"data":{"a":"2"}}', { 'content-type': 'application/merge-patch+json' })
    expect((await api.raw('DELETE', path)).status).toBe(200)
    const seen = reviews.map(({ request: { operation, object, oldObject } }) => [operation, object?.data, oldObject?.data])
    expect(seen).toEqual([
      ['UPDATE', { a: '2' }, { a: '1' }],
      ['DELETE', undefined, { a: '2' }],
    ])
    expect(reviews[0]?.request.oldObject.metadata.resourceVersion).toMatch(/^\d+$/)
  })

  test('hear of evictions and of commands in containers', async () => {
    await configure('Validating', {
      rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'CONNECT'], resources: ['pods/eviction', 'pods/exec'] }],
    })
    respond = () => ({ allowed: false, status: { message: 'stay' } })
    const pod = { metadata: { name: 'p' }, spec: { automountServiceAccountToken: false, containers: [{ name: 'main', image: 'x' }] } }
    await api.raw('POST', '/api/v1/namespaces/default/serviceaccounts', '{"metadata":{"name":"default"}}', header)
    expect((await api.raw('POST', '/api/v1/namespaces/default/pods', JSON.stringify(pod), header)).status).toBe(201)
    const eviction = JSON.stringify({ apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'p' } })
    const refused = await api.raw('POST', '/api/v1/namespaces/default/pods/p/eviction', eviction, header)
    expect(refused.body.message).toBe('admission webhook "hook.example.com" denied the request: stay')
    const run = await api.raw('POST', '/api/v1/namespaces/default/pods/p/exec?command=ls&command=-l&container=main&stdout=true')
    expect(run.body.message).toBe('admission webhook "hook.example.com" denied the request: stay')
    expect(reviews.map(({ request }) => [request.operation, request.kind.kind, request.subResource, request.object.command])).toEqual([
      ['CREATE', 'Eviction', 'eviction', undefined],
      ['CONNECT', 'PodExecOptions', 'exec', ['ls', '-l']],
    ])
  })

  test('hear of a scale as such, and not of the workload beneath', async () => {
    const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'main', image: 'x' }] } }
    const set = { metadata: { name: 's' }, spec: { replicas: 1, selector: { matchLabels: { a: 'b' } }, template } }
    const path = '/apis/apps/v1/namespaces/default/replicasets'
    expect((await api.raw('POST', path, JSON.stringify(set), header)).status).toBe(201)
    await configure('Validating', {
      rules: [{ apiGroups: ['apps'], apiVersions: ['v1'], operations: ['*'], resources: ['replicasets', 'replicasets/scale'] }],
    })
    await api.raw('PATCH', `${path}/s/scale`, '{"spec":{"replicas":3}}', { 'content-type': 'application/merge-patch+json' })
    const seen = reviews.map(({ request }) => [
      request.operation,
      request.kind,
      request.subResource,
      request.object.spec,
      request.oldObject.spec,
    ])
    expect(seen).toEqual([['UPDATE', { group: 'autoscaling', version: 'v1', kind: 'Scale' }, 'scale', { replicas: 3 }, { replicas: 1 }]])
  })

  test('that fail count by their policy', async () => {
    await configure('Validating', {})
    const url = `https://127.0.0.1:${port}/review`
    const failed = (why: string) => `Internal error occurred: failed calling webhook "hook.example.com": ${why}`
    respond = () => ({ http: 500, text: 'out of order' })
    expect((await create()).body).toMatchObject({
      code: 500,
      reason: 'InternalError',
      message: failed('failed to call webhook: an error on the server ("out of order") has prevented the request from succeeding'),
    })
    respond = () => ({ uid: 'another', allowed: true })
    expect((await create()).body.message).toMatch(/received invalid webhook response: expected response.uid="[-0-9a-f]+", got "another"$/)
    respond = () => patchOf({ op: 'remove', path: '/data' })
    expect((await create()).body.message).toBe(
      failed('received invalid webhook response: validating webhook may not return response.patch'),
    )
    await api.raw('DELETE', `${registration}/validatingwebhookconfigurations`)
    await configure('Validating', { timeoutSeconds: 1 })
    respond = () => 'never'
    expect((await create()).body.message).toBe(failed(`failed to call webhook: Post "${url}?timeout=1s": context deadline exceeded`))
    await api.raw('DELETE', `${registration}/validatingwebhookconfigurations`)
    await configure('Validating', { failurePolicy: 'Ignore', timeoutSeconds: 1 })
    expect((await create()).status).toBe(201)
  })

  test('whose certificate or service is not what it should be fail', async () => {
    await configure('Validating', { clientConfig: { url: `https://127.0.0.1:${port}/review` } })
    expect((await create()).body.message).toMatch(
      /review\?timeout=10s": tls: failed to verify certificate: x509: certificate signed by unknown authority$/,
    )
    await api.raw('DELETE', `${registration}/validatingwebhookconfigurations`)
    await configure('Validating', {
      clientConfig: { service: { namespace: 'default', name: 'hook', path: '/review', port: 8443 }, caBundle },
    })
    const asked = 'failed to call webhook: Post "https://hook.default.svc:8443/review?timeout=10s": '
    expect((await create()).body.message).toMatch(new RegExp(`${asked.replace(/[?.]/g, '\\$&')}service "hook" not found$`))
    const post = (path: string, body: object) => api.raw('POST', path, JSON.stringify(body), header)
    await post('/api/v1/namespaces/default/services', {
      metadata: { name: 'hook' },
      spec: { ports: [{ port: 8443, targetPort: port }] },
    })
    expect((await create()).body.message).toMatch(/no endpoints available for service "hook"$/)
    // Endpoints on loopback are refused; a Service of another kind leads there.
    await api.raw('DELETE', '/api/v1/namespaces/default/services/hook')
    await post('/api/v1/namespaces/default/services', {
      metadata: { name: 'hook' },
      spec: { type: 'ExternalName', externalName: 'localhost' },
    })
    await api.raw('DELETE', `${registration}/validatingwebhookconfigurations`)
    await configure('Validating', { clientConfig: { service: { namespace: 'default', name: 'hook', path: '/review', port }, caBundle } })
    expect((await create()).status).toBe(201)
    expect(reviews).toHaveLength(1)
  })

  test('are asked by rules, selectors and conditions only', async () => {
    const none = [
      { rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['DELETE'], resources: ['configmaps'] }] },
      { rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['*'], resources: ['configmaps'], scope: 'Cluster' }] },
      { rules: [{ apiGroups: ['apps'], apiVersions: ['*'], operations: ['*'], resources: ['*/*'] }] },
      { namespaceSelector: { matchLabels: { absent: 'label' } } },
      { objectSelector: { matchLabels: { absent: 'label' } } },
      { matchConditions: [{ name: 'never', expression: 'request.userInfo.username == "nobody"' }] },
    ]
    await configure('Validating', ...none.map((each, index) => ({ name: `hook-${index}.example.com`, ...each })))
    expect((await create()).status).toBe(201)
    expect(reviews).toEqual([])
    await configure('Validating', {
      sideEffects: 'NoneOnDryRun',
      matchConditions: [{ name: 'all', expression: 'object.metadata.name == "a"' }],
    })
    expect((await create()).status).toBe(201)
    expect(reviews).toHaveLength(1)
  })
})

describe('mutating webhooks', () => {
  test('change the object one after the other, and what they make is decoded and checked', async () => {
    await configure(
      'Mutating',
      { name: 'first.example.com', clientConfig: { url: `https://127.0.0.1:${port}/first`, caBundle } },
      { name: 'second.example.com', clientConfig: { url: `https://127.0.0.1:${port}/second`, caBundle } },
    )
    respond = (review, path) =>
      path.startsWith('/first')
        ? patchOf({ op: 'add', path: '/data/first', value: 'yes' })
        : patchOf({ op: 'add', path: '/data/second', value: `after ${review.request.object.data.first}` })
    expect((await create({ a: '1' })).body.data).toEqual({ a: '1', first: 'yes', second: 'after yes' })
    respond = () => patchOf({ op: 'add', path: '/data', value: { 'bad key': 'x' } })
    expect((await create()).body).toMatchObject({ code: 422, reason: 'Invalid' })
    respond = () => patchOf({ op: 'replace', path: '/data/absent', value: 'x' })
    expect((await create({ a: '1' })).body).toMatchObject({ code: 500, message: expect.stringContaining('/data/absent') })
    respond = () => ({ allowed: true, patch: 'W10=' })
    expect((await create()).body.message).toMatch(/webhook returned response.patch but not response.patchType$/)
  })

  test('are asked again when those after them changed something, if they wish so', async () => {
    await configure(
      'Mutating',
      { name: 'first.example.com', clientConfig: { url: `https://127.0.0.1:${port}/first`, caBundle }, reinvocationPolicy: 'IfNeeded' },
      { name: 'second.example.com', clientConfig: { url: `https://127.0.0.1:${port}/second`, caBundle } },
    )
    respond = ({ request }, path) =>
      path.startsWith('/first')
        ? patchOf({ op: 'add', path: '/data/seen', value: Object.keys(request.object.data).join() })
        : patchOf({ op: 'add', path: '/data/second', value: 'yes' })
    expect((await create({ a: '1' })).body.data).toEqual({ a: '1', second: 'yes', seen: 'a,second,seen' })
    expect(reviews).toHaveLength(3)
  })
})
