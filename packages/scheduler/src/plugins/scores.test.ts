import { replicaSet, service } from '@skiff/api'
import { given } from '@skiff/client'
import { expect, test } from 'vitest'
import { scored, still } from '../testing/decisions.ts'
import { nodeOf, podOf } from '../testing/objects.ts'
import { balancedAllocation } from './balanced-allocation.ts'
import { imageLocality } from './image-locality.ts'
import { interPodAffinity } from './inter-pod-affinity.ts'
import { nodeAffinity } from './node-affinity.ts'
import { nodeResourcesFit } from './node-resources-fit.ts'
import { podTopologySpread } from './pod-topology-spread.ts'
import { taintToleration } from './taint-toleration.ts'

const zone = 'topology.kubernetes.io/zone'
const inZone = (name: string, value: string) => nodeOf(name, { labels: { [zone]: value } })
const meta = (name: string) => ({ name, namespace: 'a', uid: name, resourceVersion: '1', creationTimestamp: '' })

test('LeastAllocated: the mean of what is left of cpu and memory', () => {
  const cluster = still([nodeOf('free'), nodeOf('half')], [podOf('x', { on: 'half', requests: { cpu: '2', memory: '4Gi' } })])
  // (4000 - 1000) / 4000 = 75 and (8 - 2) / 8 = 75; with 2 CPU and 4 GiB taken, 25 and 25.
  expect(scored(cluster, nodeResourcesFit, podOf('p', { requests: { cpu: '1', memory: '2Gi' } }))).toEqual({ free: 75, half: 25 })
})
test('LeastAllocated: a container that asks for nothing counts as 100m and 200 MB', () => {
  const cluster = still([nodeOf('n', { allocatable: { cpu: '1', memory: '2000Mi' } })])
  expect(scored(cluster, nodeResourcesFit, podOf('p'))).toEqual({ n: 90 })
})
test('BalancedAllocation: equal shares score best; a pod that asks for nothing is left out', () => {
  const cluster = still([nodeOf('even'), nodeOf('odd')], [podOf('x', { on: 'odd', requests: { cpu: '2' } })])
  // Shares 25 % and 25 %; 75 % and 25 %, whose deviation is 25 %.
  expect(scored(cluster, balancedAllocation, podOf('p', { requests: { cpu: '1', memory: '2Gi' } }))).toEqual({ even: 100, odd: 75 })
  expect(scored(cluster, balancedAllocation, podOf('p'))).toBe('skip')
})
test('TaintToleration: fewer soft taints score better', () => {
  const soft = (key: string) => ({ key, effect: 'PreferNoSchedule' as const })
  const cluster = still([
    nodeOf('none'),
    nodeOf('one', { spec: { taints: [soft('a')] } }),
    nodeOf('two', { spec: { taints: [soft('a'), soft('b')] } }),
  ])
  expect(scored(cluster, taintToleration, podOf('p'))).toEqual({ none: 100, one: 50, two: 0 })
})
test('NodeAffinity: weights of what is preferred, the highest sum becomes 100', () => {
  const preferred = (weight: number, key: string) => ({ weight, preference: { matchExpressions: [{ key, operator: 'Exists' as const }] } })
  const nodeAffinityTerms = { preferredDuringSchedulingIgnoredDuringExecution: [preferred(30, 'x'), preferred(10, 'y')] }
  const cluster = still([nodeOf('both', { labels: { x: '', y: '' } }), nodeOf('y', { labels: { y: '' } }), nodeOf('none')])
  expect(scored(cluster, nodeAffinity, podOf('p', { spec: { affinity: { nodeAffinity: nodeAffinityTerms } } }))).toEqual({
    both: 100,
    y: 25,
    none: 0,
  })
})
test('ImageLocality: by size, less for an image that few nodes hold; a name without tag means latest', () => {
  const images = [{ names: ['web:latest'], sizeBytes: 1046 * 1024 * 1024 }]
  const cluster = still([nodeOf('has', { images }), nodeOf('lacks')])
  // Half of the nodes hold it: (523 - 23) / (1000 - 23).
  expect(scored(cluster, imageLocality, podOf('p', { image: 'web' }))).toEqual({ has: 51, lacks: 0 })
  expect(scored(cluster, imageLocality, podOf('p', { image: 'other' }))).toBe('skip')
})
test('PodTopologySpread: the emptier zone scores better; nodes without the label nothing', () => {
  const labels = { app: 'web' }
  const cluster = still(
    [inZone('a1', 'a'), inZone('b1', 'b'), nodeOf('bare')],
    [podOf('1', { on: 'a1', labels }), podOf('2', { on: 'a1', labels })],
  )
  const constraint = { maxSkew: 1, topologyKey: zone, whenUnsatisfiable: 'ScheduleAnyway' as const, labelSelector: { matchLabels: labels } }
  expect(scored(cluster, podTopologySpread, podOf('p', { labels, spec: { topologySpreadConstraints: [constraint] } }))).toEqual({
    a1: 0,
    b1: 100,
    bare: 0,
  })
})
test('PodTopologySpread: pods of a Service or a ReplicaSet spread by default', () => {
  const labels = { app: 'web' }
  const placed = [podOf('1', { on: 'a1', labels })]
  const nodes = [inZone('a1', 'a'), inZone('b1', 'b')]
  expect(scored(still(nodes, placed), podTopologySpread, podOf('p', { labels }))).toBe('skip')
  const web = given(service, { apiVersion: 'v1', kind: 'Service', metadata: meta('web'), spec: { selector: labels } })
  // Host: 1 * ln(4) + 2, zone: 1 * ln(4) + 4, rounded 9; the empty one 6: 100 * (9 + 6 - 9) / 9.
  expect(scored(still(nodes, placed, [web]), podTopologySpread, podOf('p', { labels }))).toEqual({ a1: 66, b1: 100 })
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'rs', uid: 'rs', controller: true }
  const rs = given(replicaSet, {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: meta('rs'),
    spec: { selector: { matchLabels: labels } },
  })
  const owned = podOf('p', { labels, metadata: { ownerReferences: [owner] } })
  expect(scored(still(nodes, placed, [rs]), podTopologySpread, owned)).toEqual({ a1: 66, b1: 100 })
})
test('PodTopologySpread: nodes without a zone weigh as a domain more, where the cluster has defaults', () => {
  const labels = { app: 'web' }
  const web = given(service, { apiVersion: 'v1', kind: 'Service', metadata: meta('web'), spec: { selector: labels } })
  const placed = ['1', '2', '3'].map((name) => podOf(name, { on: 'a1', labels }))
  // Host: 3 * ln(5) + 2, zone: 3 * ln(5) + 4, together 16; the empty ones 6 and 2.
  const cluster = still([inZone('a1', 'a'), inZone('b1', 'b'), nodeOf('bare')], placed, [web])
  expect(scored(cluster, podTopologySpread, podOf('p', { labels }))).toEqual({ a1: 12, b1: 75, bare: 100 })
})
test('InterPodAffinity: preferences of the pod and of those already there', () => {
  const weighted = (weight: number, app: string) => ({
    weight,
    podAffinityTerm: { topologyKey: zone, labelSelector: { matchLabels: { app } } },
  })
  const preferring = (kind: 'podAffinity' | 'podAntiAffinity', ...terms: ReturnType<typeof weighted>[]) => ({
    affinity: { [kind]: { preferredDuringSchedulingIgnoredDuringExecution: terms } },
  })
  const nodes = [inZone('a1', 'a'), inZone('b1', 'b'), inZone('c1', 'c')]
  const db = podOf('db', { on: 'a1', labels: { app: 'db' } })
  const shy = podOf('shy', { on: 'b1', spec: preferring('podAntiAffinity', weighted(10, 'web')) })
  const web = podOf('p', { labels: { app: 'web' }, spec: preferring('podAffinity', weighted(30, 'db')) })
  // a: 30, b: -10, c: 0, stretched to 0..100.
  expect(scored(still(nodes, [db, shy]), interPodAffinity, web)).toEqual({ a1: 100, b1: 0, c1: 25 })
  expect(scored(still(nodes, [db]), interPodAffinity, podOf('plain'))).toBe('skip')
  // As upstream's floating point has it: 100 * (29 / 100) is a little less than 29.
  const both = podOf('p', { spec: preferring('podAffinity', weighted(29, 'db'), weighted(100, 'x')) })
  expect(scored(still(nodes, [db, podOf('x', { on: 'b1', labels: { app: 'x' } })]), interPodAffinity, both)).toEqual({
    a1: 28,
    b1: 100,
    c1: 0,
  })
})
