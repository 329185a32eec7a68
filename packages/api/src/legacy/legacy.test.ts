import { decodeObject, type KubeObject, seededRandom } from '@skiff/machinery'
import { expect, test } from 'vitest'
import { buildBuiltins, loadLegacyKinds } from '../builtins.ts'
import type { Kind } from '../catalogue.ts'
import { formats } from '../decode-formats.ts'
import { sample } from '../testing/sample.ts'

const builtins = buildBuiltins()
const { kinds } = await loadLegacyKinds(builtins)

type Fields = Readonly<Record<string, unknown>>
const wire = (kind: Kind, object: KubeObject): Fields => JSON.parse(kind.codec.encode(object).bytes.toString())

/** What a version has no field for. */
const unknown: Readonly<Record<string, readonly string[]>> = { 'autoscaling/v2beta2': ['tolerance'] }
const without = (value: unknown, names: readonly string[]): unknown =>
  JSON.parse(JSON.stringify(value, (name, inner: unknown) => (names.includes(name) ? undefined : inner)))

/** An object as it comes from the store: what defaults add is there already. */
const storedSample = (stored: Kind, random: () => number, lacks: readonly string[]): KubeObject => {
  const made = { ...sample(builtins.schemaOf(stored.typeName), random, 1), apiVersion: stored.apiVersion, kind: stored.kind }
  const once = stored.codec.decode(without(made, lacks) as Fields).object
  return stored.codec.decode(wire(stored, once)).object
}

const lossless = kinds.filter(({ apiVersion }) => apiVersion !== 'autoscaling/v2beta1')

test.each(lossless.map((kind) => [`${kind.apiVersion} ${kind.kind}`, kind] as const))(
  '%s loses nothing on its way to and fro',
  (_name, kind) => {
    const stored = kind.writtenAs as Kind
    const random = seededRandom(7)
    for (let round = 0; round < 5; round++) {
      const object = storedSample(stored, random, unknown[kind.apiVersion] ?? [])
      const shown = kind.conversion?.fromStored(object) as KubeObject
      const read = decodeObject(builtins.schemaOf(kind.typeName), wire(kind, shown), formats).object as unknown as KubeObject
      const back = kind.conversion?.toStored({ ...read, metadata: read.metadata ?? {} }) as KubeObject
      expect(wire(stored, back)).toEqual(wire(stored, object))
    }
  },
)

const kindOf = (apiVersion: string, name: string): Kind =>
  kinds.find((kind) => kind.apiVersion === apiVersion && kind.kind === name) as Kind

/** What is stored of an object sent in a removed version. */
const stored = (object: Fields): Fields => {
  const kind = kindOf(String(object.apiVersion), String(object.kind))
  return wire(kind.writtenAs as Kind, kind.conversion?.toStored(kind.codec.decode({ metadata: {}, ...object }).object) as KubeObject)
}
/** How a removed version shows a stored object. */
const shown = (apiVersion: string, object: Fields): Fields => {
  const kind = kindOf(apiVersion, String(object.kind))
  const whole = kind.writtenAs?.codec.decode({ metadata: {}, ...object }).object
  return wire(kind, kind.conversion?.fromStored(whole as KubeObject) as KubeObject)
}

const template = { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
const most = 2_147_483_647

test.each([
  ['extensions/v1beta1', 1, most, most],
  ['apps/v1beta1', '25%', 2, 600],
])('a Deployment of %s has its defaults', (apiVersion, step, limit, deadline) => {
  expect(stored({ apiVersion, kind: 'Deployment', spec: { template } })).toMatchObject({
    apiVersion: 'apps/v1',
    metadata: { labels: { app: 'a' } },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: 'a' } },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: step, maxSurge: step } },
      revisionHistoryLimit: limit,
      progressDeadlineSeconds: deadline,
    },
  })
})

test('apps/v1beta2 fills in no selector', () => {
  const { spec } = stored({ apiVersion: 'apps/v1beta2', kind: 'Deployment', spec: { template } })
  expect(spec).toMatchObject({ selector: null, revisionHistoryLimit: 10, strategy: { rollingUpdate: { maxSurge: '25%' } } })
})

test('strategies of daemons and members', () => {
  const of = (apiVersion: string, kind: string) => (stored({ apiVersion, kind, spec: { template } }).spec as Fields).updateStrategy
  expect(of('extensions/v1beta1', 'DaemonSet')).toEqual({ type: 'OnDelete' })
  expect(of('apps/v1beta2', 'DaemonSet')).toEqual({ type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } })
  expect(of('apps/v1beta1', 'StatefulSet')).toEqual({ type: 'OnDelete' })
  expect(of('apps/v1beta2', 'StatefulSet')).toEqual({ type: 'RollingUpdate', rollingUpdate: { partition: 0 } })
})

