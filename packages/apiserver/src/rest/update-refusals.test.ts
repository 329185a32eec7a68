import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing/start.ts'

let server: TestServer
const core = '/api/v1/namespaces/default'
const apps = '/apis/apps/v1/namespaces/default'
const networking = '/apis/networking.k8s.io/v1/namespaces/default'

beforeAll(async () => {
  server = await startTestServer()
  await send('POST', `${core}/serviceaccounts`, { metadata: { name: 'default' } })
})
afterAll(() => server.close())

const send = (method: string, path: string, body: unknown) => server.raw(method, path, JSON.stringify(body))
const withName = (name: string, object: object) => ({ ...object, metadata: { name, ...(object as { metadata?: object }).metadata } })

const pod = { serviceAccountName: 'default', automountServiceAccountToken: false, containers: [{ name: 'c', image: 'i' }] }
const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
const workload = { selector: { matchLabels: { a: 'b' } }, template }
const unlabelled = { ...workload, template: { ...template, metadata: { labels: {} } } }
const claim = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } }
const autoscaler = { scaleTargetRef: { kind: 'Deployment', name: 'd' }, maxReplicas: 2 }
const event = {
  eventTime: '2020-01-01T00:00:00.000000Z',
  reportingController: 'a.b/c',
  reportingInstance: 'i',
  action: 'a',
  reason: 'r',
  type: 'Normal',
  regarding: { kind: 'Pod', name: 'p', namespace: 'default' },
}

