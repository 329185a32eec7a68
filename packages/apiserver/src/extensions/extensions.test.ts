import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing/start.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const send = (method: string, path: string, body?: unknown, type = 'application/json') =>
  server.raw(method, path, body === undefined ? undefined : JSON.stringify(body), { 'content-type': type })

const text = { type: 'string' }
const specSchema = {
  type: 'object',
  required: ['size'],
  properties: {
    size: { type: 'integer', minimum: 1, maximum: 10, multipleOf: 1 },
    color: { type: 'string', enum: ['red', 'blue'], default: 'red' },
    tags: { type: 'array', items: { type: 'string', maxLength: 3 }, maxItems: 2, 'x-kubernetes-list-type': 'set' },
    name: { type: 'string', pattern: '^[a-z]+$' },
    free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    port: { 'x-kubernetes-int-or-string': true },
    opt: { type: 'string', nullable: true },
    when: { type: 'string', format: 'date-time' },
    one: { type: 'object', properties: { a: text, b: text }, oneOf: [{ required: ['a'] }, { required: ['b'] }] },
    items: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: { type: 'object', required: ['name'], properties: { name: text, value: { type: 'integer' } } },
    },
  },
}
const definition = (group: string, names = {}, version = {}) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `widgets.${group}` },
  spec: {
    group,
    scope: 'Namespaced',
    names: { plural: 'widgets', kind: 'Widget', shortNames: ['wd'], ...names },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: { type: 'object', properties: { spec: specSchema, status: { type: 'object', properties: { ready: text } } } },
        },
        ...version,
      },
    ],
  },
})
const until = async (path: string, holds: (answer: Awaited<ReturnType<typeof send>>) => boolean) => {
  for (let tries = 0; tries < 100; tries++) {
    const answer = await send('GET', path)
    if (holds(answer)) return answer
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`${path} does not come to hold what it should`)
}
const define = async (body: ReturnType<typeof definition>) => {
  const made = await send('POST', definitions, body)
  expect(made.status, made.text).toBe(201)
  const { group } = body.spec
  await until(`/apis/${group}/v1/namespaces/default/widgets`, ({ status }) => status === 200)
  return `/apis/${group}/v1/namespaces/default/widgets`
}
const widget = (group: string, name: string, spec: object, more = {}) => ({
  apiVersion: `${group}/v1`,
  kind: 'Widget',
  metadata: { name },
  spec,
  ...more,
})

test('a definition is named, established and served, and goes with its objects', async () => {
  const path = await define(definition('life.example.com'))
  const { body } = await send('GET', `${definitions}/widgets.life.example.com`)
  expect(body.status.acceptedNames).toEqual({
    plural: 'widgets',
    singular: 'widget',
    kind: 'Widget',
    listKind: 'WidgetList',
    shortNames: ['wd'],
  })
  expect(
    body.status.conditions.map((each: { type: string; status: string; reason: string }) => [each.type, each.status, each.reason]),
  ).toEqual([
    ['NamesAccepted', 'True', 'NoConflicts'],
    ['Established', 'True', 'InitialNamesAccepted'],
  ])
  await send('POST', path, widget('life.example.com', 'a', { size: 1 }, { metadata: { name: 'a', finalizers: ['x/y'] } }))
  await send('DELETE', `${definitions}/widgets.life.example.com`)
  await until(`${path}/a`, ({ body: object }) => object.metadata.deletionTimestamp !== undefined)
  expect((await send('POST', path, widget('life.example.com', 'b', { size: 1 }))).status).toBe(405)
  expect((await send('GET', `${definitions}/widgets.life.example.com`)).body.metadata.finalizers).toEqual([
    'customresourcecleanup.apiextensions.k8s.io',
  ])
  await send('PATCH', `${path}/a`, { metadata: { finalizers: null } }, 'application/merge-patch+json')
  await until(`${definitions}/widgets.life.example.com`, ({ status }) => status === 404)
  expect((await send('GET', path)).status).toBe(404)
})

