import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing/start.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

const maps = '/api/v1/namespaces/default/configmaps'
const deployments = '/apis/apps/v1/namespaces/default/deployments'
const yaml = { 'content-type': 'application/apply-patch+yaml' }
const send = (method: string, path: string, body: unknown, headers: Record<string, string> = {}) =>
  server.raw(method, path, JSON.stringify(body), headers)
const apply = (path: string, body: unknown) => send('PATCH', path, body, yaml)

interface Entry {
  readonly manager: string
  readonly operation: string
  readonly subresource?: string
  readonly fieldsV1: object
  readonly time?: string
}
/** `manager operation subresource`, and what it holds. */
const held = (body: { metadata: { managedFields?: readonly Entry[] } }) =>
  (body.metadata.managedFields ?? []).map((entry) => [
    [entry.manager, entry.operation, entry.subresource].filter(Boolean).join(' '),
    entry.fieldsV1,
  ])
const map = (name: string, data: Record<string, string>, metadata = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...metadata },
  data,
})
const web = (spec = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: {
    selector: { matchLabels: { a: 'b' } },
    template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 80 }] }] } },
    ...spec,
  },
})

describe('plain writes', () => {
  test('a create holds what was sent and defaulted, under the User-Agent', async () => {
    const { body } = await send('POST', deployments, web(), { 'user-agent': 'tool/v1 (linux)' })
    expect(held(body)).toEqual([
      [
        'tool Update',
        {
          'f:spec': {
            'f:progressDeadlineSeconds': {},
            'f:replicas': {},
            'f:revisionHistoryLimit': {},
            'f:selector': {},
            'f:strategy': { 'f:rollingUpdate': { '.': {}, 'f:maxSurge': {}, 'f:maxUnavailable': {} }, 'f:type': {} },
            'f:template': {
              'f:metadata': { 'f:labels': { '.': {}, 'f:a': {} } },
              'f:spec': {
                'f:containers': {
                  'k:{"name":"c"}': {
                    '.': {},
                    'f:image': {},
                    'f:imagePullPolicy': {},
                    'f:name': {},
                    'f:ports': {
                      '.': {},
                      'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {}, 'f:protocol': {} },
                    },
                    'f:resources': {},
                    'f:terminationMessagePath': {},
                    'f:terminationMessagePolicy': {},
                  },
                },
                'f:dnsPolicy': {},
                'f:restartPolicy': {},
                'f:schedulerName': {},
                'f:securityContext': {},
                'f:terminationGracePeriodSeconds': {},
              },
            },
          },
        },
      ],
    ])
  })
  test('a status write names its subresource and holds no spec', async () => {
    const { body: live } = await server.raw('GET', `${deployments}/web`)
    const { body } = await send('PUT', `${deployments}/web/status?fieldManager=observer`, {
      ...live,
      spec: { ...live.spec, replicas: 9 },
      status: { replicas: 1 },
    })
    expect(body.spec.replicas).toBe(1)
    expect(held(body)).toContainEqual(['observer Update status', { 'f:status': { 'f:replicas': {} } }])
  })
  test('scale names its subresource', async () => {
    await send(
      'PATCH',
      `${deployments}/web/scale?fieldManager=scaler`,
      { spec: { replicas: 4 } },
      { 'content-type': 'application/merge-patch+json' },
    )
    const { body } = await server.raw('GET', `${deployments}/web`)
    expect(held(body).find(([manager]) => manager === 'scaler Update scale')).toEqual([
      'scaler Update scale',
      { 'f:spec': { 'f:replicas': {} } },
    ])
  })
  test('a write that changes nothing is none', async () => {
    const { body: first } = await send('POST', `${maps}?fieldManager=one`, map('same', { x: '1' }))
    const { body: second } = await send('PUT', `${maps}/same?fieldManager=two`, first)
    expect(second).toEqual(first)
  })
  test('managedFields can be edited and reset; nonsense is not taken', async () => {
    const { body: made } = await send('POST', `${maps}?fieldManager=one`, map('edited', { x: '1' }))
    const { body: nonsense } = await send('PUT', `${maps}/edited?fieldManager=one`, {
      ...made,
      metadata: { ...made.metadata, managedFields: [{ manager: 'x', operation: 'Update', fieldsType: 'No' }] },
    })
    expect(held(nonsense)).toEqual(held(made))
    const { body: reset } = await send('PUT', `${maps}/edited?fieldManager=one`, {
      ...made,
      metadata: { ...made.metadata, managedFields: [{}] },
    })
    expect(reset.metadata.managedFields).toBeUndefined()
  })
  test('above ten updaters the oldest become one', async () => {
    let { body } = await send('POST', `${maps}?fieldManager=m0`, map('many', { k0: '' }))
    for (let i = 1; i <= 11; i++)
      ({ body } = await send(
        'PATCH',
        `${maps}/many?fieldManager=m${i}`,
        { data: { [`k${i}`]: '' } },
        { 'content-type': 'application/merge-patch+json' },
      ))
    expect(body.metadata.managedFields).toHaveLength(10)
    expect(body.metadata.managedFields.filter((entry: Entry) => entry.manager === 'ancient-changes')).toHaveLength(1)
  })
})

