import { namespace, type PodSpec, persistentVolume, persistentVolumeClaim, storageClass } from '@skiff/api'
import { fixedViews, given } from '@skiff/client'
import { describe, expect, test } from 'vitest'
import { podInfoOf } from '../snapshot/pod-info.ts'
import { decided, filtered, still } from '../testing/decisions.ts'
import { nodeOf, podOf } from '../testing/objects.ts'
import { interPodAffinity } from './inter-pod-affinity.ts'
import { nodeAffinity } from './node-affinity.ts'
import { nodePorts } from './node-ports.ts'
import { nodeResourcesFit } from './node-resources-fit.ts'
import { nodeUnschedulable } from './node-unschedulable.ts'
import { podTopologySpread } from './pod-topology-spread.ts'
import { taintToleration } from './taint-toleration.ts'
import { createVolumeBinding } from './volume-binding.ts'
import { volumeRestrictions } from './volume-restrictions.ts'
import { volumeZone } from './volume-zone.ts'

const zone = 'topology.kubernetes.io/zone'
const inZone = (name: string, value: string) => nodeOf(name, { labels: { [zone]: value } })

describe('NodeResourcesFit', () => {
  test('names all that a node lacks, the pod limit first', () => {
    const cluster = still(
      [
        nodeOf('free'),
        nodeOf('busy'),
        nodeOf('full', { allocatable: { pods: '1' } }),
        nodeOf('tiny', { allocatable: { cpu: '1', memory: '1Gi' } }),
      ],
      [podOf('x', { on: 'busy', requests: { cpu: '3' } }), podOf('y', { on: 'full' })],
    )
    expect(filtered(cluster, nodeResourcesFit, podOf('p', { requests: { cpu: '1500m', memory: '2Gi' } }))).toEqual({
      free: 'fits',
      busy: 'Insufficient cpu',
      full: 'Too many pods',
      tiny: 'Insufficient cpu,Insufficient memory',
    })
  })
  test('extended resources count like any other', () => {
    const cluster = still([nodeOf('gpu', { allocatable: { 'example.com/gpu': '1' } }), nodeOf('plain')])
    expect(filtered(cluster, nodeResourcesFit, podOf('p', { requests: { 'example.com/gpu': '1' } }))).toEqual({
      gpu: 'fits',
      plain: 'Insufficient example.com/gpu',
    })
  })
})