test('a name that another definition has is refused until it is free', async () => {
  await define(definition('names.example.com'))
  const other = {
    ...definition('names.example.com', { plural: 'gadgets', kind: 'Gadget', shortNames: ['wd'] }),
    metadata: { name: 'gadgets.names.example.com' },
  }
  await send('POST', definitions, other)
  const waiting = await until(`${definitions}/gadgets.names.example.com`, ({ body }) => body.status?.conditions?.length === 2)
  expect(waiting.body.status.conditions).toMatchObject([
    { type: 'NamesAccepted', status: 'False', reason: 'ShortNamesConflict', message: '"wd" is already in use' },
    { type: 'Established', status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' },
  ])
})

test('objects are pruned, defaulted and stored in order', async () => {
  const path = await define(definition('prune.example.com'))
  const { status, body, headers } = await send(
    'POST',
    path,
    widget('prune.example.com', 'a', { size: 3, extra: 1, free: { any: [1] }, opt: null, name: null }),
  )
  expect([status, body.spec, body.metadata.generation]).toEqual([201, { color: 'red', free: { any: [1] }, opt: null, size: 3 }, 1])
  expect(headers.warning).toBe('299 - "unknown field \\"spec.extra\\""')
  const strict = await send(
    'POST',
    `${path}?fieldValidation=Strict`,
    widget('prune.example.com', 's', { size: 1, extra: 1, items: [{ name: 'a', x: 1 }] }),
  )
  expect(strict.body.message).toContain('strict decoding error: unknown field "spec.extra", unknown field "spec.items[0].x"')
  const merged = await send('PATCH', `${path}/a`, { spec: { size: 4 } }, 'application/merge-patch+json')
  expect([merged.body.spec.size, merged.body.metadata.generation]).toEqual([4, 2])
  expect((await send('PATCH', `${path}/a`, {}, 'application/strategic-merge-patch+json')).status).toBe(415)
  const unversioned = await send('PUT', `${path}/a`, widget('prune.example.com', 'a', { size: 1 }))
  expect(unversioned.body.message).toBe(
    'widgets.prune.example.com "a" is invalid: metadata.resourceVersion: Invalid value: 0x0: must be specified for an update',
  )
  const applied = await send(
    'PATCH',
    `${path}/ap?fieldManager=m`,
    widget('prune.example.com', 'ap', { size: 2, items: [{ name: 'x' }] }),
    'application/apply-patch+yaml',
  )
  expect(applied.body.metadata.managedFields[0].fieldsV1).toEqual({
    'f:spec': { 'f:items': { 'k:{"name":"x"}': { '.': {}, 'f:name': {} } }, 'f:size': {} },
  })
})

test('values are checked in words of upstream', async () => {
  const path = await define(definition('check.example.com'))
  const fault = async (spec: object) => {
    const { body } = await send('POST', `${path}?dryRun=All`, widget('check.example.com', 'b', spec))
    return (body.details?.causes ?? []).map(
      (cause: { reason: string; field: string; message: string }) => `${cause.reason} ${cause.field}: ${cause.message}`,
    )
  }
  expect(await fault({ size: 'big', tags: 'x' })).toEqual([
    'FieldValueTypeInvalid spec.size: Invalid value: "string": spec.size in body must be of type integer: "string"',
    'FieldValueTypeInvalid spec.tags: Invalid value: "string": spec.tags in body must be of type array: "string"',
  ])
  expect(await fault({})).toEqual(['FieldValueRequired spec.size: Required value'])
  expect(await fault({ size: 11 })).toEqual([
    'FieldValueInvalid spec.size: Invalid value: 11: spec.size in body should be less than or equal to 10',
  ])
  expect(await fault({ size: 1, color: 'green', name: 'A', when: 'x', port: true })).toEqual([
    'FieldValueNotSupported spec.color: Unsupported value: "green": supported values: "red", "blue"',
    `FieldValueInvalid spec.name: Invalid value: "A": spec.name in body should match '^[a-z]+$'`,
    'FieldValueTypeInvalid spec.port: Invalid value: "boolean": spec.port in body must be of type integer,string: "boolean"',
    'FieldValueTypeInvalid spec.when: Invalid value: "x": spec.when in body must be of type date-time: "x"',
  ])
  expect(await fault({ size: 1, tags: ['long!', 'a', 'a'] })).toEqual([
    'FieldValueTooLong spec.tags[0]: Too long: may not be more than 3 bytes',
    'FieldValueTooMany spec.tags: Too many: 3: must have at most 2 items',
    'FieldValueDuplicate spec.tags[2]: Duplicate value: "a"',
  ])
  expect(await fault({ size: 1, items: [{ name: 'a' }, { name: 'a', value: 1.5 }] })).toEqual([
    'FieldValueTypeInvalid spec.items[1].value: Invalid value: "number": spec.items[1].value in body must be of type integer: "number"',
    'FieldValueDuplicate spec.items[1]: Duplicate value: map[string]interface {}{"name":"a"}',
  ])
  expect((await fault({ size: 1, one: {} })).at(0)).toBe(
    'FieldValueInvalid <nil>: Invalid value: "": "spec.one" must validate one and only one schema (oneOf). Found none valid',
  )
})

test('what was wrong before an update and did not change stays', async () => {
  const path = await define(definition('ratchet.example.com'))
  const { body: old } = await send('POST', path, widget('ratchet.example.com', 'a', { size: 9 }))
  const { body: held } = await send('GET', `${definitions}/widgets.ratchet.example.com`)
  held.spec.versions[0].schema.openAPIV3Schema.properties.spec.properties.size.maximum = 5
  expect((await send('PUT', `${definitions}/widgets.ratchet.example.com`, held)).status).toBe(200)
  expect((await send('POST', path, widget('ratchet.example.com', 'b', { size: 9 }))).status).toBe(422)
  expect((await send('PUT', `${path}/a`, { ...old, spec: { ...old.spec, name: 'x' } })).status).toBe(200)
  expect((await send('PATCH', `${path}/a`, { spec: { size: 8 } }, 'application/merge-patch+json')).status).toBe(422)
})

test('the status subresource parts status from the rest', async () => {
  const path = await define(definition('status.example.com', {}, { subresources: { status: {} } }))
  const { body } = await send('POST', path, widget('status.example.com', 'a', { size: 1 }, { status: { ready: 'no' } }))
  expect(body.status).toBeUndefined()
  const { body: told } = await send('PUT', `${path}/a/status`, { ...body, spec: { size: 2 }, status: { ready: 'yes' } })
  expect([told.spec.size, told.status, told.metadata.generation]).toEqual([1, { ready: 'yes' }, 1])
})

test('a scale reads and writes where the definition says', async () => {
  const scale = { specReplicasPath: '.spec.size', statusReplicasPath: '.status.count', labelSelectorPath: '.status.ready' }
  const path = await define(definition('scale.example.com', {}, { subresources: { scale } }))
  await send('POST', path, widget('scale.example.com', 'a', { size: 2 }, { status: { ready: 'x=y' } }))
  const { body } = await send('GET', `${path}/a/scale`)
  expect([body.kind, body.spec, body.status]).toEqual(['Scale', { replicas: 2 }, { replicas: 0, selector: 'x=y' }])
  const { body: scaled } = await send('PATCH', `${path}/a/scale`, { spec: { replicas: 5 } }, 'application/merge-patch+json')
  expect(scaled.spec).toEqual({ replicas: 5 })
  expect((await send('GET', `${path}/a`)).body.spec.size).toBe(5)
  expect((await send('PATCH', `${path}/a/scale`, { spec: { replicas: 11 } }, 'application/merge-patch+json')).status).toBe(422)
})

test('rules hold, transitions included; what did not change is not checked again', async () => {
  const integer = { type: 'integer' }
  const schema = {
    type: 'object',
    properties: {
      spec: {
        type: 'object',
        properties: {
          min: integer,
          max: integer,
          mode: { ...text, 'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'is immutable' }] },
        },
        'x-kubernetes-validations': [
          { rule: 'self.min <= self.max', message: 'min above max', fieldPath: '.min' },
          { rule: 'self.max < 100', messageExpression: '"max is %d".format([self.max])', reason: 'FieldValueForbidden' },
        ],
      },
    },
    'x-kubernetes-validations': [{ rule: 'self.metadata.name.startsWith("w")' }],
  }
  const path = await define(definition('rules.example.com', {}, { schema: { openAPIV3Schema: schema } }))
  const fault = async (name: string, spec: object) => (await send('POST', path, widget('rules.example.com', name, spec))).body.message
  expect(await fault('w1', { min: 3, max: 2 })).toBe(
    'Widget.rules.example.com "w1" is invalid: spec.min: Invalid value: "object": min above max',
  )
  expect(await fault('w1', { min: 3, max: 100 })).toBe('Widget.rules.example.com "w1" is invalid: spec: Forbidden: max is 100')
  expect(await fault('x', { min: 1, max: 2 })).toBe(
    `Widget.rules.example.com "x" is invalid: <nil>: Invalid value: "object": failed rule: self.metadata.name.startsWith("w")`,
  )
  expect(await fault('w1', { min: 1 })).toContain('spec: Invalid value: "object": no such key: max evaluating rule: min above max')
  expect(await fault('w1', { min: 'x' })).toContain('some validation rules were not checked because the object was invalid')
  expect((await send('POST', path, widget('rules.example.com', 'w1', { min: 1, max: 2, mode: 'a' }))).status).toBe(201)
  const patched = (spec: object) => send('PATCH', `${path}/w1`, { spec }, 'application/merge-patch+json')
  expect((await patched({ mode: 'b' })).body.message).toContain('spec.mode: Invalid value: "string": is immutable')
  expect((await patched({ max: 3 })).status).toBe(200)
})

test('versions show the same objects; the stored one can change', async () => {
  const body = definition('versions.example.com')
  const [v1] = body.spec.versions
  body.spec.versions = [v1, { ...v1, name: 'v1beta1', storage: false }] as never
  const path = await define(body)
  const beta = path.replace('/v1/', '/v1beta1/')
  await send('POST', beta, { ...widget('versions.example.com', 'a', { size: 1 }), apiVersion: 'versions.example.com/v1beta1' })
  const shown = async (of: string) => (await send('GET', `${of}/a`)).body.apiVersion
  expect([await shown(path), await shown(beta)]).toEqual(['versions.example.com/v1', 'versions.example.com/v1beta1'])
  const { body: group } = await send('GET', '/apis/versions.example.com')
  expect([group.preferredVersion.version, group.versions.length]).toEqual(['v1', 2])
  const { body: held } = await send('GET', `${definitions}/widgets.versions.example.com`)
  const switched = held.spec.versions.map((version: object, index: number) => ({ ...version, storage: index === 1 }))
  const put = await send('PUT', `${definitions}/widgets.versions.example.com`, { ...held, spec: { ...held.spec, versions: switched } })
  expect(put.body.message).toBeUndefined()
  expect([await shown(path), await shown(beta)]).toEqual(['versions.example.com/v1', 'versions.example.com/v1beta1'])
  expect((await send('GET', `${definitions}/widgets.versions.example.com`)).body.status.storedVersions).toEqual(['v1', 'v1beta1'])
})

test('watches end with the definition', async () => {
  const path = await define(definition('watched.example.com'))
  const watch = send('GET', `${path}?watch=1`)
  await send('POST', path, widget('watched.example.com', 'a', { size: 1 }))
  await send('DELETE', `${definitions}/widgets.watched.example.com`)
  const events = (await watch).text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).type)
  expect(events[0]).toBe('ADDED')
  expect(events.at(-1)).toBe('DELETED')
})

test('OpenAPI tells clients that a custom kind knows no strategic merge patch and no protobuf', async () => {
  await define(definition('told.example.com'))
  const { body } = await send('GET', '/openapi/v3/apis/told.example.com/v1')
  const one = body.paths['/apis/told.example.com/v1/namespaces/{namespace}/widgets/{name}']
  expect(Object.keys(one.patch.requestBody.content)).not.toContain('application/strategic-merge-patch+json')
  expect(Object.keys(one.patch.requestBody.content)).toContain('application/merge-patch+json')
  expect(Object.keys(one.get.responses['200'].content)).toEqual(['application/json', 'application/yaml'])
})
