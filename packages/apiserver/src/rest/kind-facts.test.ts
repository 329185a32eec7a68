import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing/start.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

const said = async (path: string, body: object) => {
  const { status, body: answer } = await server.raw('POST', path, JSON.stringify(body))
  return `${status} ${answer.message?.replace(/^\S+ "[^"]*" is invalid: /, '') ?? ''}`.trim()
}

// Seen of Kubernetes 1.20, and the same in the sources of 1.33.
const storageClass = { metadata: { name: 'sc' }, provisioner: 'a.b/c', volumeBindingMode: 'Immediate' }
const slice = { metadata: { name: 'e' }, addressType: 'IPv4', endpoints: [] }
const toleration = { key: 'k', operator: 'Exists', effect: 'NoExecute' }
test.each<[string, string, object, string]>([
  [
    'a class has a name',
    '/apis/scheduling.k8s.io/v1/priorityclasses',
    { value: 1 },
    '422 metadata.name: Required value: name or generateName is required',
  ],
  [
    'a budget may have any name',
    '/apis/policy/v1/namespaces/default/poddisruptionbudgets',
    { metadata: { name: 'A_b' }, spec: { minAvailable: 1 } },
    '201',
  ],
  [
    'an event too',
    '/api/v1/namespaces/default/events',
    { metadata: { name: 'system:node.17' }, involvedObject: { kind: 'ClusterRole', namespace: 'default' } },
    '201',
  ],
  [
    'but no slash',
    '/apis/policy/v1/namespaces/default/poddisruptionbudgets',
    { metadata: { name: 'a/b' }, spec: { minAvailable: 1 } },
    '422 metadata.name: Invalid value: "a/b": may not contain \'/\'',
  ],
  [
    'a mode that is empty',
    '/apis/storage.k8s.io/v1/storageclasses',
    { ...storageClass, volumeBindingMode: '' },
    '422 volumeBindingMode: Unsupported value: "": supported values: "Immediate", "WaitForFirstConsumer"',
  ],
  [
    'a term that is empty',
    '/apis/storage.k8s.io/v1/storageclasses',
    { ...storageClass, allowedTopologies: [{}] },
    '422 allowedTopologies[0].matchLabelExpressions: Duplicate value: ""',
  ],
  [
    'a volume without a name',
    '/apis/storage.k8s.io/v1/volumeattachments',
    { metadata: { name: 'v' }, spec: { attacher: 'a.b', nodeName: 'n', source: { persistentVolumeName: '' } } },
    "422 [spec.source.persistentVolumeName: Required value: must specify non empty persistentVolumeName, spec.source.persistentVolumeName: Invalid value: \"\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')]",
  ],
  [
    'a protocol that is empty',
    '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices',
    { ...slice, ports: [{ name: 'a', port: 1, protocol: '' }] },
    '422 ports[0].protocol: Unsupported value: "": supported values: "SCTP", "TCP", "UDP"',
  ],
  [
    'a toleration twice',
    '/apis/node.k8s.io/v1/runtimeclasses',
    { metadata: { name: 'r' }, handler: 'h', scheduling: { tolerations: [toleration, toleration] } },
    '422 scheduling.tolerations[1]: Duplicate value: core.Toleration{Key:"k", Operator:"Exists", Value:"", Effect:"NoExecute", TolerationSeconds:(*int64)(nil)}',
  ],
  ...(
    [
      [{ port: 80, endPort: 70 }, 'endPort: Invalid value: 80: must be greater than or equal to `port`'],
      [{ endPort: 70 }, 'endPort: Invalid value: 70: may not be specified when `port` is not specified'],
    ] as const
  ).map(([port, text]): [string, string, object, string] => [
    `ports ${JSON.stringify(port)}`,
    '/apis/networking.k8s.io/v1/namespaces/default/networkpolicies',
    { metadata: { name: 'n' }, spec: { podSelector: {}, ingress: [{ ports: [port] }] } },
    `422 spec.ingress[0].ports[0].${text}`,
  ]),
  ...(
    [
      [
        ['10.0.0.0/8', '10.1.0.0/16', 'fd00::/64'],
        ': Invalid value: networking.ServiceCIDRSpec{CIDRs:[]string{"10.0.0.0/8", "10.1.0.0/16", "fd00::/64"}}: may only hold up to 2 values',
      ],
      [['10.0.0.1/8'], '[0]: Invalid value: "10.0.0.1/8": must not have bits set beyond the prefix length'],
      [['010.0.0.0/8'], '[0]: Invalid value: "010.0.0.0/8": must not have leading 0s in IP or prefix length'],
      [['FD00::/64'], '[0]: Invalid value: "FD00::/64": must be in canonical form ("fd00::/64")'],
      [['10.0.0.0'], '[0]: Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'],
    ] as const
  ).map(([cidrs, text]): [string, string, object, string] => [
    `ranges ${cidrs.join()}`,
    '/apis/networking.k8s.io/v1/servicecidrs',
    { metadata: { name: 'c' }, spec: { cidrs } },
    `422 spec.cidrs${text}`,
  ]),
  ...(
    [
      ['10.0.0.01', 'must not have leading 0s'],
      ['fd00:0::1', 'must be in canonical form ("fd00::1")'],
      ['x', 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'],
    ] as const
  ).map(([name, text]): [string, string, object, string] => [
    `address ${name}`,
    '/apis/networking.k8s.io/v1/ipaddresses',
    { metadata: { name }, spec: { parentRef: { resource: 'pods', name: 'p' } } },
    `422 metadata.name: Invalid value: ${JSON.stringify(name)}: ${text}`,
  ]),
  [
    "the kubelet's port",
    '/api/v1/namespaces/default/services',
    { metadata: { name: 's' }, spec: { type: 'LoadBalancer', ports: [{ port: 10250 }] } },
    '422 spec.ports[0]: Invalid value: 10250: may not expose port 10250 externally since it is used by kubelet',
  ],
])('%s', async (_what, path, body, answer) => expect(await said(path, body)).toBe(answer))

test('a ServiceCIDR may gain a second family, and nothing else', async () => {
  const at = '/apis/networking.k8s.io/v1/servicecidrs'
  const change = async (...cidrs: string[]) => {
    const { status, body } = await server.raw('PATCH', `${at}/grows`, JSON.stringify({ spec: { cidrs } }), {
      'content-type': 'application/merge-patch+json',
    })
    return `${status} ${body.message ?? ''}`
  }
  await said(at, { metadata: { name: 'grows' }, spec: { cidrs: ['10.50.0.0/24'] } })
  const is = '422 ServiceCIDR.networking.k8s.io "grows" is invalid: spec.cidrs'
  expect(await change('10.51.0.0/24')).toBe(`${is}[0]: Invalid value: "10.51.0.0/24": field is immutable`)
  expect(await change('10.50.0.0/24', 'fd00::/64')).toBe('200 ')
  expect(await change('10.50.0.0/24')).toBe(`${is}: Invalid value: []string{"10.50.0.0/24"}: field is immutable`)
})

const object = (path: string, body: object) => server.raw('POST', path, JSON.stringify(body))
const changed = async (path: string, patch: object) => {
  const { status, body } = await server.raw('PATCH', path, JSON.stringify(patch), { 'content-type': 'application/merge-patch+json' })
  return `${status} ${body.message?.replace(/^\S+ "[^"]*" is invalid: /, '') ?? ''}`
}
test.each<[string, object, object, string]>([
  [
    '/apis/storage.k8s.io/v1/volumeattachments',
    { spec: { attacher: 'a.b', nodeName: 'n', source: { persistentVolumeName: 'v' } } },
    { spec: { attacher: 'A_b' } },
    '422 spec: Invalid value: storage.VolumeAttachmentSpec{Attacher:"A_b", Source:storage.VolumeAttachmentSource{PersistentVolumeName:(*string)(0xc000000000), InlineVolumeSpec:(*core.PersistentVolumeSpec)(nil)}, NodeName:"n"}: field is immutable',
  ],
  [
    '/apis/storage.k8s.io/v1/csinodes',
    { spec: { drivers: [{ name: 'd.e', nodeID: 'n', topologyKeys: ['a'] }] } },
    { spec: { drivers: [{ name: 'd.e', nodeID: 'm', topologyKeys: ['a'] }] } },
    '422 CSINodeDriver: Invalid value: storage.CSINodeDriver{Name:"d.e", NodeID:"m", TopologyKeys:[]string{"a"}, Allocatable:(*storage.VolumeNodeResources)(nil)}: field is immutable',
  ],
  [
    '/apis/networking.k8s.io/v1/ingressclasses',
    { spec: { controller: 'a.b/c' } },
    { spec: { controller: null } },
    '422 [spec.controller: Invalid value: "": field is immutable, spec.controller: Required value]',
  ],
  [
    '/apis/node.k8s.io/v1/runtimeclasses',
    { handler: 'h' },
    { scheduling: { tolerations: [{ key: 'k', operator: 'x' }] } },
    '422 scheduling.tolerations.tolerations[0].operator: Unsupported value: "x": supported values: "Equal", "Exists"',
  ],
])('an update of %s', async (path, body, patch, answer) => {
  await object(path, { metadata: { name: 'changes' }, ...body })
  expect(await changed(`${path}/changes`, patch)).toBe(answer)
})
