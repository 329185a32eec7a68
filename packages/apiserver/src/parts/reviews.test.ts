import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing/start.ts'

// Facts seen on a 1.20 server, held against the 1.33 sources.
let server: TestServer
const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  server.raw('POST', path, JSON.stringify(body), { 'content-type': 'application/json', ...headers })
const authorization = '/apis/authorization.k8s.io/v1'
const rbac = '/apis/rbac.authorization.k8s.io/v1'
const inDefault = `${rbac}/namespaces/default`
beforeAll(async () => {
  server = await startTestServer()
  await post('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'r' } })
  await post(`${inDefault}/roles`, {
    metadata: { name: 'own' },
    rules: [{ apiGroups: [''], resources: ['namespaces'], verbs: ['get'] }],
  })
  await post(`${inDefault}/rolebindings`, {
    metadata: { name: 'own' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'own' },
    subjects: [
      { kind: 'User', name: 'jane' },
      { kind: 'ServiceAccount', name: 'r', namespace: 'default' },
    ],
  })
})
afterAll(() => server.close())

const review = async (spec: object, more: object = {}) => (await post(`${authorization}/subjectaccessreviews`, { spec, ...more })).body

test('an access review says which binding allows it, and is written down as an object would be', async () => {
  const attributes = { verb: 'get', resource: 'namespaces', name: 'default', namespace: 'default' }
  const { status, metadata } = await review({ user: 'jane', resourceAttributes: attributes })
  expect(status).toEqual({ allowed: true, reason: 'RBAC: allowed by RoleBinding "own/default" of Role "own" to User "jane"' })
  expect(metadata.managedFields[0].fieldsV1['f:spec']).toHaveProperty('f:user')
  const account = await review({ user: 'system:serviceaccount:default:r', resourceAttributes: attributes })
  expect(account.status.reason).toBe('RBAC: allowed by RoleBinding "own/default" of Role "own" to ServiceAccount "r/default"')
  const masters = await review({ user: 'x', groups: ['system:masters'], resourceAttributes: attributes })
  expect(masters.status).toEqual({ allowed: true })
})

test('a review has no metadata of its own, and a local one is about its namespace', async () => {
  const paths = { path: '/x', verb: 'get' }
  const named = await review({ user: 'x', nonResourceAttributes: paths }, { metadata: { name: 'x' } })
  expect(named.details.causes).toMatchObject([{ field: 'metadata', reason: 'FieldValueInvalid' }])
  const local = `${authorization}/namespaces/default/localsubjectaccessreviews`
  const other = await post(local, { spec: { user: 'x', resourceAttributes: { namespace: 'other', verb: 'get', resource: 'pods' } } })
  expect(other.body.details.causes).toEqual([
    {
      reason: 'FieldValueInvalid',
      message: 'Invalid value: "other": must match metadata.namespace',
      field: 'spec.resourceAttributes.namespace',
    },
  ])
  const path = await post(local, { spec: { user: 'x', nonResourceAttributes: paths } })
  expect(path.body.details.causes[0].message).toBe(
    'Invalid value: authorization.NonResourceAttributes{Path:"/x", Verb:"get"}: disallowed on this kind of request',
  )
  const rules = await post(`${authorization}/selfsubjectrulesreviews`, { spec: {} })
  expect([rules.status, rules.body.message]).toEqual([400, 'no namespace on request'])
})

test('a call on a namespace is one within it, and an unknown method has no verb', async () => {
  const jane = { 'impersonate-user': 'jane' }
  expect((await server.raw('GET', '/api/v1/namespaces/default', undefined, jane)).status).toBe(200)
  const refused = await server.raw('GET', '/api/v1/namespaces/kube-system', undefined, jane)
  expect(refused.body.message).toBe(
    'namespaces "kube-system" is forbidden: User "jane" cannot get resource "namespaces" in API group "" in the namespace "kube-system"',
  )
  expect(refused.headers['x-content-type-options']).toBe('nosniff')
  const options = await server.raw('OPTIONS', '/api/v1/namespaces/default/pods', undefined, jane)
  expect(options.body.message).toBe('pods is forbidden: User "jane" cannot  resource "pods" in API group "" in the namespace "default"')
})

test('a token is bound to pods of its own account, and to no other kind', async () => {
  const ask = async (body: object) => {
    const answer = await post('/api/v1/namespaces/default/serviceaccounts/r/token', body)
    return `${answer.status} ${answer.body.message}`
  }
  await post('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } })
  await post('/api/v1/namespaces/default/pods', { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }] } })
  expect(await ask({ spec: { boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'p' } } })).toBe(
    '400 cannot bind token for serviceaccount "r" to pod running with different serviceaccount name.',
  )
  expect(await ask({ spec: { boundObjectRef: { kind: 'ConfigMap', apiVersion: 'v1', name: 'p' } } })).toBe(
    '400 cannot bind token to object of type /v1, Kind=ConfigMap',
  )
  expect(await ask({ metadata: { name: 'other' }, spec: {} })).toBe(
    '422 TokenRequest.authentication.k8s.io "r" is invalid: metadata.name: Invalid value: "other": must match the service account name if specified',
  )
})
