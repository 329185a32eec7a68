import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { systemEnv } from '@skiff/machinery'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { issueCertificate, makeAuthority } from '../authn/authorities.ts'
import { startTestServer, type TestServer } from '../testing/start.ts'

let api: TestServer
let backend: ReturnType<typeof createServer>
let caBundle: string
const header = { 'content-type': 'application/json' }
const post = (path: string, body: object) => api.raw('POST', path, JSON.stringify(body), header)
const until = async <T>(look: () => Promise<T | undefined>): Promise<T> => {
  for (let turn = 0; turn < 100; turn++) {
    const found = await look()
    if (found !== undefined) return found
    await systemEnv().sleep(100)
  }
  throw new Error('it did not come')
}
const path = '/apis/apiregistration.k8s.io/v1/apiservices'
const available = async (wanted: string) =>
  until(async () => {
    const { body } = await api.raw('GET', `${path}/v1beta1.metrics.example.com`)
    const condition = body.status?.conditions?.find((each: { type: string }) => each.type === 'Available')
    return condition?.reason === wanted ? condition : undefined
  })

const load = {
  type: 'object',
  properties: { spec: { $ref: '#/definitions/Spec' }, metadata: { $ref: '#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' } },
}
const documents = {
  '/openapi/v3': {
    paths: {
      'apis/metrics.example.com/v1beta1': { serverRelativeURL: '/openapi/v3/apis/metrics.example.com/v1beta1?hash=1' },
      version: { serverRelativeURL: '/x' },
    },
  },
  '/openapi/v3/apis/metrics.example.com/v1beta1?hash=1': { openapi: '3.0.0', components: { schemas: { Load: load } } },
  '/openapi/v2': {
    swagger: '2.0',
    paths: {
      '/apis/metrics.example.com/v1beta1/loads': { get: { responses: { 200: { schema: { $ref: '#/definitions/Load' } } } } },
      '/version': { get: { responses: { 200: { schema: { $ref: '#/definitions/Unused' } } } } },
    },
    definitions: {
      Load: load,
      Spec: { type: 'string' },
      Unused: {},
      'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta': { type: 'object', description: 'another one' },
    },
  },
}

beforeAll(async () => {
  api = await startTestServer()
  const authority = await makeAuthority('backend-ca', systemEnv())
  caBundle = Buffer.from(authority.cert).toString('base64')
  const pair = await issueCertificate(
    authority,
    { subject: { commonName: 'b' }, hosts: ['metrics.default.svc'], days: 1, usages: ['server'] },
    systemEnv(),
  )
  const ca = api.server.authorities.frontProxy.cert
  backend = createServer({ ...pair, ca, requestCert: true, rejectUnauthorized: true }, async (incoming, outgoing) => {
    const { url = '', method, headers } = incoming
    if (url === '/apis/metrics.example.com/v1beta1') {
      const resource = { name: 'loads', singularName: 'load', namespaced: true, kind: 'Load', verbs: ['get', 'list'], shortNames: ['ld'] }
      return void outgoing.end(
        JSON.stringify({ kind: 'APIResourceList', apiVersion: 'v1', groupVersion: 'metrics.example.com/v1beta1', resources: [resource] }),
      )
    }
    if (url in documents) return void outgoing.end(JSON.stringify(documents[url as keyof typeof documents]))
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
    const { subject } = (incoming.socket as TLSSocket).getPeerCertificate()
    outgoing.writeHead(201, { 'content-type': 'application/json' })
    outgoing.end(JSON.stringify({ url, method, by: subject.CN, headers, sent: Buffer.concat(chunks).toString() }))
  })
  await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve))
}, 20_000)
afterAll(async () => {
  await api?.close()
  backend?.closeAllConnections()
  backend?.close()
})

test('what the server serves itself is listed', async () => {
  const { body } = await api.raw('GET', path)
  const names = body.items.map((each: { metadata: { name: string } }) => each.metadata.name)
  expect(names).toEqual(expect.arrayContaining(['v1.', 'v1.apps', 'v2.autoscaling', 'v1.rbac.authorization.k8s.io']))
  expect(names).not.toContain('v1.apiregistration.k8s.io')
  expect(body.items.find((each: { metadata: { name: string } }) => each.metadata.name === 'v1.apps')).toMatchObject({
    metadata: { labels: { 'kube-aggregator.kubernetes.io/automanaged': 'onstart' } },
    spec: { group: 'apps', version: 'v1', groupPriorityMinimum: 17800, versionPriority: 15 },
    status: { conditions: [{ type: 'Available', status: 'True', reason: 'Local' }] },
  })
})

