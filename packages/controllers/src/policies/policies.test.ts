import { customResourceDefinition, type ValidatingAdmissionPolicy, validatingAdmissionPolicy } from '@skiff/api'
import { expect, test } from 'vitest'
import { testCluster } from '../testing/cluster.ts'
import { policyStatusController } from './status.ts'
import { typeWarnings } from './type-check.ts'

const rule = (apiGroup: string, version: string, ...resources: readonly string[]) => ({
  apiGroups: [apiGroup],
  apiVersions: [version],
  operations: ['*'],
  resources,
})
const policy = (spec: object): ValidatingAdmissionPolicy =>
  ({
    metadata: { name: 'p', generation: 1 },
    spec: { matchConstraints: { resourceRules: [rule('apps', 'v1', 'deployments')] }, ...spec },
  }) as never
const warnings = (spec: object, definitions: readonly object[] = []) => typeWarnings(policy(spec), definitions as never)
const ofRule = (expression: string, more: object = {}) => warnings({ validations: [{ expression }], ...more }).map(({ warning }) => warning)

const widgets = {
  metadata: { name: 'widgets.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'widgets', kind: 'Widget' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: { spec: { type: 'object', properties: { size: { type: 'integer' }, 'a-b': { type: 'string' } } } },
          },
        },
      },
    ],
  },
}

test('a field that the kind does not have is told as upstream tells it', () => {
  expect(warnings({ validations: [{ expression: 'object.replicas > 1' }] })).toEqual([
    {
      fieldRef: 'spec.validations[0].expression',
      warning: "apps/v1, Kind=Deployment: ERROR: <input>:1:7: undefined field 'replicas'\n | object.replicas > 1\n | ......^\n",
    },
  ])
})

test.each([
  ['object.spec.replicas > 1 && object.metadata.labels.all(k, k != "")', []],
  [
    'object.spec.template.spec.containers.all(c, c.image.startsWith("a") && quantity(c.resources.limits.cpu).isGreaterThan(quantity("1")))',
    [],
  ],
  ['object.metadata.creationTimestamp < timestamp("2020-01-01T00:00:00Z")', []],
  ["authorizer.group('').resource('pods').check('get').allowed()", []],
  ["object.spec.replicas == 'x'", [expect.stringContaining("found no matching overload for '_==_' applied to '(int, string)'")]],
  ['object.spec.template.spec.containers.exists(c, c.nme == "")', [expect.stringContaining("undefined field 'nme'")]],
  ['request.userInfo.nobody == ""', [expect.stringContaining("undefined field 'nobody'")]],
])('%s', (expression, expected) => {
  expect(ofRule(expression)).toEqual(expected)
})

test('variables, message expressions, parameters and several kinds are looked at', () => {
  const variables = [{ name: 'count', expression: 'object.spec.replicas' }]
  expect(ofRule("variables.count == 'x'", { variables })).toHaveLength(1)
  const message = { validations: [{ expression: 'true', messageExpression: 'object.nothing' }] }
  expect(warnings(message).map(({ fieldRef }) => fieldRef)).toEqual(['spec.validations[0].messageExpression'])
  const paramKind = { apiVersion: 'v1', kind: 'ConfigMap' }
  expect(ofRule('params.data.size() > 1', { paramKind })).toEqual([])
  expect(ofRule('params.spec == 1', { paramKind })).toEqual([expect.stringContaining("undefined field 'spec'")])
  const both = { matchConstraints: { resourceRules: [rule('', 'v1', 'pods', 'pods/status', 'services')] } }
  expect(ofRule('object.spec.nodeName == ""', both)).toEqual([expect.stringMatching(/^\/v1, Kind=Service: ERROR: /)])
  expect(ofRule('object.x', { matchConstraints: { resourceRules: [rule('*', 'v1', 'pods')] } })).toEqual([])
})

test('kinds of definitions are known by their schemas', () => {
  const matchConstraints = { resourceRules: [rule('example.com', 'v1', 'widgets')] }
  const found = (expression: string) => warnings({ matchConstraints, validations: [{ expression }] }, [widgets]).length
  expect(found('object.spec.size > 1 && object.spec.a__dash__b == "" && object.metadata.labels.size() == 0')).toBe(0)
  expect(found('object.spec.colour == ""')).toBe(1)
})

test('the controller writes the warnings into the status, once for each generation', async () => {
  const cluster = testCluster([policyStatusController()])
  await cluster.client.create(customResourceDefinition, widgets as never)
  const make = (name: string, expression: string) =>
    cluster.client.create(validatingAdmissionPolicy, {
      metadata: { name, generation: 1 },
      spec: { matchConstraints: { resourceRules: [rule('example.com', 'v1', 'widgets')] }, validations: [{ expression }] },
    } as never)
  await make('good', 'object.spec.size > 1')
  await make('bad', 'object.spec.colour == ""')
  await cluster.env.advance(1_000)
  const status = async (name: string) => (await cluster.client.get(validatingAdmissionPolicy, { name })).status
  expect(await status('good')).toEqual({ observedGeneration: 1, typeChecking: {} })
  expect(await status('bad')).toMatchObject({
    observedGeneration: 1,
    typeChecking: { expressionWarnings: [{ fieldRef: 'spec.validations[0].expression', warning: expect.stringContaining('colour') }] },
  })
  const written = (await cluster.client.get(validatingAdmissionPolicy, { name: 'bad' })).metadata.resourceVersion
  await cluster.env.advance(60_000)
  expect((await cluster.client.get(validatingAdmissionPolicy, { name: 'bad' })).metadata.resourceVersion).toBe(written)
  await cluster.stop()
})
