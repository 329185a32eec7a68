import { expect, test } from 'vitest'
import { buildBuiltins } from '../builtins.ts'

const { kinds } = buildBuiltins()
const warningsOf = (kindName: string, object: object, old?: object): readonly string[] => {
  const kind = kinds.find(({ kind }) => kind === kindName)
  const full = (part: object) => ({ metadata: { name: 'x', ...(part as { metadata?: object }).metadata }, ...part })
  return kind?.behaviour.warnings?.(full(object) as never, old && (full(old) as never)) ?? []
}

const future = 'will be considered invalid in a future Kubernetes release'
test.each<[string, object, readonly string[]]>([
  [
    'Service',
    { spec: { type: 'ClusterIP', clusterIP: '10.0.0.010', clusterIPs: ['10.0.0.010', '2001:DB8::1'], externalIPs: ['::ffff:1.2.3.4'] } },
    [
      `spec.clusterIPs[0]: non-standard IP address "10.0.0.010" ${future}: use "10.0.0.10"`,
      'spec.clusterIPs[1]: IPv6 address "2001:DB8::1" should be in RFC 5952 canonical format ("2001:db8::1")',
      `spec.externalIPs[0]: non-standard IP address "::ffff:1.2.3.4" ${future}: use "1.2.3.4"`,
    ],
  ],
  [
    'Service',
    {
      spec: {
        type: 'ClusterIP',
        clusterIP: 'None',
        clusterIPs: ['None'],
        sessionAffinity: 'ClientIP',
        loadBalancerIP: '1.2.3.4',
        externalName: 'a.b',
      },
    },
    [
      'spec.loadBalancerIP is ignored for headless services',
      'spec.SessionAffinity is ignored for headless services',
      'spec.externalName is ignored when spec.type is not "ExternalName"',
    ],
  ],
  [
    'Service',
    { spec: { type: 'LoadBalancer', loadBalancerSourceRanges: ['10.1.2.3/8', '010.0.0.0/8', '2001:DB8::/64', '10.0.0.0/8'] } },
    [
      'spec.loadBalancerSourceRanges[0]: CIDR value "10.1.2.3/8" is ambiguous in this context (should be "10.0.0.0/8" or "10.1.2.3/32"?)',
      `spec.loadBalancerSourceRanges[1]: non-standard CIDR value "010.0.0.0/8" ${future}: use "10.0.0.0/8"`,
      'spec.loadBalancerSourceRanges[2]: IPv6 CIDR value "2001:DB8::/64" should be in RFC 5952 canonical format ("2001:db8::/64")',
    ],
  ],
  [
    'Service',
    {
      metadata: { annotations: { 'service.kubernetes.io/topology-aware-hints': 'auto' } },
      spec: { type: 'ClusterIP', sessionAffinity: 'None' },
    },
    ['annotation service.kubernetes.io/topology-aware-hints is deprecated, please use service.kubernetes.io/topology-mode instead'],
  ],
  [
    'Endpoints',
    { subsets: [{ notReadyAddresses: [{ ip: '01.2.3.4' }] }] },
    [`subsets[0].notReadyAddresses[0].ip: non-standard IP address "01.2.3.4" ${future}: use "1.2.3.4"`],
  ],
  ['EndpointSlice', { addressType: 'FQDN', endpoints: [{ addresses: ['a.b'] }] }, ['spec.addressType: FQDN endpoints are deprecated']],
  [
    'NetworkPolicy',
    { spec: { egress: [{ to: [{ ipBlock: { cidr: '10.0.0.1/8', except: ['10.1.0.0/16'] } }] }] } },
    ['spec.egress[0].to[0].ipBlock.cidr: CIDR value "10.0.0.1/8" is ambiguous in this context (should be "10.0.0.0/8" or "10.0.0.1/32"?)'],
  ],
  [
    'Ingress',
    { metadata: { annotations: { 'kubernetes.io/ingress.class': 'n' } }, spec: {} },
    ['annotation "kubernetes.io/ingress.class" is deprecated, please use \'spec.ingressClassName\' instead'],
  ],
  [
    'StorageClass',
    { allowedTopologies: [{ matchLabelExpressions: [{ key: 'failure-domain.beta.kubernetes.io/zone', values: ['a'] }] }] },
    ['allowedTopologies[0].matchLabelExpressions[0]: deprecated since v1.17; use "topology.kubernetes.io/zone" instead'],
  ],
  [
    'CSIStorageCapacity',
    {
      nodeTopology: {
        matchLabels: { 'beta.kubernetes.io/os': 'linux' },
        matchExpressions: [{ key: 'beta.kubernetes.io/arch', operator: 'Exists' }],
      },
    },
    [
      'nodeTopology.matchExpressions[0].key: beta.kubernetes.io/arch is deprecated since v1.14; use "kubernetes.io/arch" instead',
      'nodeTopology.matchLabels.beta.kubernetes.io/os: deprecated since v1.14; use "kubernetes.io/os" instead',
    ],
  ],
  [
    'RuntimeClass',
    { handler: 'a', scheduling: { nodeSelector: { 'beta.kubernetes.io/os': 'linux' } } },
    ['scheduling.nodeSelector: deprecated since v1.14; use "kubernetes.io/os" instead'],
  ],
  [
    'PersistentVolume',
    { spec: { persistentVolumeReclaimPolicy: 'Recycle', rbd: {} } },
    [
      'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.',
      'spec.rbd: deprecated in v1.28, non-functional in v1.31+',
    ],
  ],
  [
    'PersistentVolumeClaim',
    {
      metadata: { annotations: { 'volume.beta.kubernetes.io/storage-class': 'x' } },
      spec: { resources: { requests: { storage: '100m' }, limits: { storage: '1.5Gi' } } },
    },
    [
      'metadata.annotations[volume.beta.kubernetes.io/storage-class]: deprecated since v1.8; use "storageClassName" attribute instead',
      'spec.resources.requests[storage]: fractional byte value "100m" is invalid, must be an integer',
    ],
  ],
])('%s %j', (kind, object, warnings) => expect(warningsOf(kind, object)).toEqual(warnings))

test('an ingress is warned of its class annotation once, when it is made', () => {
  const ingress = { metadata: { annotations: { 'kubernetes.io/ingress.class': 'n' } }, spec: {} }
  expect(warningsOf('Ingress', ingress, ingress)).toEqual([])
})