test('NodeUnschedulable: only who tolerates a cordon goes to a cordoned node', () => {
  const cluster = still([nodeOf('open'), nodeOf('closed', { spec: { unschedulable: true } })])
  expect(filtered(cluster, nodeUnschedulable, podOf('p'))).toEqual({ open: 'fits', closed: 'node(s) were unschedulable' })
  const tolerations = [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists' as const }]
  expect(filtered(cluster, nodeUnschedulable, podOf('p', { spec: { tolerations } }))).toBe('skip')
})

test('TaintToleration: the first taint not tolerated is named', () => {
  const cluster = still([
    nodeOf('hard', {
      spec: {
        taints: [
          { key: 'team', value: 'red', effect: 'NoSchedule' },
          { key: 'gone', effect: 'NoExecute' },
        ],
      },
    }),
    nodeOf('bare', { spec: { taints: [{ key: 'gone', effect: 'NoExecute' }] } }),
    nodeOf('soft', { spec: { taints: [{ key: 'team', value: 'red', effect: 'PreferNoSchedule' }] } }),
  ])
  expect(filtered(cluster, taintToleration, podOf('p'))).toEqual({
    hard: 'node(s) had untolerated taint {team: red}',
    bare: 'node(s) had untolerated taint {gone: }',
    soft: 'fits',
  })
  const tolerations = [{ key: 'team', value: 'red', effect: 'NoSchedule' as const }]
  expect(filtered(cluster, taintToleration, podOf('p', { spec: { tolerations } }))).toMatchObject({
    hard: 'node(s) had untolerated taint {gone: }',
  })
  expect(filtered(cluster, taintToleration, podOf('p', { spec: { tolerations: [{ operator: 'Exists' }] } }))).toMatchObject({
    hard: 'fits',
  })
})

const requiring = (
  ...matchExpressions: readonly { key: string; operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt'; values?: string[] }[]
): Partial<PodSpec> => ({
  affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions }] } } },
})
describe('NodeAffinity', () => {
  const cluster = still([
    nodeOf('ssd', { labels: { disk: 'ssd', size: '10' } }),
    nodeOf('hdd', { labels: { disk: 'hdd', size: '3' } }),
    nodeOf('none'),
  ])
  const no = "node(s) didn't match Pod's node affinity/selector"
  test.each([
    ['In', requiring({ key: 'disk', operator: 'In', values: ['ssd'] }), ['ssd']],
    ['NotIn takes nodes without the label', requiring({ key: 'disk', operator: 'NotIn', values: ['ssd'] }), ['hdd', 'none']],
    ['Exists', requiring({ key: 'disk', operator: 'Exists' }), ['ssd', 'hdd']],
    ['DoesNotExist', requiring({ key: 'disk', operator: 'DoesNotExist' }), ['none']],
    ['Gt', requiring({ key: 'size', operator: 'Gt', values: ['3'] }), ['ssd']],
    ['Lt', requiring({ key: 'size', operator: 'Lt', values: ['4'] }), ['hdd']],
    ['nodeSelector', { nodeSelector: { disk: 'hdd' } }, ['hdd']],
    ['an empty term matches nothing', requiring(), []],
  ] as [string, Partial<PodSpec>, string[]][])('%s', (_name, spec, fits) => {
    const expected = Object.fromEntries(['ssd', 'hdd', 'none'].map((name) => [name, fits.includes(name) ? 'fits' : no]))
    expect(filtered(cluster, nodeAffinity, podOf('p', { spec }))).toEqual(expected)
  })
  test('a pod that names its node by field leaves the others out', () => {
    const terms = [{ matchFields: [{ key: 'metadata.name', operator: 'In' as const, values: ['gone'] }] }]
    const spec = { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } } } }
    expect(decided(cluster, podOf('p', { spec }))).toBe("0/3 nodes are available: 3 node(s) didn't satisfy plugin(s) [NodeAffinity].")
  })
})

test('NodePorts: one port of the host, one pod; addresses apart are no conflict unless one is all of them', () => {
  const port = (hostPort: number, hostIP?: string) => ({
    spec: { containers: [{ name: 'c', ports: [{ containerPort: 80, hostPort, ...(hostIP ? { hostIP } : {}) }] }] },
  })
  const cluster = still(
    [nodeOf('all'), nodeOf('one')],
    [podOf('x', { on: 'all', ...port(80) }), podOf('y', { on: 'one', ...port(80, '10.0.0.1') })],
  )
  const no = "node(s) didn't have free ports for the requested pod ports"
  expect(filtered(cluster, nodePorts, podOf('p', port(80)))).toEqual({ all: no, one: no })
  expect(filtered(cluster, nodePorts, podOf('p', port(80, '10.0.0.2')))).toEqual({ all: no, one: 'fits' })
  expect(filtered(cluster, nodePorts, podOf('p', port(81)))).toEqual({ all: 'fits', one: 'fits' })
})

