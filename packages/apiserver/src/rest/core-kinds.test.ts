import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing/start.ts'

let server: TestServer
const core = '/api/v1/namespaces/default'
const apps = '/apis/apps/v1/namespaces/default'
const batch = '/apis/batch/v1/namespaces/default'
const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/default'
const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
const run = { ...template, spec: { ...template.spec, restartPolicy: 'Never' } }
const pod = { spec: { automountServiceAccountToken: false, containers: [{ name: 'c', image: 'i' }] } }
const workload = { spec: { selector: { matchLabels: { a: 'b' } }, template } }

beforeAll(async () => {
  server = await startTestServer()
  await send('POST', `${core}/serviceaccounts`, { metadata: { name: 'default' } })
})
afterAll(() => server.close())

const send = (method: string, path: string, body: unknown) => server.raw(method, path, JSON.stringify(body))
const causes = (body: { details?: { causes?: { field: string; message: string }[] } }) =>
  (body.details?.causes ?? []).map(({ field, message }) => `${field}: ${message}`)

// Upstream checks the metadata of an update in several passes and names a fault once for each: l stands for the label, f for the finalizer.
test.each([
  [`${core}/pods`, pod, 'lfllflff', 'lfllf'],
  [`${core}/podtemplates`, { template }, 'lfllf', ''],
  [`${core}/replicationcontrollers`, { spec: { template } }, 'lfllfflf', 'lfllf'],
  [`${core}/configmaps`, {}, 'lfllflff', ''],
  [`${core}/secrets`, {}, 'lfllflff', ''],
  [`${core}/serviceaccounts`, {}, 'lfllflff', ''],
  [`${core}/limitranges`, { spec: { limits: [] } }, 'lfllff', ''],
  [`${core}/resourcequotas`, { spec: { hard: {} } }, 'lfllfflf', 'lfllf'],
  [`${core}/events`, { involvedObject: { namespace: 'default' } }, 'lfl', ''],
  ['/api/v1/namespaces', {}, 'lfllfflf', 'lfllf'],
  ['/api/v1/nodes', {}, 'lfllfflf', 'lfllf'],
  [`${apps}/deployments`, workload, 'lfllf', 'ff'],
  [`${apps}/replicasets`, workload, 'lfllfflf', 'lfllf'],
  [`${apps}/statefulsets`, workload, 'lfllf', 'lfllf'],
  [`${apps}/daemonsets`, workload, 'lfllfflf', 'lfllf'],
  [`${apps}/controllerrevisions`, { data: { a: 'b' } }, 'lfllflff', ''],
  [`${batch}/jobs`, { spec: { template: run } }, 'lfllfflf', 'lfllf'],
  [`${batch}/cronjobs`, { spec: { schedule: '* * * * *', jobTemplate: { spec: { template: run } } } }, 'lfllf', 'lfl'],
  [`${rbac}/roles`, {}, 'lfllfflfflf', ''],
  [`${rbac}/rolebindings`, { roleRef: { kind: 'Role', name: 'r' } }, 'lfllfflfflf', ''],
  ['/apis/policy/v1/namespaces/default/poddisruptionbudgets', { spec: { selector: {} } }, 'lfl', 'lfl'],
  ['/apis/coordination.k8s.io/v1/namespaces/default/leases', {}, 'lfll', ''],
])('an update of %s counts its faults as upstream does', async (path, object, whole, status) => {
  const made = await send('POST', path, { metadata: { name: 'counted' }, ...object })
  expect(made.status).toBe(201)
  const metadata = { ...made.body.metadata, labels: { a: 'b c' }, finalizers: ['x y'] }
  const letters = async (subresource: string) => {
    const { body } = await send('PUT', `${path}/counted${subresource}`, { ...made.body, metadata })
    return causes(body)
      .map((cause) => cause[9])
      .join('')
  }
  expect(await letters('')).toBe(whole)
  if (status) expect(await letters('/status')).toBe(status)
})

