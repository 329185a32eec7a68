import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../../testing/start.ts'

const registration = '/apis/admissionregistration.k8s.io/v1'
let api: TestServer
beforeAll(async () => {
  api = await startTestServer()
  await post('/api/v1/namespaces', { metadata: { name: 'dev' } })
  const rules = [
    { apiGroups: [''], resources: ['configmaps'], verbs: ['create'] },
    { apiGroups: ['example.com'], resources: ['secrecy'], resourceNames: ['open'], verbs: ['use'] },
  ]
  await post('/apis/rbac.authorization.k8s.io/v1/clusterroles', { metadata: { name: 'writer' }, rules })
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'writer' }
  const subjects = [
    { kind: 'User', name: 'eve', apiGroup: 'rbac.authorization.k8s.io' },
    { kind: 'ServiceAccount', name: 'robot', namespace: 'dev' },
  ]
  await post('/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', { metadata: { name: 'writer' }, roleRef, subjects })
})
afterAll(() => api?.close())

const post = async (path: string, body: object) => {
  const answer = await api.raw('POST', path, JSON.stringify(body))
  if (answer.status > 299) throw new Error(answer.text)
}
const matchConstraints = {
  resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }],
}
const under = async (spec: object, act: () => Promise<void>, bindings: readonly object[] = [{ validationActions: ['Deny'] }]) => {
  await post(`${registration}/validatingadmissionpolicies`, { metadata: { name: 'p' }, spec: { matchConstraints, ...spec } })
  for (const [index, binding] of bindings.entries())
    await post(`${registration}/validatingadmissionpolicybindings`, {
      metadata: { name: `b${index}` },
      spec: { policyName: 'p', ...binding },
    })
  try {
    await act()
  } finally {
    for (const index of bindings.keys()) await api.raw('DELETE', `${registration}/validatingadmissionpolicybindings/b${index}`)
    await api.raw('DELETE', `${registration}/validatingadmissionpolicies/p`)
  }
}
const create = async (name: string, user?: string) => {
  const headers: Record<string, string> = user ? { 'impersonate-user': user } : {}
  const answer = await api.raw('POST', '/api/v1/namespaces/dev/configmaps?dryRun=All', JSON.stringify({ metadata: { name } }), headers)
  return answer.status === 201 ? 'created' : (answer.body.message as string)
}

describe('the authorizer in policies', () => {
  test('decides by the rights of who asks', async () => {
    const expression = "authorizer.group('example.com').resource('secrecy').name(object.metadata.name).check('use').allowed()"
    await under({ validations: [{ expression, message: 'not yours' }] }, async () => {
      expect(await create('open', 'eve')).toBe('created')
      expect(await create('closed', 'eve')).toMatch(/denied request: not yours$/)
      expect(await create('closed')).toBe('created')
    })
  })

  test('speaks of the request itself, of its variables, of service accounts and of why', async () => {
    const variables = [
      { name: 'mine', expression: "authorizer.requestResource.check('create')" },
      { name: 'robot', expression: "authorizer.serviceAccount('dev', 'robot').group('').resource('configmaps').check('create')" },
      { name: 'other', expression: "authorizer.serviceAccount('dev', 'other').group('').resource('configmaps').check('create').allowed()" },
    ]
    const validations = [
      { expression: 'variables.mine.allowed() && variables.robot.allowed() && !variables.other' },
      { expression: "variables.robot.reason() == 'x'", messageExpression: 'variables.robot.reason()' },
    ]
    await under({ variables, validations }, async () => {
      expect(await create('a', 'eve')).toMatch(
        /denied request: RBAC: allowed by ClusterRoleBinding "writer" of ClusterRole "writer" to ServiceAccount "robot\/dev"$/,
      )
    })
  })

  test('serves conditions, whose faults are told together', async () => {
    const condition = (expression: string, name: string) => ({ name, expression })
    const held = condition("authorizer.requestResource.check('delete').allowed()", 'may-delete')
    await under({ matchConditions: [held], validations: [{ expression: 'false' }] }, async () => {
      expect(await create('a', 'eve')).toBe('created')
      expect(await create('a')).toMatch(/denied request: failed expression: false$/)
    })
    const faulty = [condition('object.x == 1', 'x'), condition('object.y == 1', 'y')]
    await under({ matchConditions: faulty, validations: [{ expression: 'false' }] }, async () => {
      expect(await create('a')).toMatch(
        /\[expression 'object.x == 1' resulted in error: no such key: x, expression 'object.y == 1' resulted in error: no such key: y\]$/,
      )
    })
  })

  test('a policy may cost no more than all its expressions together', async () => {
    const expression = "authorizer.group('').resource('a').check('get').allowed() || authorizer.path('/a').check('get').allowed() || true"
    const validations = (count: number) => Array.from({ length: count }, () => ({ expression }))
    await under({ validations: validations(14) }, async () => expect(await create('a', 'eve')).toBe('created'))
    await under({ validations: validations(15) }, async () =>
      expect(await create('a', 'eve')).toMatch(
        /denied request: validation failed due to running out of cost budget, no further validation rules will be run$/,
      ),
    )
  })
})

describe('audit annotations', () => {
  const annotation = (valueExpression: string) => ({ auditAnnotations: [{ key: 'note', valueExpression }] })

  test('that cannot be worked out refuse, unless failures are ignored', async () => {
    const bindings = [{ validationActions: ['Audit'] }]
    const faulty = annotation('string(object.nothing)')
    await under(faulty, async () => expect(await create('a')).toMatch(/denied request: .*no such key: nothing$/), bindings)
    await under({ ...faulty, failurePolicy: 'Ignore' }, async () => expect(await create('a')).toBe('created'), bindings)
    await under(annotation("'by ' + request.userInfo.username"), async () => expect(await create('a')).toBe('created'), bindings)
  })

  test('and other expressions are judged when the policy is written', async () => {
    const refused = async (spec: object) => {
      const body = JSON.stringify({ metadata: { name: 'p' }, spec: { matchConstraints, ...spec } })
      const answer = await api.raw('POST', `${registration}/validatingadmissionpolicies?dryRun=All`, body)
      return answer.status === 201 ? 'created' : answer.body.details.causes.map((each: { message: string }) => each.message).join('\n')
    }
    expect(await refused(annotation('null'))).toBe('created')
    expect(await refused(annotation('true'))).toBe('Invalid value: "true": must evaluate to one of [string null_type]')
    expect(await refused(annotation('authorizer'))).toContain("undeclared reference to 'authorizer'")
    const rule = (expression: string, more: object = {}) => refused({ validations: [{ expression, ...more }] })
    expect(await rule('object.spec.on')).toBe('Invalid value: "object.spec.on": must evaluate to bool')
    expect(await rule('request.nothing == 1')).toContain("undefined field 'nothing'")
    expect(await rule("namespaceObject.metadata.managedFields == ''")).toContain("undefined field 'managedFields'")
    expect(await rule('variables.absent')).toContain("undefined field 'absent'")
    expect(await rule('true', { messageExpression: "authorizer.path('/').check('get').reason()" })).toContain(
      "undeclared reference to 'authorizer'",
    )
    const variables = [{ name: 'count', expression: 'size(object.data)' }]
    expect(await refused({ variables, validations: [{ expression: "variables.count == 'x'" }] })).toContain(
      "found no matching overload for '_==_' applied to '(int, string)'",
    )
    expect(await refused({ variables, validations: [{ expression: 'variables.count > 1' }] })).toBe('created')
  })
})