describe('PodTopologySpread', () => {
  const labels = { app: 'web' }
  const spread = (maxSkew: number, extra = {}) => ({
    labels,
    spec: {
      topologySpreadConstraints: [
        { maxSkew, topologyKey: zone, whenUnsatisfiable: 'DoNotSchedule' as const, labelSelector: { matchLabels: labels }, ...extra },
      ],
    },
  })
  const no = "node(s) didn't match pod topology spread constraints"
  const nodes = [inZone('a1', 'a'), inZone('a2', 'a'), inZone('b1', 'b'), nodeOf('bare')]
  test('skew counts over zones; a node without the label is out', () => {
    const cluster = still(nodes, [podOf('1', { on: 'a1', labels }), podOf('2', { on: 'a1', labels: { app: 'other' } })])
    expect(filtered(cluster, podTopologySpread, podOf('p', spread(1)))).toEqual({
      a1: no,
      a2: no,
      b1: 'fits',
      bare: `${no} (missing required label)`,
    })
    expect(filtered(cluster, podTopologySpread, podOf('p', spread(2)))).toMatchObject({ a1: 'fits', a2: 'fits', b1: 'fits' })
  })
  test('too few domains count as an empty one', () => {
    const cluster = still(nodes, [podOf('1', { on: 'a1', labels }), podOf('2', { on: 'b1', labels })])
    expect(filtered(cluster, podTopologySpread, podOf('p', spread(1)))).toMatchObject({ a1: 'fits', b1: 'fits' })
    expect(filtered(cluster, podTopologySpread, podOf('p', spread(1, { minDomains: 3 })))).toMatchObject({ a1: no, b1: no })
  })
  test('nodes that the pod cannot use hold no domain', () => {
    const cluster = still([inZone('a1', 'a'), nodeOf('b1', { labels: { [zone]: 'b', off: 'yes' } })], [podOf('1', { on: 'a1', labels })])
    const pod = podOf('p', { ...spread(1), spec: { ...spread(1).spec, ...requiring({ key: 'off', operator: 'DoesNotExist' }) } })
    expect(filtered(cluster, podTopologySpread, pod)).toMatchObject({ a1: 'fits' })
  })
  test('terminating pods and other namespaces do not count', () => {
    const leaving = podOf('1', { on: 'a1', labels, metadata: { deletionTimestamp: '2025-01-01T00:00:00Z' } })
    const cluster = still(nodes, [leaving, podOf('2', { on: 'a1', labels, namespace: 'b' })])
    expect(filtered(cluster, podTopologySpread, podOf('p', spread(1)))).toMatchObject({ a1: 'fits' })
  })
})

