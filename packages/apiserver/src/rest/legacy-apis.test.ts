import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Answer, startTestServer, type TestServer } from '../testing/start.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ more: { legacyApis: true } })
})
afterAll(() => server.close())

const send = (method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer> =>
  server.raw(method, path, body === undefined ? undefined : JSON.stringify(body), headers)

const inDefault = (apiVersion: string, plural: string, name = '') => `/apis/${apiVersion}/namespaces/default/${plural}${name && `/${name}`}`
const template = { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }

test('an Ingress of extensions/v1beta1 is the Ingress of networking.k8s.io/v1', async () => {
  const spec = {
    backend: { serviceName: 's', servicePort: 80 },
    rules: [{ http: { paths: [{ backend: { serviceName: 't', servicePort: 'web' } }] } }],
  }
  const made = await send('POST', inDefault('extensions/v1beta1', 'ingresses'), {
    apiVersion: 'extensions/v1beta1',
    kind: 'Ingress',
    metadata: { name: 'old' },
    spec,
  })
  expect(made.status).toBe(201)
  expect(made.body).toMatchObject({ apiVersion: 'extensions/v1beta1', spec: { backend: { serviceName: 's', servicePort: 80 } } })
  expect(made.headers.warning).toBe(
    '299 - "extensions/v1beta1 Ingress is deprecated in v1.14+, unavailable in v1.22+; use networking.k8s.io/v1 Ingress"',
  )
  const stored = (await send('GET', inDefault('networking.k8s.io/v1', 'ingresses', 'old'))).body
  expect(stored.spec).toEqual({
    defaultBackend: { service: { name: 's', port: { number: 80 } } },
    rules: [{ http: { paths: [{ pathType: 'ImplementationSpecific', backend: { service: { name: 't', port: { name: 'web' } } } }] } }],
  })
  expect(stored.metadata.managedFields).toMatchObject([
    {
      apiVersion: 'extensions/v1beta1',
      fieldsV1: { 'f:spec': { 'f:backend': { 'f:serviceName': {}, 'f:servicePort': {} }, 'f:rules': {} } },
    },
  ])
  const list = await send('GET', `${inDefault('networking.k8s.io/v1beta1', 'ingresses')}?fieldSelector=metadata.name%3Dold`)
  expect(list.body).toMatchObject({
    kind: 'IngressList',
    apiVersion: 'networking.k8s.io/v1beta1',
    items: [{ spec: { backend: { serviceName: 's' } } }],
  })
  const table = await send('GET', inDefault('extensions/v1beta1', 'ingresses'), undefined, {
    accept: 'application/json;as=Table;v=v1;g=meta.k8s.io',
  })
  expect(table.body.rows[0]).toMatchObject({ cells: ['old', '<none>', '*', '', '80', expect.any(String)] })
})

test('a refusal speaks of the fields of the version that was sent, and warns', async () => {
  const answer = await send('POST', inDefault('networking.k8s.io/v1beta1', 'ingresses'), {
    kind: 'Ingress',
    metadata: { name: 'bad' },
    spec: { backend: { serviceName: 'S_', servicePort: 80 }, rules: [{ host: '*.x.y', http: { paths: [] } }] },
  })
  expect(answer.status).toBe(422)
  expect(answer.body.details.causes).toMatchObject([{ field: 'spec.backend.serviceName' }])
  expect(answer.headers.warning).toContain('networking.k8s.io/v1beta1 Ingress is deprecated in v1.19+')
  const gone = await send('GET', inDefault('extensions/v1beta1', 'ingresses', 'none'))
  expect(gone.body.message).toBe('ingresses.extensions "none" not found')
})

test('a Deployment of apps/v1beta1 scales and rolls back by its own kinds', async () => {
  const path = inDefault('apps/v1beta1', 'deployments')
  const made = await send('POST', path, { kind: 'Deployment', metadata: { name: 'd' }, spec: { template } })
  expect(made.body.spec).toMatchObject({ revisionHistoryLimit: 2, selector: { matchLabels: { app: 'a' } } })
  const scale = (await send('GET', `${path}/d/scale`)).body
  expect(scale).toMatchObject({ apiVersion: 'apps/v1beta1', kind: 'Scale', status: { selector: { app: 'a' }, targetSelector: 'app=a' } })
  const scaled = await send('PUT', `${path}/d/scale`, { ...scale, spec: { replicas: 3 } })
  expect(scaled.body).toMatchObject({ apiVersion: 'apps/v1beta1', spec: { replicas: 3 } })
  const asked = await send('POST', `${path}/d/rollback`, { kind: 'DeploymentRollback', name: 'd', rollbackTo: { revision: 4 } })
  expect(asked.body).toMatchObject({ status: 'Success', message: 'rollback request for deployment "d" succeeded' })
  const stored = (await send('GET', inDefault('apps/v1', 'deployments', 'd'))).body
  expect(stored).toMatchObject({ metadata: { annotations: { 'deprecated.deployment.rollback.to': '4' } }, spec: { replicas: 3 } })
  expect((await send('GET', inDefault('extensions/v1beta1', 'deployments', 'd'))).body.spec.rollbackTo).toEqual({ revision: 4 })
  expect((await send('POST', `${inDefault('apps/v1', 'deployments', 'd')}/rollback`, {})).status).toBe(404)
  const orphaned = await send('DELETE', `${path}/d`)
  expect(orphaned.body.metadata.finalizers).toEqual(['orphan'])
})

test('appliers of two versions share one object', async () => {
  const apply = (apiVersion: string, manager: string, spec: unknown) =>
    send(
      'PATCH',
      `${inDefault(apiVersion, 'horizontalpodautoscalers', 'h')}?fieldManager=${manager}`,
      { apiVersion, kind: 'HorizontalPodAutoscaler', metadata: { name: 'h' }, spec },
      { 'content-type': 'application/apply-patch+yaml' },
    )
  const target = { kind: 'Deployment', name: 'd', apiVersion: 'apps/v1' }
  expect((await apply('autoscaling/v2beta2', 'a', { maxReplicas: 3, scaleTargetRef: target })).status).toBe(201)
  const clash = await apply('autoscaling/v2', 'b', { maxReplicas: 4 })
  expect(clash.body.message).toBe('Apply failed with 1 conflict: conflict with "a": .spec.maxReplicas')
  const metrics = [{ type: 'Resource', resource: { name: 'memory', targetAverageUtilization: 50 } }]
  expect((await apply('autoscaling/v2beta1', 'a', { maxReplicas: 5, scaleTargetRef: target, metrics })).status).toBe(200)
  const now = (await send('GET', inDefault('autoscaling/v2', 'horizontalpodautoscalers', 'h'))).body
  expect(now.spec).toMatchObject({ maxReplicas: 5, metrics: [{ resource: { target: { type: 'Utilization', averageUtilization: 50 } } }] })
})

test('protobuf of a removed version', async () => {
  const protobuf = 'application/vnd.kubernetes.protobuf'
  const path = inDefault('policy/v1beta1', 'poddisruptionbudgets')
  await send('POST', path, { kind: 'PodDisruptionBudget', metadata: { name: 'p' }, spec: { minAvailable: 1, selector: {} } })
  const list = await send('GET', path, undefined, { accept: protobuf })
  expect(list.headers['content-type']).toBe(protobuf)
  expect(list.text).toContain('policy/v1beta1')
  expect((await send('GET', inDefault('policy/v1', 'poddisruptionbudgets', 'p'))).body.spec.selector.matchExpressions).toHaveLength(2)
})

test('what is allowed is decided by the group that was asked for', async () => {
  const review = (group: string) =>
    send('POST', '/apis/authorization.k8s.io/v1beta1/subjectaccessreviews', {
      spec: { user: 'u', group: ['old'], resourceAttributes: { group, resource: 'ingresses', verb: 'get', namespace: 'default' } },
    })
  await send('POST', '/apis/rbac.authorization.k8s.io/v1beta1/clusterroles', {
    metadata: { name: 'old' },
    rules: [{ apiGroups: ['extensions'], resources: ['ingresses'], verbs: ['get'] }],
  })
  const subjects = [{ kind: 'Group', apiVersion: 'rbac.authorization.k8s.io/v1alpha1', name: 'old' }]
  await send('POST', '/apis/rbac.authorization.k8s.io/v1alpha1/clusterrolebindings', {
    metadata: { name: 'old' },
    roleRef: { kind: 'ClusterRole', name: 'old' },
    subjects,
  })
  const { body } = await review('extensions')
  expect([body.spec.group, body.status.allowed, (await review('networking.k8s.io')).body.status.allowed]).toEqual([['old'], true, false])
})

test('discovery and OpenAPI have removed versions behind those of today', async () => {
  const groups = (await send('GET', '/apis')).body.groups as { name: string; preferredVersion: { version: string } }[]
  const names = groups.map(({ name }) => name)
  expect(names[names.indexOf('networking.k8s.io') + 1]).toBe('extensions')
  expect(groups.find(({ name }) => name === 'apps')?.preferredVersion.version).toBe('v1')
  const { resources } = (await send('GET', '/apis/extensions/v1beta1')).body
  expect(resources.map(({ name }: { name: string }) => name)).toEqual([
    'daemonsets',
    'daemonsets/status',
    'deployments',
    'deployments/rollback',
    'deployments/scale',
    'deployments/status',
    'ingresses',
    'ingresses/status',
    'networkpolicies',
    'replicasets',
    'replicasets/scale',
    'replicasets/status',
  ])
  const { components, paths } = (await send('GET', '/openapi/v3/apis/extensions/v1beta1')).body
  expect(components.schemas['io.k8s.api.extensions.v1beta1.IngressList'].properties.items.items).toBeDefined()
  expect(paths['/apis/extensions/v1beta1/namespaces/{namespace}/ingresses']).toBeDefined()
})

test('a definition of apiextensions.k8s.io/v1beta1 without a schema keeps what it is sent', async () => {
  const path = '/apis/apiextensions.k8s.io/v1beta1/customresourcedefinitions'
  const names = { plural: 'widgets', kind: 'Widget' }
  const columns = [{ name: 'Size', type: 'integer', JSONPath: '.size' }]
  const made = await send('POST', path, {
    metadata: { name: 'widgets.example.com' },
    spec: { group: 'example.com', version: 'v1', names, additionalPrinterColumns: columns },
  })
  expect(made.status).toBe(201)
  expect(made.body.spec).toMatchObject({
    preserveUnknownFields: true,
    scope: 'Namespaced',
    versions: [{ name: 'v1', served: true, storage: true }],
  })
  const { spec } = (await send('GET', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com')).body
  expect(spec.versions).toEqual([
    { name: 'v1', served: true, storage: true, additionalPrinterColumns: [{ name: 'Size', type: 'integer', jsonPath: '.size' }] },
  ])
  await expect
    .poll(
      async () =>
        (
          await send('POST', inDefault('example.com/v1', 'widgets'), {
            apiVersion: 'example.com/v1',
            kind: 'Widget',
            metadata: { name: 'w' },
            size: 3,
          })
        ).body,
    )
    .toMatchObject({ size: 3 })
})

test('without the flag, what a removed version answers names it', async () => {
  const plain = await startTestServer()
  const why = (version: string, minor: number) =>
    `${version} was removed in Kubernetes 1.${minor}; a cluster made by \`skiff up --legacy-apis\` serves it`
  const unknown = await plain.raw('GET', '/apis/extensions/v1beta1')
  expect([unknown.status, unknown.text]).toEqual([404, `404 page not found\n${why('extensions/v1beta1', 22)}\n`])
  const list = await plain.raw('GET', inDefault('apps/v1beta2', 'deployments'))
  expect(list.body).toMatchObject({
    code: 404,
    reason: 'NotFound',
    message: `the server could not find the requested resource (${why('apps/v1beta2', 16)})`,
  })
  const never = await plain.raw('GET', inDefault('apps/v1beta9', 'deployments'))
  expect(never.body.message).toBe('the server could not find the requested resource')
  await plain.close()
})

test('a configuration of a definition is applied again and again, beside what the server holds in another version', async () => {
  const apiVersion = 'apiextensions.k8s.io/v1beta1'
  const schema = { type: 'object', properties: { size: { type: 'integer' } } }
  const names = { plural: 'boxes', kind: 'Box' }
  const configuration = {
    ...{ apiVersion, kind: 'CustomResourceDefinition', metadata: { name: 'boxes.example.com' } },
    spec: { group: 'example.com', version: 'v1', scope: 'Namespaced', names, validation: { openAPIV3Schema: schema } },
  }
  const path = `/apis/${apiVersion}/customresourcedefinitions/boxes.example.com`
  const apply = () => send('PATCH', `${path}?fieldManager=me`, configuration, { 'content-type': 'application/apply-patch+yaml' })
  expect((await apply()).status).toBe(201)
  const held = async () => (await send('GET', path)).body.status?.conditions?.length
  await expect.poll(held).toBeGreaterThan(1)
  expect((await apply()).status).toBe(200)
  const { spec, metadata } = (await send('GET', path)).body
  expect([spec.validation, metadata.generation]).toEqual([{ openAPIV3Schema: schema }, 1])
})

test.each(['autoscaling/v2beta1', 'autoscaling/v1'])('%s is applied again beside a manager of another version', async (apiVersion) => {
  const name = apiVersion.replace('/', '-')
  const target = { kind: 'Deployment', name: 'd', apiVersion: 'apps/v1' }
  const apply = (version: string, manager: string, more: object) =>
    send(
      'PATCH',
      `${inDefault(version, 'horizontalpodautoscalers', name)}?fieldManager=${manager}&force=true`,
      { apiVersion: version, kind: 'HorizontalPodAutoscaler', ...more },
      { 'content-type': 'application/apply-patch+yaml' },
    )
  const mine = { metadata: { name, labels: { a: 'b' } }, spec: { maxReplicas: 3, scaleTargetRef: target } }
  expect((await apply(apiVersion, 'me', mine)).status).toBe(201)
  expect((await apply('autoscaling/v2', 'other', { metadata: { name, annotations: { c: 'd' } } })).status).toBe(200)
  expect((await apply(apiVersion, 'me', { ...mine, metadata: { name } })).status).toBe(200)
  const { metadata, spec } = (await send('GET', inDefault('autoscaling/v2', 'horizontalpodautoscalers', name))).body
  expect([metadata.labels, metadata.annotations, spec.maxReplicas]).toEqual([undefined, { c: 'd' }, 3])
  // Without its spec the object is none any more, and validation says so.
  expect((await apply(apiVersion, 'me', { metadata: { name } })).status).toBe(422)
})

test('a policy for a removed version hears of the same objects in any version, and sees them in its own', async () => {
  const registration = '/apis/admissionregistration.k8s.io/v1'
  const rule = { apiGroups: ['extensions'], apiVersions: ['v1beta1'], resources: ['ingresses'], operations: ['CREATE'] }
  const expression = "object.spec.backend.serviceName != 'bad' || request.requestResource.group != 'networking.k8s.io'"
  await send('POST', `${registration}/validatingadmissionpolicies`, {
    metadata: { name: 'old' },
    spec: { matchConstraints: { resourceRules: [rule] }, validations: [{ expression, message: 'no such backend' }] },
  })
  await send('POST', `${registration}/validatingadmissionpolicybindings`, {
    metadata: { name: 'old' },
    spec: { policyName: 'old', validationActions: ['Deny'] },
  })
  const ingress = (version: string, name: string, spec: object) =>
    send('POST', `${inDefault(version, 'ingresses')}?dryRun=All`, { kind: 'Ingress', metadata: { name }, spec })
  const today = { defaultBackend: { service: { name: 'bad', port: { number: 80 } } } }
  await expect.poll(async () => (await ingress('networking.k8s.io/v1', 'p', today)).body.message).toContain('no such backend')
  expect((await ingress('networking.k8s.io/v1beta1', 'p', { backend: { serviceName: 'bad', servicePort: 80 } })).status).toBe(422)
  expect((await ingress('extensions/v1beta1', 'p', { backend: { serviceName: 'bad', servicePort: 80 } })).status).toBe(201)
})