test.each([
  [`${batch}/jobs`, { spec: { template: run } }, ['metadata.name: Required value: name or generateName is required']],
  [
    `${batch}/cronjobs`,
    { spec: { schedule: '* * * * *', jobTemplate: { spec: { template: run } } } },
    ['metadata.name: Required value: name or generateName is required'],
  ],
  [`${apps}/statefulsets`, { metadata: { name: 'a.b' }, ...workload }, ['metadata.name: Invalid value: "a.b": must not contain dots']],
  [
    `${core}/pods`,
    { metadata: { name: 'p' }, spec: { ...pod.spec, containers: [{ name: 'a.b', image: 'i' }, null] } },
    [
      'spec.containers[0].name: Invalid value: "a.b": must not contain dots',
      'spec.containers[1].name: Required value',
      'spec.containers[1].image: Required value',
    ],
  ],
  [
    `${core}/configmaps`,
    { metadata: { name: 'a', ownerReferences: [{ apiVersion: 'a/b/c', kind: 'K', name: 'n', uid: 'u' }] } },
    ['metadata.ownerReferences.apiVersion: Invalid value: "a/b/c": version must not be empty'],
  ],
  [
    `${core}/events`,
    { metadata: { name: 'a/b' }, involvedObject: { namespace: 'default' } },
    ['metadata.name: Invalid value: "a/b": may not contain \'/\''],
  ],
])('%s refuses %j', async (path, object, expected) => {
  const answer = await send('POST', path, object)
  expect(answer.status).toBe(422)
  expect(causes(answer.body)).toEqual(expected)
})

test.each([
  [{ target: { name: 'n' } }, '400 BadRequest: Name parameter required.'],
  [{ metadata: { name: 'a/b' }, target: { name: 'n' } }, '400 BadRequest: Name parameter invalid: "a/b": may not contain \'/\''],
  [
    { metadata: { name: 'a' }, target: { kind: 'Pod', name: 'n' } },
    '500 : target.kind: Unsupported value: "Pod": supported values: "Node", "<empty>"',
  ],
])('a binding %j is refused', async (binding, expected) => {
  const { status, body } = await send('POST', `${core}/bindings`, binding)
  expect(`${status} ${body.reason ?? ''}: ${body.message}`).toBe(expected)
})

test('a revision of nothing is one, and a selector that cannot be read is refused as a whole too', async () => {
  expect((await send('POST', `${apps}/controllerrevisions`, { metadata: { name: 'empty' }, data: {} })).status).toBe(201)
  const { body } = await send('POST', '/apis/rbac.authorization.k8s.io/v1/clusterroles', {
    metadata: { name: 'r' },
    aggregationRule: { clusterRoleSelectors: [{ matchExpressions: [{ key: 'a', operator: 'In' }] }] },
  })
  expect(causes(body)).toEqual([
    "aggregationRule.clusterRoleSelectors[0].matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
    'aggregationRule.clusterRoleSelectors[0]: Invalid value: "null": invalid label selector.',
  ])
})

test('what Go leaves out stays out, and a limit range without a name gets one', async () => {
  const account = await send('POST', `${core}/serviceaccounts`, { metadata: { name: 'a' }, imagePullSecrets: [{}] })
  expect(account.body.imagePullSecrets).toEqual([{}])
  const controller = await send('POST', `${core}/replicationcontrollers`, { metadata: { name: 'a' }, spec: { template } })
  expect(controller.body.spec).not.toHaveProperty('minReadySeconds')
  const range = await send('POST', `${core}/limitranges`, { spec: { limits: [] } })
  expect(range.body.metadata.name).toMatch(/^[0-9a-f-]{36}$/)
  const named = await send('POST', `${core}/events`, { metadata: { name: 'Any Name' }, involvedObject: { namespace: 'default' } })
  expect(named.status).toBe(201)
})

test('a job without labels shares those of its pods, what is generated among them', async () => {
  const { body } = await send('POST', `${batch}/jobs`, { metadata: { name: 'shared' }, spec: { template: run } })
  expect(body.metadata.labels).toEqual(body.spec.template.metadata.labels)
  expect(body.metadata.labels).toMatchObject({ a: 'b', 'job-name': 'shared', 'batch.kubernetes.io/controller-uid': body.metadata.uid })
})
