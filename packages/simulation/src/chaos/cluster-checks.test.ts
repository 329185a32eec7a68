import { expect, test } from 'vitest'
import { clusterChecks } from './cluster-checks.ts'
import type { ClusterState } from './cluster-state.ts'

const nothing = { namespaces: [], deployments: [], replicaSets: [], statefulSets: [], daemonSets: [], jobs: [], cronJobs: [], quotas: [] }
const told = (state: object) => {
  const empty = { ...nothing, pods: [], nodes: [], services: [], endpoints: [], slices: [], claims: [], volumes: [], budgets: [] }
  return clusterChecks.flatMap((check) => check({ ...empty, podsOf: () => [], ...state } as unknown as ClusterState))
}
const metadata = (name: string, more: object = {}) => ({ namespace: 'a', name, uid: name, ...more })
const onNode = (name: string, more: object = {}) => ({ metadata: metadata(name), spec: { nodeName: 'n', containers: [], ...more } })
const node = {
  metadata: { name: 'n' },
  spec: {},
  status: { allocatable: { cpu: '1', pods: '9' }, conditions: [{ type: 'Ready', status: 'True' }] },
}

test('pods that should not be where they are in the end are told of', () => {
  const asking = { containers: [{ name: 'c', resources: { requests: { cpu: '600m' } }, ports: [{ containerPort: 1, hostPort: 1 }] }] }
  expect(told({ nodes: [node], pods: [onNode('p', asking)] })).toEqual([])
  expect(
    told({ nodes: [node], pods: [onNode('p', asking), onNode('q', asking), onNode('r', { nodeSelector: { disk: 'fast' } })] }),
  ).toEqual([
    'pod a/p is on n against: cpu',
    'pod a/p is on n against: host port',
    'pod a/q is on n against: cpu',
    'pod a/q is on n against: host port',
    'pod a/r is on n against: node selector or affinity',
  ])
})

test('nodes that are ill, pods without a node, what lingers and budgets that are behind are told of', () => {
  const ill = { ...node, spec: { taints: [{ key: 'k', effect: 'NoSchedule' }] }, status: {} }
  const waiting = {
    kind: 'Pod',
    metadata: metadata('p', { deletionTimestamp: 'then', finalizers: ['f'], labels: { app: 'web' } }),
    spec: {},
  }
  const budget = {
    metadata: metadata('web'),
    spec: { minAvailable: 1, selector: { matchLabels: { app: 'web' } } },
    status: { currentHealthy: 1 },
  }
  expect(told({ nodes: [ill], pods: [waiting], budgets: [budget] })).toEqual([
    'Pod a/p is on its way out, held by f',
    'node n is not ready',
    'node n has taints: k:NoSchedule',
    'pod a/p waits for a node',
    'budget a/web: observedGeneration is 0 and not undefined',
    'budget a/web: currentHealthy is 1 and not 0',
  ])
})
