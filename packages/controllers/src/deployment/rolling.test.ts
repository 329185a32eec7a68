import type { Deployment, ReplicaSet } from '@skiff/api'
import { expect, test } from 'vitest'
import { roll } from './rolling.ts'

const setOf = (name: string, replicas: number, availableReplicas: number) =>
  ({
    metadata: { name, uid: name, creationTimestamp: '2026-01-01T00:00:00Z', annotations: {} },
    spec: { replicas },
    status: { replicas: availableReplicas, availableReplicas },
  }) as unknown as ReplicaSet
const deployment = {
  metadata: { name: 'web' },
  spec: { replicas: 6, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } } },
} as unknown as Deployment
const sizes = (oldSets: readonly ReplicaSet[]) =>
  roll({ deployment, newSet: setOf('new', 3, 0), oldSets }).oldSets.map(({ spec }) => spec.replicas)

test('old pods that serve nobody go first, then as many as may be unavailable', () => {
  expect(sizes([setOf('a', 5, 5), setOf('b', 1, 0)])).toEqual([4, 0])
})

test('a set whose status is of before its last resize gives no pods away', () => {
  expect(sizes([setOf('a', 5, 11), setOf('b', 1, 0)])).toEqual([5, 0])
})