describe('InterPodAffinity', () => {
  const nodes = [inZone('a1', 'a'), inZone('a2', 'a'), inZone('b1', 'b')]
  const term = (app: string, topologyKey = zone, extra = {}) => ({ labelSelector: { matchLabels: { app } }, topologyKey, ...extra })
  const near = (...terms: ReturnType<typeof term>[]) => ({
    affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } },
  })
  const apart = (...terms: ReturnType<typeof term>[]) => ({
    affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } },
  })
  const noFriends = "node(s) didn't match pod affinity rules"
  const hasFoes = "node(s) didn't match pod anti-affinity rules"
  const isFoe = "node(s) didn't satisfy existing pods anti-affinity rules"

  test('required affinity follows the zone of its match', () => {
    const cluster = still(nodes, [podOf('db', { on: 'a1', labels: { app: 'db' } })])
    expect(filtered(cluster, interPodAffinity, podOf('p', { spec: near(term('db')) }))).toEqual({ a1: 'fits', a2: 'fits', b1: noFriends })
  })
  test('the first pod of a group that wants its own kind may go anywhere', () => {
    const cluster = still(nodes)
    expect(filtered(cluster, interPodAffinity, podOf('p', { labels: { app: 'web' }, spec: near(term('web')) }))).toMatchObject({
      a1: 'fits',
    })
    expect(filtered(cluster, interPodAffinity, podOf('p', { spec: near(term('web')) }))).toMatchObject({ a1: noFriends })
  })
  test('required anti-affinity holds both ways', () => {
    const cluster = still(nodes, [podOf('db', { on: 'a1', labels: { app: 'db' }, spec: apart(term('web', 'kubernetes.io/hostname')) })])
    expect(filtered(cluster, interPodAffinity, podOf('p', { labels: { app: 'web' } }))).toEqual({ a1: isFoe, a2: 'fits', b1: 'fits' })
    expect(filtered(cluster, interPodAffinity, podOf('p', { spec: apart(term('db')) }))).toEqual({ a1: hasFoes, a2: hasFoes, b1: 'fits' })
  })
  test('other namespaces count when named or selected', () => {
    const other = {
      apiVersion: 'v1',
      kind: 'Namespace',
      spec: {},
      metadata: { name: 'b', uid: 'b', resourceVersion: '1', creationTimestamp: '', labels: { team: 'red' } },
    }
    const cluster = still(nodes, [podOf('db', { namespace: 'b', on: 'a1', labels: { app: 'db' } })], [given(namespace, other)])
    const at = (extra: object) => filtered(cluster, interPodAffinity, podOf('p', { spec: near(term('db', zone, extra)) }))
    expect(at({})).toMatchObject({ a1: noFriends })
    expect(at({ namespaces: ['b'] })).toMatchObject({ a1: 'fits' })
    expect(at({ namespaceSelector: { matchLabels: { team: 'red' } } })).toMatchObject({ a1: 'fits' })
    expect(at({ namespaceSelector: { matchLabels: { team: 'blue' } } })).toMatchObject({ a1: noFriends })
    expect(at({ namespaceSelector: {} })).toMatchObject({ a1: 'fits' })
  })
  test('labels of namespaces that change and change back do not spoil what is counted', () => {
    const views = fixedViews()
    const label = (team: string) => {
      const metadata = { name: 'b', uid: 'b', resourceVersion: '1', creationTimestamp: '', labels: { team } }
      const view = views.view(namespace) as unknown as { set(key: string, object: object): void }
      view.set('b', { apiVersion: 'v1', kind: 'Namespace', spec: {}, metadata })
    }
    const there = [podOf('db1', { namespace: 'b', on: 'a1', labels: { app: 'db' } })]
    const cluster = still(nodes, there, [], { views })
    const wanting = podOf('p', { spec: near(term('db', zone, { namespaceSelector: { matchLabels: { team: 'red' } } })) })
    const at = (team: string) => {
      label(team)
      return filtered(cluster, interPodAffinity, wanting)
    }
    expect(at('red')).toMatchObject({ b1: noFriends })
    label('blue')
    cluster.cluster.snapshot.addPod(podInfoOf(podOf('db2', { namespace: 'b', on: 'b1', labels: { app: 'db' } })), 'b1')
    expect(at('red')).toMatchObject({ b1: 'fits' })
  })
})

describe('VolumeBinding', () => {
  const clusterMeta = (name: string) => ({ name, uid: name, resourceVersion: '1', creationTimestamp: '' })
  const meta = (name: string) => ({ ...clusterMeta(name), namespace: 'a' })
  const claim = (spec: object, status: object = { phase: 'Pending' }) =>
    given(persistentVolumeClaim, {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: meta('data'),
      spec: { accessModes: ['ReadWriteOnce'], ...spec },
      status,
    })
  const volume = (spec: object) =>
    given(persistentVolume, {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: clusterMeta('pv'),
      spec: {
        accessModes: ['ReadWriteOnce'],
        nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: zone, operator: 'In' as const, values: ['a'] }] }] } },
        ...spec,
      },
      status: { phase: 'Available' },
    })
  const storage = (spec: object) =>
    given(storageClass, {
      apiVersion: 'v1',
      kind: 'StorageClass',
      metadata: clusterMeta('local'),
      provisioner: 'kubernetes.io/no-provisioner',
      ...spec,
    })
  const pod = podOf('p', { spec: { volumes: [{ name: 'd', persistentVolumeClaim: { claimName: 'data' } }] } })
  const nodes = [inZone('a1', 'a'), inZone('b1', 'b')]

  const volumeBinding = createVolumeBinding(async () => {})
  test('a claim that is not there', () => {
    expect(decided(still(nodes), pod)).toBe('0/2 nodes are available: persistentvolumeclaim "data" not found.')
  })
  test('an unbound claim of a class that binds at once', () => {
    expect(decided(still(nodes, [], [claim({})]), pod)).toBe('0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims.')
  })
  test('a bound volume keeps to its nodes', () => {
    const cluster = still(nodes, [], [claim({ volumeName: 'pv' }, { phase: 'Bound' }), { ...volume({}) }])
    expect(filtered(cluster, volumeBinding, pod)).toEqual({ a1: 'fits', b1: 'node(s) had volume node affinity conflict' })
  })
  test('a claim that waits takes a node with a free volume, or any that its provisioner serves', () => {
    const waiting = claim({ storageClassName: 'local' })
    const mode = { volumeBindingMode: 'WaitForFirstConsumer' as const }
    const local = still(nodes, [], [waiting, storage(mode), volume({ storageClassName: 'local' })])
    expect(filtered(local, volumeBinding, pod)).toEqual({ a1: 'fits', b1: "node(s) didn't find available persistent volumes to bind" })
    const made = still(nodes, [], [waiting, storage({ ...mode, provisioner: 'example.com/disk' })])
    expect(filtered(made, volumeBinding, pod)).toEqual({ a1: 'fits', b1: 'fits' })
  })
})

