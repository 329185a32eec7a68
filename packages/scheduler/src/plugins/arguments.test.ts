import { service } from '@skiff/api'
import { given } from '@skiff/client'
import { describe, expect, test } from 'vitest'
import { enoughFeasible } from '../cycle/sampling.ts'
import { filtered, scored, still } from '../testing/decisions.ts'
import { nodeOf, podOf } from '../testing/objects.ts'
import { createBalancedAllocation } from './balanced-allocation.ts'
import { createInterPodAffinity } from './inter-pod-affinity.ts'
import { createNodeAffinity } from './node-affinity.ts'
import { createNodeResourcesFit } from './node-resources-fit.ts'
import { createPodTopologySpread } from './pod-topology-spread.ts'

const zone = 'topology.kubernetes.io/zone'
const inZone = (name: string, value: string) => nodeOf(name, { labels: { [zone]: value } })
const cpuAndMemory = [
  { name: 'cpu', weight: 1 },
  { name: 'memory', weight: 1 },
]

describe('NodeResourcesFit', () => {
  const quarter = podOf('p', { requests: { cpu: '1', memory: '2Gi' } })
  const fit = (type: string, resources = cpuAndMemory, shape?: { utilization: number; score: number }[]) =>
    createNodeResourcesFit({ scoringStrategy: { type, resources, ...(shape ? { requestedToCapacityRatio: { shape } } : {}) } })
  test('MostAllocated: the fuller the better', () => {
    const cluster = still([nodeOf('free'), nodeOf('half')], [podOf('x', { on: 'half', requests: { cpu: '2', memory: '4Gi' } })])
    expect(scored(cluster, fit('MostAllocated'), quarter)).toEqual({ free: 25, half: 75 })
  })
  test('weights of resources count', () => {
    const cluster = still([nodeOf('n')], [podOf('x', { on: 'n', requests: { cpu: '2' } })])
    const [cpu, memory] = [
      { name: 'cpu', weight: 3 },
      { name: 'memory', weight: 1 },
    ]
    // cpu 25 % left, memory (8 Gi less 200 MB assumed and 2 Gi) 72 %.
    expect(scored(cluster, fit('LeastAllocated', [cpu, memory]), quarter)).toEqual({ n: 36 })
  })
  test('RequestedToCapacityRatio: a line through points', () => {
    const shape = [
      { utilization: 0, score: 0 },
      { utilization: 50, score: 10 },
      { utilization: 100, score: 4 },
    ]
    const cluster = still([nodeOf('free'), nodeOf('half')], [podOf('x', { on: 'half', requests: { cpu: '2', memory: '4Gi' } })])
    // At 25 %: half way to 100; at 75 %: half way from 100 to 40.
    expect(scored(cluster, fit('RequestedToCapacityRatio', cpuAndMemory, shape), quarter)).toEqual({ free: 50, half: 70 })
  })
  test('devices count for pods that ask for them', () => {
    const gpu = { 'example.com/gpu': '4' }
    const resources = [{ name: 'example.com/gpu', weight: 5 }]
    const cluster = still([nodeOf('n', { allocatable: gpu })], [podOf('x', { on: 'n', requests: { 'example.com/gpu': '1' } })])
    expect(scored(cluster, fit('MostAllocated', resources), podOf('p', { requests: { 'example.com/gpu': '1' } }))).toEqual({ n: 50 })
    expect(scored(cluster, fit('MostAllocated', resources), quarter)).toEqual({ n: 0 })
  })
  test('resources that others look after are not filtered by', () => {
    const ignoring = createNodeResourcesFit({
      ...{ ignoredResources: ['example.com/gpu'], ignoredResourceGroups: ['other.com', 'kubernetes.io'] },
      scoringStrategy: { type: 'LeastAllocated', resources: cpuAndMemory },
    })
    const pod = (name: string) => podOf('p', { requests: { [name]: '1' } })
    const cluster = still([nodeOf('n')])
    expect(filtered(cluster, ignoring, pod('example.com/gpu'))).toEqual({ n: 'fits' })
    expect(filtered(cluster, ignoring, pod('other.com/any'))).toEqual({ n: 'fits' })
    expect(filtered(cluster, ignoring, pod('kubernetes.io/own'))).toEqual({ n: 'Insufficient kubernetes.io/own' })
    expect(filtered(cluster, ignoring, pod('example.com/fpga'))).toEqual({ n: 'Insufficient example.com/fpga' })
  })
})

