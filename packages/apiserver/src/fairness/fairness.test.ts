import { flowSchema, namespace, priorityLevelConfiguration } from '@skiff/api'
import { systemEnv } from '@skiff/machinery'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing/start.ts'
import { autoUpdate, maintainObjects } from './maintain.ts'

const env = systemEnv()
let api: TestServer
beforeAll(async () => {
  api = await startTestServer()
})
afterAll(() => api.close())

const dangling = async (name: string) => {
  const { status } = await api.near.get(flowSchema, { name })
  return status?.conditions?.map(({ type, status, reason, message }) => ({ type, status, reason, message }))
}
const until = async (holds: () => Promise<boolean>): Promise<void> => {
  while (!(await holds())) await env.sleep(5)
}

test('a server has the objects of 1.33, and every schema finds its level', async () => {
  const schemas = await api.near.list(flowSchema)
  expect(
    schemas.items.map(({ metadata, spec }) => `${spec.matchingPrecedence} ${metadata.name} ${spec.priorityLevelConfiguration.name}`).sort(),
  ).toEqual(
    [
      '1 exempt exempt',
      '2 probes exempt',
      '100 system-leader-election leader-election',
      '150 endpoint-controller workload-high',
      '200 workload-leader-election leader-election',
      '400 system-node-high node-high',
      '500 system-nodes system',
      '800 kube-controller-manager workload-high',
      '800 kube-scheduler workload-high',
      '900 kube-system-service-accounts workload-high',
      '9000 service-accounts workload-low',
      '9900 global-default global-default',
      '10000 catch-all catch-all',
    ].sort(),
  )
  const levels = await api.near.list(priorityLevelConfiguration)
  expect(levels.items.map(({ metadata }) => metadata.name)).toEqual([
    'catch-all',
    'exempt',
    'global-default',
    'leader-election',
    'node-high',
    'system',
    'workload-high',
    'workload-low',
  ])
  for (const { metadata } of [...schemas.items, ...levels.items]) expect(metadata.annotations).toEqual({ [autoUpdate]: 'true' })
  expect(await dangling('probes')).toEqual([
    {
      type: 'Dangling',
      status: 'False',
      reason: 'Found',
      message: 'This FlowSchema references the PriorityLevelConfiguration object named "exempt" and it exists',
    },
  ])
})

test('a schema whose level is not there says so, until it is', async () => {
  const level = await api.near.get(priorityLevelConfiguration, { name: 'global-default' })
  await api.near.create(flowSchema, {
    metadata: { name: 'mine' },
    spec: {
      priorityLevelConfiguration: { name: 'my-level' },
      rules: [
        {
          subjects: [{ kind: 'User', user: { name: 'me' } }],
          resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] }],
        },
      ],
    },
  })
  await until(async () => (await dangling('mine')) !== undefined)
  expect(await dangling('mine')).toEqual([
    {
      type: 'Dangling',
      status: 'True',
      reason: 'NotFound',
      message: 'This FlowSchema references the PriorityLevelConfiguration object named "my-level" but there is no such object',
    },
  ])
  const answer = await api.raw('GET', '/version', undefined, { 'impersonate-user': 'me' })
  const { metadata } = await api.near.get(flowSchema, { name: 'global-default' })
  expect(answer.headers['x-kubernetes-pf-flowschema-uid']).toBe(metadata.uid)
  await api.near.create(priorityLevelConfiguration, { metadata: { name: 'my-level' }, spec: level.spec })
  await until(async () => (await dangling('mine'))?.[0]?.status === 'False')
})

test('suggested objects are kept while nobody says otherwise, mandatory ones always, and unknown ones with the annotation go', async () => {
  const level = await api.near.get(priorityLevelConfiguration, { name: 'system' })
  const changed = { ...level, spec: { ...level.spec, limited: { ...level.spec.limited, nominalConcurrencyShares: 7 } } }
  await api.near.update(priorityLevelConfiguration, changed)
  await maintainObjects(api.near)
  const kept = await api.near.get(priorityLevelConfiguration, { name: 'system' })
  expect(kept.spec).toEqual(level.spec)
  await api.near.update(priorityLevelConfiguration, {
    ...changed,
    metadata: { ...kept.metadata, annotations: { [autoUpdate]: 'false' } },
  })
  await api.near.remove(flowSchema, { name: 'catch-all' })
  await api.near.create(priorityLevelConfiguration, {
    metadata: { name: 'stray', annotations: { [autoUpdate]: 'true' } },
    spec: level.spec,
  })
  await maintainObjects(api.near)
  expect((await api.near.get(priorityLevelConfiguration, { name: 'system' })).spec.limited?.nominalConcurrencyShares).toBe(7)
  const names = (await api.near.list(priorityLevelConfiguration)).items.map(({ metadata }) => metadata.name)
  expect(names).not.toContain('stray')
  expect((await api.near.get(flowSchema, { name: 'catch-all' })).spec.matchingPrecedence).toBe(10_000)
})

test('an answer names the schema and level of its request by their ids; a connection to a container has neither', async () => {
  await api.near.create(namespace, { metadata: { name: 'n' } } as never)
  const { headers } = await api.raw('GET', '/api/v1/namespaces/n')
  expect(headers['x-kubernetes-pf-flowschema-uid']).toBe((await api.near.get(flowSchema, { name: 'exempt' })).metadata.uid)
  expect(headers['x-kubernetes-pf-prioritylevel-uid']).toBe(
    (await api.near.get(priorityLevelConfiguration, { name: 'exempt' })).metadata.uid,
  )
  const log = await api.raw('GET', '/api/v1/namespaces/n/pods/p/log')
  expect(log.headers['x-kubernetes-pf-flowschema-uid']).toBeUndefined()
})
