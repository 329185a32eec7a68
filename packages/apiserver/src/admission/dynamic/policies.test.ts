import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../../testing/start.ts'

let api: TestServer
beforeAll(async () => {
  api = await startTestServer()
  for (const [name, labels] of [
    ['dev', {}],
    ['prod', { tier: 'prod' }],
  ] as const)
    await post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } })
})
afterAll(() => api?.close())

const post = async (path: string, body: object) => {
  const answer = await api.raw('POST', path, JSON.stringify(body), { 'content-type': 'application/json' })
  if (answer.status > 299) throw new Error(answer.text)
  return answer.body
}
const registration = '/apis/admissionregistration.k8s.io/v1'
const policy = (name: string, spec: object) =>
  post(`${registration}/validatingadmissionpolicies`, {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name },
    spec: {
      matchConstraints: {
        resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['configmaps'] }],
      },
      ...spec,
    },
  })
const bind = (policyName: string, spec: object = {}) =>
  post(`${registration}/validatingadmissionpolicybindings`, {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: { name: `${policyName}-binding` },
    spec: { policyName, validationActions: ['Deny'], ...spec },
  })
const drop = async (name: string) => {
  await api.raw('DELETE', `${registration}/validatingadmissionpolicybindings/${name}-binding`)
  await api.raw('DELETE', `${registration}/validatingadmissionpolicies/${name}`)
}
const create = (name: string, data: object, namespace = 'dev') =>
  api.raw(
    'POST',
    `/api/v1/namespaces/${namespace}/configmaps?dryRun=All`,
    JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data }),
    { 'content-type': 'application/json' },
  )

describe('validating admission policies', () => {
  test('deny in the words of the rule, with its reason', async () => {
    await policy('size', {
      validations: [
        { expression: 'size(object.data) < 3', message: ' too many keys ' },
        { expression: "!('forbidden' in object.data)", messageExpression: "'no ' + object.data.forbidden", reason: 'Forbidden' },
        { expression: "object.metadata.name != 'bad'" },
      ],
    })
    expect((await create('free', { a: '1', b: '2', c: '3' })).status).toBe(201)
    await bind('size')
    expect((await create('fine', { a: '1' })).status).toBe(201)
    const text = "ValidatingAdmissionPolicy 'size' with binding 'size-binding' denied request: too many keys"
    expect(await create('many', { a: '1', b: '2', c: '3' })).toMatchObject({
      status: 422,
      body: {
        reason: 'Invalid',
        message: `configmaps "many" is forbidden: ${text}`,
        details: { name: 'many', kind: 'configmaps', causes: [{ message: text }] },
      },
    })
    const forbidden = await create('other', { forbidden: 'fruit' })
    expect(forbidden).toMatchObject({ status: 403, body: { reason: 'Forbidden' } })
    expect(forbidden.body.message).toMatch(/denied request: no fruit$/)
    expect((await create('bad', { a: '1' })).body.message).toMatch(/denied request: failed expression: object.metadata.name != 'bad'$/)
    await drop('size')
    expect((await create('bad', { a: '1' })).status).toBe(201)
  })

  test('an error of an expression counts by the failure policy', async () => {
    const validations = [{ expression: "object.data.absent == 'x'" }]
    await policy('strict', { validations })
    await bind('strict')
    expect((await create('a', { a: '1' })).body.message).toMatch(
      /denied request: expression 'object.data.absent == 'x'' resulted in error: no such key: absent$/,
    )
    await drop('strict')
    await policy('lenient', { validations, failurePolicy: 'Ignore' })
    await bind('lenient')
    expect((await create('a', { a: '1' })).status).toBe(201)
    await drop('lenient')
  })

  test('are refused when an expression cannot be read or comes to something else', async () => {
    const body = (expression: string) => ({
      metadata: { name: 'wrong' },
      spec: {
        matchConstraints: { resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['*'], resources: ['pods'] }] },
        validations: [{ expression }],
      },
    })
    const refused = async (expression: string) => {
      const path = `${registration}/validatingadmissionpolicies`
      const answer = await api.raw('POST', path, JSON.stringify(body(expression)), { 'content-type': 'application/json' })
      expect(answer.status).toBe(422)
      return answer.body.details.causes[0]
    }
    expect(await refused('object.spec ==')).toMatchObject({
      field: 'spec.validations[0].expression',
      message: expect.stringContaining('compilation failed: ERROR: <input>:1:'),
    })
    expect((await refused('nothing.x')).message).toContain("undeclared reference to 'nothing'")
    expect((await refused('params.x == 1')).message).toContain("undeclared reference to 'params'")
    expect((await refused('1 + 1')).message).toBe('Invalid value: "1 + 1": must evaluate to bool')
  })

  test('warn instead of refusing', async () => {
    await policy('warns', { validations: [{ expression: 'false', message: 'never' }] })
    await bind('warns', { validationActions: ['Warn', 'Audit'] })
    const answer = await create('a', {})
    expect(answer.status).toBe(201)
    expect(answer.headers.warning).toBe(
      `299 - "Validation failed for ValidatingAdmissionPolicy 'warns' with binding 'warns-binding': never"`,
    )
    await drop('warns')
  })

  test('see the request, the namespace, variables and conditions', async () => {
    await policy('sees', {
      matchConditions: [{ name: 'not-exempt', expression: "!object.metadata.name.startsWith('exempt')" }],
      variables: [
        { name: 'who', expression: 'request.userInfo.username' },
        { name: 'greeting', expression: "'hello ' + variables.who" },
        { name: 'broken', expression: 'object.nothing' },
      ],
      validations: [
        {
          expression: "variables.greeting != 'hello admin' || 'tier' in namespaceObject.metadata.labels",
          messageExpression: "request.operation + ' of ' + request.resource.resource + ' in ' + request.namespace + ' by ' + variables.who",
        },
      ],
    })
    await bind('sees')
    expect((await create('a', {})).body.message).toMatch(/denied request: CREATE of configmaps in dev by admin$/)
    expect((await create('a', {}, 'prod')).status).toBe(201)
    expect((await create('exempt-a', {})).status).toBe(201)
    await drop('sees')
  })

  test('a binding narrows by namespace and brings parameters', async () => {
    await policy('limited', {
      paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
      validations: [{ expression: 'size(object.data) <= int(params.data.most)', messageExpression: "'at most ' + params.data.most" }],
    })
    const paramRef = { name: 'limits', namespace: 'dev', parameterNotFoundAction: 'Deny' }
    await bind('limited', { paramRef, matchResources: { namespaceSelector: { matchLabels: { tier: 'prod' } } } })
    const data = { a: '1', b: '2' }
    expect((await create('a', data)).status).toBe(201)
    expect((await create('a', data, 'prod')).body.message).toMatch(
      /denied request: failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction$/,
    )
    await post('/api/v1/namespaces/dev/configmaps', {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'limits' },
      data: { most: '1' },
    })
    expect((await create('a', data, 'prod')).body.message).toMatch(/denied request: at most 1$/)
    expect((await create('a', { a: '1' }, 'prod')).status).toBe(201)
    await drop('limited')
  })
})