test('NodeResourcesBalancedAllocation over two resources: half their distance, as upstream rounds it', () => {
  const plugin = createBalancedAllocation([
    { name: 'cpu', weight: 1 },
    { name: 'example.com/gpu', weight: 1 },
  ])
  const cluster = still([nodeOf('n', { allocatable: { cpu: '1', 'example.com/gpu': '10' } })])
  // 1 - |0.04 - 0.8| / 2 is 0.62.
  expect(scored(cluster, plugin, podOf('p', { requests: { cpu: '40m', 'example.com/gpu': '8' } }))).toEqual({ n: 62 })
})

test('NodeResourcesBalancedAllocation over three resources: the deviation of their shares', () => {
  const plugin = createBalancedAllocation([...cpuAndMemory, { name: 'example.com/gpu', weight: 1 }])
  const cluster = still([nodeOf('n', { allocatable: { 'example.com/gpu': '1' } })])
  // Shares 25 %, 25 % and 100 %: mean 50 %, deviation 35.4 %.
  expect(scored(cluster, plugin, podOf('p', { requests: { cpu: '1', memory: '2Gi', 'example.com/gpu': '1' } }))).toEqual({ n: 64 })
})

test('NodeAffinity: what the profile adds holds for every pod, with a reason of its own', () => {
  const zoneIs = (value: string) => ({ matchExpressions: [{ key: zone, operator: 'In' as const, values: [value] }] })
  const cluster = still([inZone('a', 'a'), inZone('b', 'b')])
  const required = createNodeAffinity({ requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [zoneIs('a')] } })
  expect(filtered(cluster, required, podOf('p'))).toEqual({ a: 'fits', b: "node(s) didn't match scheduler-enforced node affinity" })
  expect(filtered(cluster, required, podOf('p', { spec: { nodeSelector: { [zone]: 'b' } } }))).toEqual({
    a: "node(s) didn't match Pod's node affinity/selector",
    b: "node(s) didn't match scheduler-enforced node affinity",
  })
  const preferred = createNodeAffinity({ preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 5, preference: zoneIs('b') }] })
  expect(scored(cluster, preferred, podOf('p'))).toEqual({ a: 0, b: 100 })
})

test('InterPodAffinity: the weight of others who need the pod, and pods that want nothing left alone', () => {
  const labels = { app: 'web' }
  const term = { topologyKey: zone, labelSelector: { matchLabels: labels } }
  const needs = podOf('needs', { on: 'a', spec: { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } } })
  const cluster = still([inZone('a', 'a'), inZone('b', 'b')], [needs])
  const pod = podOf('p', { labels })
  expect(scored(cluster, createInterPodAffinity({ hardPodAffinityWeight: 10 }), pod)).toEqual({ a: 100, b: 0 })
  expect(scored(cluster, createInterPodAffinity({ hardPodAffinityWeight: 0 }), pod)).toBe('skip')
  const ignoring = createInterPodAffinity({ hardPodAffinityWeight: 1, ignorePreferredTermsOfExistingPods: true })
  expect(scored(cluster, ignoring, pod)).toBe('skip')
})

test('PodTopologySpread: a list of defaults filters and scores pods that somebody selects', () => {
  const labels = { app: 'web' }
  const plugin = createPodTopologySpread({
    defaultingType: 'List',
    defaultConstraints: [{ maxSkew: 1, topologyKey: zone, whenUnsatisfiable: 'DoNotSchedule' }],
  })
  const metadata = { name: 'web', namespace: 'a', uid: 'web', resourceVersion: '1', creationTimestamp: '' }
  const web = given(service, { apiVersion: 'v1', kind: 'Service', metadata, spec: { selector: labels } })
  const placed = [podOf('1', { on: 'a', labels })]
  const nodes = [inZone('a', 'a'), inZone('b', 'b')]
  expect(filtered(still(nodes, placed, [web]), plugin, podOf('p', { labels }))).toEqual({
    a: "node(s) didn't match pod topology spread constraints",
    b: 'fits',
  })
  expect(filtered(still(nodes, placed), plugin, podOf('p', { labels }))).toBe('skip')
})

test.each([
  [50, 0, 50],
  [1000, 0, 420],
  [5000, 0, 500],
  [10_000, 0, 500],
  [1000, 30, 300],
  [1000, 5, 100],
  [1000, 100, 1000],
])('of %i nodes, at %i %% (0: upstream own share), %i feasible ones are enough', (nodes, percentage, enough) => {
  expect(enoughFeasible(nodes, percentage)).toBe(enough)
})
