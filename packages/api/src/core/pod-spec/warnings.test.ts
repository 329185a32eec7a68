import { expect, test } from 'vitest'
import { buildBuiltins } from '../../builtins.ts'

const { kinds } = buildBuiltins()
const warningsOf = (kindName: string, object: object, old?: object): readonly string[] => {
  const kind = kinds.find(({ kind }) => kind === kindName)
  const full = (part: object) => ({ ...part, metadata: { name: 'x', ...(part as { metadata?: object }).metadata } })
  return kind?.behaviour.warnings?.(full(object) as never, old && (full(old) as never)) ?? []
}
const container = { name: 'c', image: 'i' }
const pod = (spec: object, annotations?: object) => ({ metadata: { annotations }, spec: { containers: [container], ...spec } })

test.each<[string, object, readonly string[]]>([
  ['nothing', pod({}), []],
  [
    'labels of nodes that have successors',
    pod({
      nodeSelector: { 'beta.kubernetes.io/os': 'linux' },
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchExpressions: [{ key: 'beta.kubernetes.io/arch' }] }],
          },
        },
        podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'a' }] },
      },
      topologySpreadConstraints: [{ topologyKey: 'failure-domain.beta.kubernetes.io/zone' }],
    }),
    [
      'spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead',
      'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].key: beta.kubernetes.io/arch is deprecated since v1.14; use "kubernetes.io/arch" instead',
      'spec.topologySpreadConstraints[0].topologyKey: failure-domain.beta.kubernetes.io/zone is deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
      'spec.topologySpreadConstraints[0].labelSelector: a null labelSelector results in matching no pod',
      'spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].labelSelector: a null labelSelector results in matching no pod',
    ],
  ],
  [
    'annotations that became fields',
    pod({}, { 'scheduler.alpha.kubernetes.io/critical-pod': '', 'seccomp.security.alpha.kubernetes.io/pod': 'unconfined' }),
    [
      'metadata.annotations[scheduler.alpha.kubernetes.io/critical-pod]: non-functional in v1.16+; use the "priorityClassName" field instead',
      'metadata.annotations[seccomp.security.alpha.kubernetes.io/pod]: non-functional in v1.27+; use the "seccompProfile" field instead',
    ],
  ],
  [
    'volumes',
    pod({
      volumes: [
        { name: 'g', gitRepo: { repository: 'r' } },
        { name: 'm', configMap: { name: 'cm', items: [{ path: 'a/' }, { path: 'a/b' }] } },
        {
          name: 'p',
          projected: { sources: [{}, { serviceAccountToken: { path: 't' } }, { secret: { name: 's', items: [{ path: 't' }] } }] },
        },
        { name: 's', storageos: {} },
        { name: 'e', ephemeral: { volumeClaimTemplate: { spec: { resources: { requests: { storage: '500m' } } } } } },
      ],
    }),
    [
      'spec.volumes[0].gitRepo: deprecated in v1.11, and disabled by default in v1.33+',
      'spec.volumes[3].storageOS: deprecated in v1.22, non-functional in v1.25+',
      'spec.volumes[4].ephemeral.volumeClaimTemplate.spec.resources.requests[storage]: fractional byte value "500m" is invalid, must be an integer',
      'volume "m" (ConfigMap "cm"): overlapping paths: "a/b" with "a"',
      'volume "p" (Projected) has no sources provided',
      'volume "p" (Projected Secret "s"): overlapping paths: "t" with "t"',
    ],
  ],
  [
    'repeats and amounts',
    pod({
      hostAliases: [{ ip: '1.1.1.1' }, { ip: '1.1.1.1' }],
      imagePullSecrets: [{ name: 'a' }, { name: 'a' }, {}],
      overhead: { memory: '100m' },
      terminationGracePeriodSeconds: -1,
      containers: [
        {
          ...container,
          resources: { limits: { memory: '1500m' }, requests: { 'ephemeral-storage': '1m' } },
          env: [
            { name: 'A', value: '1' },
            { name: 'A', value: '$(A)2' },
            { name: 'A', value: '3' },
          ],
        },
      ],
    }),
    [
      'spec.hostAliases[1].ip: duplicate ip "1.1.1.1"',
      'spec.imagePullSecrets[1].name: duplicate name "a"',
      'spec.imagePullSecrets[2].name: invalid empty name ""',
      'spec.overhead[memory]: fractional byte value "100m" is invalid, must be an integer',
      'spec.containers[0].resources.limits[memory]: fractional byte value "1500m" is invalid, must be an integer',
      'spec.containers[0].resources.requests[ephemeral-storage]: fractional byte value "1m" is invalid, must be an integer',
      'spec.containers[0].env[2]: hides previous definition of "A", which may be dropped when using apply',
      'spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1',
    ],
  ],
  [
    'ports',
    pod({
      containers: [
        {
          ...container,
          ports: [
            { containerPort: 80, protocol: 'TCP' },
            { containerPort: 80, protocol: 'TCP' },
            { containerPort: 90, protocol: 'TCP', hostIP: '1.2.3.4' },
          ],
        },
        {
          ...container,
          ports: [
            { containerPort: 80, protocol: 'TCP', hostPort: 8 },
            { containerPort: 80, protocol: 'TCP', hostPort: 8, hostIP: '1.2.3.4' },
          ],
        },
      ],
    }),
    [
      'spec.containers[0].ports[1]: duplicate port definition with spec.containers[0].ports[0]',
      'spec.containers[0].ports[2]: hostIP set without hostPort: {Name: HostPort:0 ContainerPort:90 Protocol:TCP HostIP:1.2.3.4}',
      'spec.containers[1].ports[0]: overlapping port definition with spec.containers[0].ports[0]',
      'spec.containers[1].ports[0]: overlapping port definition with spec.containers[0].ports[1]',
      'spec.containers[1].ports[1]: overlapping port definition with spec.containers[0].ports[0]',
      'spec.containers[1].ports[1]: overlapping port definition with spec.containers[0].ports[1]',
      'spec.containers[1].ports[1]: dangerously ambiguous port definition with spec.containers[1].ports[0]',
    ],
  ],
  [
    'a name',
    { ...pod({}), metadata: { name: 'a.b' } },
    [
      "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]",
    ],
  ],
])('a pod is warned of %s', (_, object, expected) => {
  expect(warningsOf('Pod', object)).toEqual(expected)
  expect(warningsOf('Pod', object, object)).toEqual([])
})