test('what was a field is an annotation today', () => {
  const note = { 'deprecated.daemonset.template.generation': '3' }
  const daemons = { kind: 'DaemonSet', apiVersion: 'apps/v1', metadata: { annotations: note }, spec: { template } }
  expect(shown('extensions/v1beta1', daemons)).toMatchObject({ spec: { templateGeneration: 3 } })
  const rollback = { apiVersion: 'extensions/v1beta1', kind: 'Deployment', spec: { template, rollbackTo: { revision: 2 } } }
  expect(stored(rollback)).toMatchObject({ metadata: { annotations: { 'deprecated.deployment.rollback.to': '2' } } })
})

test.each([
  [{}, { matchExpressions: [...both('DoesNotExist', 'Exists')] }],
  [{ matchExpressions: [...both('DoesNotExist')] }, {}],
  [{ matchLabels: { a: 'b' } }, { matchLabels: { a: 'b' } }],
])('the selector %j of policy/v1beta1 is %j in policy/v1', (old, next) => {
  const apiVersion = 'policy/v1beta1'
  const budget = { kind: 'PodDisruptionBudget', spec: { selector: old } }
  expect(stored({ ...budget, apiVersion })).toMatchObject({ spec: { selector: next } })
  expect(shown(apiVersion, { kind: 'PodDisruptionBudget', apiVersion: 'policy/v1', spec: { selector: next } })).toMatchObject({
    spec: { selector: old },
  })
})
function both(...operators: string[]) {
  return operators.map((operator) => ({ key: 'pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match', operator }))
}

test('an endpoint tells where it is', () => {
  const endpoint = {
    addresses: ['10.0.0.1'],
    nodeName: 'n',
    topology: { 'kubernetes.io/hostname': 'n', 'topology.kubernetes.io/zone': 'z', x: 'y' },
  }
  const slice = { apiVersion: 'discovery.k8s.io/v1beta1', kind: 'EndpointSlice', addressType: 'IPv4', endpoints: [endpoint] }
  expect(stored(slice)).toMatchObject({ endpoints: [{ nodeName: 'n', zone: 'z', deprecatedTopology: { x: 'y' } }] })
  const bare = {
    kind: 'EndpointSlice',
    apiVersion: 'discovery.k8s.io/v1',
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.0.0.1'], nodeName: 'n' }],
  }
  expect(shown('discovery.k8s.io/v1beta1', bare)).toMatchObject({ endpoints: [{ topology: { 'kubernetes.io/hostname': 'n' } }] })
})

test('metrics of autoscaling/v2beta1', () => {
  const metrics = [
    { type: 'Resource', resource: { name: 'memory', targetAverageValue: '1Gi' } },
    { type: 'Object', object: { target: { kind: 'Service', name: 's' }, metricName: 'o', targetValue: '9' } },
    { type: 'External', external: { metricName: 'e', targetAverageValue: '30' } },
  ]
  const spec = { maxReplicas: 3, scaleTargetRef: { kind: 'Deployment', name: 'd' }, metrics }
  const whole = stored({ apiVersion: 'autoscaling/v2beta1', kind: 'HorizontalPodAutoscaler', spec })
  expect((whole.spec as Fields).metrics).toEqual([
    { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '1Gi' } } },
    {
      type: 'Object',
      object: { describedObject: { kind: 'Service', name: 's' }, metric: { name: 'o' }, target: { type: 'Value', value: '9' } },
    },
    { type: 'External', external: { metric: { name: 'e' }, target: { type: 'AverageValue', averageValue: '30' } } },
  ])
  expect((shown('autoscaling/v2beta1', whole).spec as Fields).metrics).toEqual(metrics)
})

test('numbers that were not sent get the defaults of the stored version', () => {
  const limited = { limitResponse: { type: 'Queue', queuing: {} } }
  const level = {
    apiVersion: 'flowcontrol.apiserver.k8s.io/v1beta1',
    kind: 'PriorityLevelConfiguration',
    spec: { type: 'Limited', limited },
  }
  expect(stored(level)).toMatchObject({
    spec: { limited: { nominalConcurrencyShares: 30, limitResponse: { queuing: { queues: 64, handSize: 8, queueLengthLimit: 50 } } } },
  })
})

test('an event that nobody reports says nothing of it', () => {
  const event = { apiVersion: 'v1', kind: 'Event', involvedObject: {}, reportingComponent: '', reportingInstance: '' }
  expect(shown('events.k8s.io/v1beta1', event)).not.toHaveProperty('reportingController')
})