/** A collection, an object, what is written over it, and what upstream's recorded answer says. */
const refused: [string, object, object, string][] = [
  [
    `${apps}/deployments`,
    { spec: workload },
    { spec: unlabelled },
    'Deployment.apps "x" is invalid: spec.template.metadata.labels: Invalid value: map[string]string{}: `selector` does not match template `labels`',
  ],
  [
    `${apps}/replicasets`,
    { spec: workload },
    { spec: { ...workload, selector: { matchLabels: {}, matchExpressions: [{ key: 'a', operator: 'Exists', values: [] }] } } },
    'ReplicaSet.apps "x" is invalid: spec.selector: Invalid value: v1.LabelSelector{MatchLabels:map[string]string{}, MatchExpressions:[]v1.LabelSelectorRequirement{v1.LabelSelectorRequirement{Key:"a", Operator:"Exists", Values:[]string{}}}}: field is immutable',
  ],
  [
    `${apps}/daemonsets`,
    { spec: workload },
    { metadata: { annotations: { 'deprecated.daemonset.template.generation': 'x' } }, spec: workload },
    'DaemonSet in version "v1" cannot be handled as a DaemonSet: strconv.ParseInt: parsing "x": invalid syntax',
  ],
  [
    `${apps}/statefulsets`,
    { spec: workload },
    { spec: { ...workload, updateStrategy: { type: 'OnDelete', rollingUpdate: { partition: 1 } } } },
    'StatefulSet.apps "x" is invalid: spec.updateStrategy.rollingUpdate: Invalid value: apps.RollingUpdateStatefulSetStrategy{Partition:1, MaxUnavailable:(*intstr.IntOrString)(nil)}: only allowed for updateStrategy \'RollingUpdate\'',
  ],
  [
    `${apps}/controllerrevisions`,
    { data: { a: 1 } },
    { data: { b: 2 } },
    'ControllerRevision.apps "x" is invalid: data: Invalid value: runtime.Unknown{TypeMeta:runtime.TypeMeta{APIVersion:"", Kind:""}, Raw:[]uint8{0x7b, 0x22, 0x62, 0x22, 0x3a, 0x32, 0x7d}, ContentEncoding:"", ContentType:"application/json"}: field is immutable',
  ],
  // Upstream's internal types of these are known under another group first.
  [
    `${networking}/networkpolicies`,
    { spec: { podSelector: {} } },
    { spec: { podSelector: {}, policyTypes: ['A'] } },
    'NetworkPolicy.extensions "x" is invalid: spec.policyTypes[0]: Unsupported value: "A": supported values: "Ingress", "Egress"',
  ],
  [
    `${networking}/ingresses`,
    { spec: { defaultBackend: { service: { name: 's', port: { number: 80 } } } } },
    {},
    'Ingress.extensions "x" is invalid: spec: Invalid value: []networking.IngressRule(nil): either `defaultBackend` or `rules` must be specified',
  ],
  [
    '/apis/events.k8s.io/v1/namespaces/default/events',
    event,
    { ...event, regarding: { kind: 'Pod', name: 'q', namespace: 'default' } },
    'Event "x" is invalid: involvedObject: Invalid value: core.ObjectReference{Kind:"Pod", Namespace:"default", Name:"q", UID:"", APIVersion:"", ResourceVersion:"", FieldPath:""}: field is immutable',
  ],
  [
    '/apis/events.k8s.io/v1/namespaces/kube-public/events',
    { ...event, regarding: { namespace: 'kube-public' } },
    { ...event, regarding: { namespace: 'kube-public' }, type: undefined, reason: 's' },
    'Event "x" is invalid: [reason: Invalid value: "s": field is immutable, type: Invalid value: "": field is immutable]',
  ],
  [
    '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers',
    { spec: autoscaler },
    { spec: { ...autoscaler, behavior: { scaleUp: { policies: [] } } } },
    'HorizontalPodAutoscaler.autoscaling "x" is invalid: spec.behavior.scaleUp.policies: Required value: must specify at least one Policy',
  ],
  [
    '/api/v1/nodes',
    { spec: { podCIDRs: ['10.0.0.0/24'], providerID: 'p' } },
    { spec: { providerID: 'q', configSource: {} } },
    'Node "x" is invalid: [spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid, spec.providerID: Forbidden: node updates may not change providerID except from "" to valid, spec.configSource: Invalid value: core.NodeConfigSource{ConfigMap:(*core.ConfigMapNodeConfigSource)(nil)}: exactly one reference subfield must be non-nil]',
  ],
  [
    '/api/v1/namespaces/kube-public/resourcequotas',
    { spec: { scopes: ['BestEffort'], hard: { pods: '1' } } },
    { spec: { scopes: [], hard: { pods: '1' } } },
    'ResourceQuota "x" is invalid: spec.scopes: Invalid value: []core.ResourceQuotaScope{}: field is immutable',
  ],
  [
    '/api/v1/persistentvolumes',
    { spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/x' } } },
    { spec: { capacity: { cpu: '1500m' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/x' } } },
    'PersistentVolume "x" is invalid: spec.capacity: Unsupported value: core.ResourceList{"cpu":resource.Quantity{i:resource.int64Amount{value:1500, scale:-3}, d:resource.infDecAmount{Dec:(*inf.Dec)(nil)}, s:"1500m", Format:"DecimalSI"}}: supported values: "storage"',
  ],
  [
    '/apis/node.k8s.io/v1/runtimeclasses',
    { handler: 'h' },
    { handler: 'h', scheduling: { tolerations: [{ key: 'k', operator: 'Exists', value: 'v' }] } },
    'RuntimeClass.node.k8s.io "x" is invalid: scheduling.tolerations.tolerations[0].operator: Invalid value: core.Toleration{Key:"k", Operator:"Exists", Value:"v", Effect:"", TolerationSeconds:(*int64)(nil)}: value must be empty when `operator` is \'Exists\'',
  ],
  // Go has no text of an amount that is not canonical, until it needed one.
  [
    `${core}/limitranges`,
    {},
    { spec: { limits: [{ type: 'Container', max: { cpu: '1000m' }, min: { cpu: '1.5' } }] } },
    'LimitRange "x" is invalid: [spec.limits[0].min[cpu]: Invalid value: resource.Quantity{i:resource.int64Amount{value:15, scale:-1}, d:resource.infDecAmount{Dec:(*inf.Dec)(nil)}, s:"", Format:"DecimalSI"}: min value 1500m is greater than max value 1, spec.limits[0].defaultRequest[cpu]: Invalid value: resource.Quantity{i:resource.int64Amount{value:1000, scale:-3}, d:resource.infDecAmount{Dec:(*inf.Dec)(nil)}, s:"", Format:"DecimalSI"}: min value 1500m is greater than default request value 1, spec.limits[0].default[cpu]: Invalid value: resource.Quantity{i:resource.int64Amount{value:15, scale:-1}, d:resource.infDecAmount{Dec:(*inf.Dec)(nil)}, s:"1500m", Format:"DecimalSI"}: min value 1500m is greater than default value 1]',
  ],
  [
    '/apis/storage.k8s.io/v1/storageclasses',
    { provisioner: 'a.b/c' },
    { provisioner: 'a.b/c', parameters: {} },
    'StorageClass.storage.k8s.io "x" is invalid: parameters: Forbidden: updates to parameters are forbidden.',
  ],
]

test.each(refused)('an update of %s is refused in upstream’s words', async (path, object, change, text) => {
  const made = await send('POST', path, withName('x', object))
  expect(made.status, JSON.stringify(made.body)).toBe(201)
  const next = withName('x', change)
  const answer = await send('PUT', `${path}/x`, {
    ...next,
    metadata: { ...next.metadata, resourceVersion: made.body.metadata.resourceVersion },
  })
  expect(answer.body.message).toBe(text)
})

/** What is sent over an object that the server completed, and what comes of it. */
const kept: [string, object, object, object][] = [
  [`${core}/pods`, { spec: pod }, { spec: pod }, { spec: { priority: 0, preemptionPolicy: 'PreemptLowerPriority' } }],
  [
    `${apps}/daemonsets`,
    { spec: workload },
    { spec: { ...workload, template: { ...template, spec: { containers: [{ name: 'c', image: 'j' }] } } } },
    { metadata: { generation: 2, annotations: { 'deprecated.daemonset.template.generation': '2' } } },
  ],
  [
    '/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations',
    { spec: { type: 'Limited', limited: { limitResponse: { type: 'Queue', queuing: {} } } } },
    { spec: { type: 'Limited', limited: { limitResponse: { type: 'Queue', queuing: { queues: 0, handSize: 4 } } } } },
    { spec: { limited: { limitResponse: { queuing: { queues: 64, handSize: 4, queueLengthLimit: 50 } } } } },
  ],
]

test.each(kept)('an update of %s leaves what the server worked out', async (path, object, next, expected) => {
  expect((await send('POST', path, withName('kept', object))).status).toBe(201)
  const answer = await send('PUT', `${path}/kept`, withName('kept', next))
  expect(answer.body).toMatchObject(expected)
})

test('what a spec that is not sent holds by default is there when it is checked', async () => {
  await send('POST', `${core}/persistentvolumeclaims`, withName('bare', { spec: claim }))
  const { body } = await send('PUT', `${core}/persistentvolumeclaims/bare`, withName('bare', {}))
  const fields = (body.details.causes as { field: string }[]).map(({ field }) => field)
  // Twice as of a new claim, and no word of a volumeMode that changed.
  const asNew = ['spec.accessModes', 'spec.resources[storage]']
  expect(fields).toEqual([...asNew, ...asNew, 'spec', 'spec.resources.requests.storage'])
})

test('a patch may not take away a version that an update needs', async () => {
  const leases = '/apis/coordination.k8s.io/v1/namespaces/default/leases'
  await send('POST', leases, withName('l', {}))
  const patch = JSON.stringify({ metadata: { resourceVersion: null } })
  const { status, body } = await server.raw('PATCH', `${leases}/l`, patch, { 'content-type': 'application/merge-patch+json' })
  expect([status, body.message]).toEqual([
    422,
    'leases.coordination.k8s.io "l" is invalid: metadata.resourceVersion: Invalid value: 0x0: must be specified for an update',
  ])
})

test('what a strategic merge made is refused in the words of upstream’s converter', async () => {
  await send('POST', `${core}/secrets`, withName('converted', {}))
  await send('POST', `${apps}/daemonsets`, withName('converted', { spec: workload }))
  const type = { 'content-type': 'application/strategic-merge-patch+json' }
  const text = async (path: string, patch: object) => {
    const { status, body } = await server.raw('PATCH', `${path}/converted`, JSON.stringify(patch), type)
    return `${status} ${body.message}`
  }
  expect(await text(`${core}/secrets`, { data: { a: '!' } })).toMatch(/: error decoding from json: illegal base64 data at input byte 0$/)
  const annotations = { 'deprecated.daemonset.template.generation': 'x' }
  expect(await text(`${apps}/daemonsets`, { metadata: { annotations } })).toBe('500 strconv.ParseInt: parsing "x": invalid syntax')
})

test('warnings are of writes of the object, not of its parts', async () => {
  const path = '/api/v1/nodes'
  await send('POST', path, withName('warned', { spec: { podCIDRs: ['010.0.0.0/24'] } }))
  const { body } = await send('GET', `${path}/warned`, undefined)
  const warnings = async (at: string) => (await send('PUT', at, body)).headers.warning
  expect(await warnings(`${path}/warned`)).toMatch(/^299 - "spec.podCIDRs\[0\]/)
  expect(await warnings(`${path}/warned/status`)).toBeUndefined()
})

test('a pair of a certificate and a key is looked at whenever a secret is written', async () => {
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const written = (cert: string, key: string) => ({
    metadata: { name: 'pair' },
    type: 'kubernetes.io/tls',
    data: { 'tls.crt': base64(cert), 'tls.key': base64(key) },
  })
  const block = (type: string) => `-----BEGIN ${type}-----\nAAAA\n-----END ${type}-----\n`
  const warned = async (method: string, at: string, body: object) => (await send(method, at, body)).headers.warning
  expect(await warned('POST', `${core}/secrets`, written('', ''))).toBe('299 - "tls: failed to find any PEM data in certificate input"')
  expect(await warned('PUT', `${core}/secrets/pair`, written(block('CERTIFICATE'), block('CERTIFICATE')))).toBe(
    '299 - "tls: found a certificate rather than a key in the PEM for the private key"',
  )
})