const template = pod({ terminationGracePeriodSeconds: -1 }, { 'container.apparmor.security.beta.kubernetes.io/c': 'unconfined' })
const ofTemplate = (path: string) => [
  `${path}.metadata.annotations[container.apparmor.security.beta.kubernetes.io/c]: deprecated since v1.30; use the "appArmorProfile" field instead`,
  `${path}.spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`,
]
const name =
  'metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]'

test.each<[string, object, readonly string[]]>([
  ['PodTemplate', { template }, ofTemplate('template')],
  ['ReplicationController', { spec: { template } }, [name, ...ofTemplate('spec.template')]],
  ['ReplicaSet', { spec: { template } }, [name, ...ofTemplate('spec.template')]],
  ['Deployment', { spec: { template } }, [name, ...ofTemplate('spec.template')]],
  ['DaemonSet', { spec: { template } }, ofTemplate('spec.template')],
  [
    'StatefulSet',
    { spec: { template, revisionHistoryLimit: -1 } },
    [
      ...ofTemplate('spec.template'),
      'spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended',
    ],
  ],
  ['Job', { spec: { template } }, [name, ...ofTemplate('spec.template')]],
  ['CronJob', { spec: { schedule: '', jobTemplate: { spec: { template } } } }, [name, ...ofTemplate('spec.jobTemplate.spec.template')]],
  [
    'Node',
    { spec: { externalID: 'x', configSource: {} } },
    ['spec.configSource: the feature is removed', 'spec.externalID: this field is deprecated, and is unused by Kubernetes'],
  ],
  [
    'ServiceAccount',
    { metadata: { name: 'a.b', annotations: { 'kubernetes.io/enforce-mountable-secrets': 'true' } } },
    [
      'metadata.annotations[kubernetes.io/enforce-mountable-secrets]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets',
    ],
  ],
])('%s: warnings of its template and its own', (kind, object, expected) => {
  expect(warningsOf(kind, { metadata: { name: 'a.b' }, ...object })).toEqual(expected)
})