test('another server answers for its group under this address, and is told who asks', async () => {
  const created = await post(path, {
    metadata: { name: 'v1beta1.metrics.example.com' },
    spec: {
      group: 'metrics.example.com',
      version: 'v1beta1',
      groupPriorityMinimum: 100,
      versionPriority: 100,
      caBundle,
      service: { namespace: 'default', name: 'metrics', port: (backend.address() as AddressInfo).port },
    },
  })
  expect(created.status).toBe(201)
  expect(await available('ServiceNotFound')).toMatchObject({ status: 'False', message: 'service/metrics in "default" is not present' })
  const asked = '/apis/metrics.example.com/v1beta1/namespaces/default/loads?limit=3'
  const refused = await api.raw('GET', asked)
  expect([refused.status, refused.text]).toEqual([503, 'service unavailable\n'])
  // A Service by name leads to loopback, which endpoints may not hold.
  await post('/api/v1/namespaces/default/services', {
    metadata: { name: 'metrics' },
    spec: { type: 'ExternalName', externalName: 'localhost' },
  })
  expect(await available('Passed')).toMatchObject({ status: 'True', message: 'all checks passed' })
  const answer = await api.raw('POST', asked, '{"a":1}', { ...header, 'impersonate-user': 'jane', 'impersonate-group': 'system:masters' })
  expect(answer).toMatchObject({
    status: 201,
    body: {
      url: asked,
      method: 'POST',
      by: 'front-proxy-client',
      sent: '{"a":1}',
      headers: { 'x-remote-user': 'jane', 'x-remote-group': 'system:masters, system:authenticated' },
    },
  })
  expect(answer.body.headers.authorization).toBeUndefined()
  // Components in the server's own process get there, too, under their own names.
  const near = { verb: 'list', group: 'metrics.example.com', version: 'v1beta1', resource: 'loads', namespace: 'default' } as const
  const query = { limit: '3' }
  const jane = { name: 'jane', groups: ['system:masters'] }
  expect(await api.server.handler({ ...near, query, identity: jane })).toMatchObject({
    status: 201,
    object: {
      url: asked,
      method: 'GET',
      by: 'front-proxy-client',
      headers: { 'x-remote-user': 'jane', 'x-remote-group': 'system:masters' },
    },
  })
  await expect(api.server.handler({ ...near, query, identity: { name: 'jane', groups: [] } })).rejects.toThrow(
    'loads.metrics.example.com is forbidden: User "jane" cannot list',
  )
  const stranger = await api.raw('GET', asked, undefined, { 'impersonate-user': 'jane' })
  expect(stranger.body.message).toBe(
    'loads.metrics.example.com is forbidden: User "jane" cannot list resource "loads" in API group "metrics.example.com" in the namespace "default"',
  )
})

test("its OpenAPI documents are told with this server's own", async () => {
  const index = await until(async () => {
    const { body } = await api.raw('GET', '/openapi/v3')
    return body.paths['apis/metrics.example.com/v1beta1'] && body
  })
  const { serverRelativeURL } = index.paths['apis/metrics.example.com/v1beta1']
  expect(serverRelativeURL).toBe('/openapi/v3/apis/metrics.example.com/v1beta1?hash=1')
  expect(index.paths.version.serverRelativeURL).toContain('/openapi/v3/version?hash=')
  expect((await api.raw('GET', serverRelativeURL)).body.components.schemas.Load).toEqual(load)
  const { body } = await api.raw('GET', '/openapi/v2')
  expect(body.paths['/apis/metrics.example.com/v1beta1/loads'].get.responses[200].schema).toEqual({ $ref: '#/definitions/Load' })
  const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'
  expect(body.definitions.Load.properties).toEqual({ spec: { $ref: '#/definitions/Spec' }, metadata: { $ref: `#/definitions/${meta}_v2` } })
  expect(body.definitions[`${meta}_v2`].description).toBe('another one')
  expect([body.definitions.Unused, body.definitions[meta].properties.name.type]).toEqual([undefined, 'string'])
  const packed = await api.raw('GET', '/openapi/v2', undefined, { accept: 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf' })
  expect([packed.status, packed.text.includes('metrics.example.com')]).toEqual([200, true])
})

test('discovery shows it, and its absence', async () => {
  const group = await api.raw('GET', '/apis/metrics.example.com')
  expect(group.body).toMatchObject({ name: 'metrics.example.com', preferredVersion: { version: 'v1beta1' } })
  const accept = { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' }
  const { body } = await api.raw('GET', '/apis', undefined, accept)
  expect(body.items.find((each: { metadata: { name: string } }) => each.metadata.name === 'metrics.example.com')).toMatchObject({
    versions: [{ version: 'v1beta1', resources: [{ resource: 'loads', scope: 'Namespaced', shortNames: ['ld'] }] }],
  })
  await api.raw('DELETE', `${path}/v1beta1.metrics.example.com`)
  expect((await api.raw('GET', '/apis/metrics.example.com')).status).toBe(404)
  expect((await api.raw('GET', '/openapi/v3')).body.paths['apis/metrics.example.com/v1beta1']).toBeUndefined()
  expect((await api.raw('GET', '/openapi/v2')).body.definitions.Load).toBeUndefined()
})