describe('apply', () => {
  test('makes what is not there, and the same again changes nothing', async () => {
    const first = await apply(`${maps}/a?fieldManager=one`, map('a', { x: '1', y: '1' }))
    expect(first.status).toBe(201)
    expect(held(first.body)).toEqual([['one Apply', { 'f:data': { 'f:x': {}, 'f:y': {} } }]])
    const again = await apply(`${maps}/a?fieldManager=one`, map('a', { x: '1', y: '1' }))
    expect([again.status, again.body]).toEqual([200, first.body])
  })
  test('a conflict names the manager and the field; force takes it', async () => {
    await send('PATCH', `${maps}/a?fieldManager=hand`, { data: { x: '2' } }, { 'content-type': 'application/merge-patch+json' })
    const refused = await apply(`${maps}/a?fieldManager=one`, map('a', { x: '1', y: '1' }))
    expect(refused.body).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'Apply failed with 1 conflict: conflict with "hand" using v1: .data.x',
      reason: 'Conflict',
      details: { causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "hand" using v1', field: '.data.x' }] },
      code: 409,
    })
    const forced = await apply(`${maps}/a?fieldManager=one&force=true`, map('a', { x: '1' }))
    expect(forced.body.data).toEqual({ x: '1' })
    expect(held(forced.body)).toEqual([['one Apply', { 'f:data': { 'f:x': {} } }]])
  })
  test('several conflicts are listed by manager', async () => {
    await send('POST', `${maps}?fieldManager=z`, map('b', { x: '1', y: '1' }))
    await apply(`${maps}/b?fieldManager=y`, map('b', { w: '1' }))
    const { body } = await apply(`${maps}/b?fieldManager=q`, map('b', { x: '2', y: '2', w: '2' }))
    expect(body.message).toBe(
      'Apply failed with 3 conflicts: conflicts with "y":\n- .data.w\nconflicts with "z" using v1:\n- .data.x\n- .data.y',
    )
  })
  test('a dry run leaves nothing', async () => {
    expect((await apply(`${maps}/dry?fieldManager=one&dryRun=All`, map('dry', { x: '1' }))).status).toBe(201)
    expect((await server.raw('GET', `${maps}/dry`)).status).toBe(404)
  })
  test('what kubectl applied before from the client is its own', async () => {
    const annotations = {
      'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(map('c', { x: '1', y: '1' }, { annotations: {} })),
    }
    await send('POST', `${maps}?fieldManager=kubectl-client-side-apply`, map('c', { x: '1', y: '1' }, { annotations }))
    const { status, body } = await apply(`${maps}/c?fieldManager=kubectl`, map('c', { x: '2', y: '1' }))
    expect([status, body.data]).toEqual([200, { x: '2', y: '1' }])
    expect(JSON.parse(body.metadata.annotations['kubectl.kubernetes.io/last-applied-configuration']).data).toEqual({ x: '2', y: '1' })
    const other = await apply(`${maps}/c?fieldManager=helm`, map('c', { y: '3' }))
    expect(other.status).toBe(409)
  })
  test('making an object takes the right to create', async () => {
    const rules = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['patch'] }]
    await send('POST', '/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles', { metadata: { name: 'patcher' }, rules })
    await send('POST', '/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings', {
      metadata: { name: 'patcher' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'patcher' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'pat' }],
    })
    const asPat = { ...yaml, 'impersonate-user': 'pat' }
    const { body } = await send('PATCH', `${maps}/new?fieldManager=m`, map('new', {}), asPat)
    expect(body.message).toBe(
      'configmaps "new" is forbidden: User "pat" cannot create resource "configmaps" in API group "" in the namespace "default"',
    )
    await apply(`${maps}/new?fieldManager=m`, map('new', {}))
    expect((await send('PATCH', `${maps}/new?fieldManager=m`, map('new', { x: '1' }), asPat)).status).toBe(200)
  })
  test('a spec through status is ignored', async () => {
    const { status, body } = await apply(`${deployments}/web/status?fieldManager=s`, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web' },
      spec: { replicas: 7 },
      status: { readyReplicas: 0, replicas: 1 },
    })
    expect([status, body.spec.replicas]).toEqual([200, 4])
    expect(held(body)[0]).toEqual(['s Apply status', { 'f:status': { 'f:readyReplicas': {}, 'f:replicas': {} } }])
  })
  test.each([
    ['no manager', '', map('d', {}), 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch'],
    [
      'another version',
      '?fieldManager=m',
      { ...map('d', {}), apiVersion: 'v2' },
      'Incorrect version specified in apply patch. Specified patch version: v2, expected: v1',
    ],
    ['managedFields', '?fieldManager=m', map('d', {}, { managedFields: [] }), 'metadata.managedFields must be nil'],
    ['another name', '?fieldManager=m', map('e', {}), 'the name of the object (e) does not match the name on the URL (d)'],
    [
      'no name',
      '?fieldManager=m',
      { apiVersion: 'v1', kind: 'ConfigMap' },
      'the name of the object (d based on URL) was undeterminable: name must be provided',
    ],
    [
      'another namespace',
      '?fieldManager=m',
      map('d', {}, { namespace: 'x' }),
      'the namespace of the object (x) does not match the namespace on the request (default)',
    ],
    [
      'a uid of nothing',
      '?fieldManager=m',
      map('d', {}, { uid: 'x' }),
      'Operation cannot be fulfilled on configmaps "d": uid mismatch: the provided object specified uid x, and no existing object was found',
    ],
    [
      'an unknown field',
      '?fieldManager=m',
      { ...map('d', {}), foo: 1 },
      'failed to create typed patch object (/d; /v1, Kind=ConfigMap): .foo: field not declared in schema',
    ],
  ])('%s', async (_, query, body, message) => expect((await apply(`${maps}/d${query}`, body)).body.message).toBe(message))
})

test("every answer carries an audit id, the client's own where it gave one", async () => {
  const ids = await Promise.all(
    [maps, '/healthz', '/api/v1/nothing', '/nowhere'].map(async (path) => (await server.raw('GET', path)).headers['audit-id']),
  )
  for (const id of ids) expect(id).toMatch(/^[0-9a-f-]{36}$/)
  expect((await server.raw('GET', maps, undefined, { 'audit-id': 'mine' })).headers['audit-id']).toBe('mine')
  expect((await server.raw('GET', maps, undefined, { authorization: 'Bearer wrong' })).headers['audit-id']).toBeDefined()
})

test.each([
  ['sent-empty', [], { 'f:rules': {} }],
  ['not-sent', undefined, undefined],
])('a list that Go always writes: %s', async (name, rules, held) => {
  const role = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name }, rules }
  const roles = '/apis/rbac.authorization.k8s.io/v1/clusterroles'
  const { body } = await server.raw('POST', roles, JSON.stringify(role), { 'content-type': 'application/json' })
  expect([body.rules, body.metadata.managedFields?.[0].fieldsV1]).toEqual([null, held])
})