describe('VolumeRestrictions and VolumeZone', () => {
  const metadata = { name: 'data', namespace: 'a', uid: 'data', resourceVersion: '1', creationTimestamp: '' }
  const claim = (accessModes: readonly 'ReadWriteOncePod'[]) =>
    given(persistentVolumeClaim, { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata, spec: { accessModes, volumeName: 'pv' } })
  const spec = { volumes: [{ name: 'd', persistentVolumeClaim: { claimName: 'data' } }] }
  test('a claim for one pod is not shared', () => {
    const nodes = [nodeOf('n')]
    const text = 'node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode'
    const used = still(nodes, [podOf('x', { on: 'n', spec })], [claim(['ReadWriteOncePod'])])
    expect(filtered(used, volumeRestrictions, podOf('p', { spec }))).toEqual({ n: text })
    const free = still(nodes, [podOf('x', { on: 'n', namespace: 'b', spec })], [claim(['ReadWriteOncePod'])])
    expect(filtered(free, volumeRestrictions, podOf('p', { spec }))).toEqual({ n: 'fits' })
  })
  test('a volume labelled with zones keeps to them', () => {
    const { namespace: _namespace, ...cluster } = metadata
    const elsewhere = 'node(s) had no available volume zone'
    const labelled = (labels: Record<string, string>) =>
      given(persistentVolume, {
        apiVersion: 'v1',
        kind: 'PersistentVolume',
        metadata: { ...cluster, name: 'pv', labels },
        spec: {},
      })
    const oldZone = 'failure-domain.beta.kubernetes.io/zone'
    const nodes = [inZone('a1', 'a'), inZone('c1', 'c'), nodeOf('old', { labels: { [oldZone]: 'b' } }), nodeOf('none')]
    const said = (labels: Record<string, string>) =>
      filtered(still(nodes, [], [claim([]), labelled(labels)]), volumeZone, podOf('p', { spec }))
    // As upstream: a volume's label of old is looked for under today's name too, not the other way round.
    expect(said({ [zone]: 'a__b' })).toEqual({ a1: 'fits', c1: elsewhere, old: elsewhere, none: 'fits' })
    expect(said({ [oldZone]: 'a__b' })).toEqual({ a1: 'fits', c1: elsewhere, old: 'fits', none: 'fits' })
    expect(said({ [zone]: 'a__' })).toBe('skip')
  })
})

test('reasons are counted over nodes and sorted as text', () => {
  const taints = [{ key: 'k', value: 'v', effect: 'NoSchedule' as const }]
  const cluster = still([nodeOf('a', { spec: { taints } }), nodeOf('b', { spec: { taints } }), nodeOf('c')])
  expect(decided(cluster, podOf('p', { requests: { cpu: '5' } }))).toBe(
    '0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint {k: v}.',
  )
})
