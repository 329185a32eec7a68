import type { Pod } from '@skiff/api'
import { rfc3339 } from '@skiff/machinery'
import { expect, test } from 'vitest'
import { leastUseful } from './rank.ts'

const nowMs = Date.UTC(2025, 0, 1)
interface Facts {
  readonly node?: string
  readonly phase?: string
  readonly readyAgoS?: number
  readonly createdAgoS?: number
  readonly cost?: string
  readonly restarts?: number
}
const makePod = (name: string, { node = 'n', phase = 'Running', readyAgoS, createdAgoS = 1_000, cost, restarts = 0 }: Facts): Pod =>
  ({
    metadata: {
      name,
      uid: name,
      creationTimestamp: rfc3339(nowMs - createdAgoS * 1_000),
      ...(cost !== undefined ? { annotations: { 'controller.kubernetes.io/pod-deletion-cost': cost } } : {}),
    },
    spec: { containers: [], ...(node ? { nodeName: node } : {}) },
    status: {
      phase,
      conditions:
        readyAgoS === undefined ? [] : [{ type: 'Ready', status: 'True', lastTransitionTime: rfc3339(nowMs - readyAgoS * 1_000) }],
      containerStatuses: [{ name: 'c', restartCount: restarts, ready: true, image: '', imageID: '' }],
    },
  }) as unknown as Pod

const order = (pods: Pod[], neighbours: Record<string, number> = {}): string[] =>
  leastUseful(pods, (pod) => neighbours[pod.spec.nodeName ?? ''] ?? 0, nowMs).map((pod) => pod.metadata.name)

test('of as many restarts, the one whose sidecar restarted more often goes first', () => {
  const withSidecar = (name: string, restartCount: number): Pod => {
    const pod = makePod(name, {})
    const initContainers = [{ name: 's', restartPolicy: 'Always' }, { name: 'i' }]
    const initContainerStatuses = [
      { name: 's', restartCount },
      { name: 'i', restartCount: 9 - restartCount },
    ]
    return { ...pod, spec: { ...pod.spec, initContainers }, status: { ...pod.status, initContainerStatuses } } as unknown as Pod
  }
  expect(order([withSidecar('a', 1), withSidecar('b', 2)])).toEqual(['b', 'a'])
})

// Each row: the first pod goes before the second, whichever way round they are given.
test.each<[string, Facts, Facts]>([
  ['without a node', { node: '' }, { phase: 'Pending' }],
  ['pending before running', { phase: 'Pending' }, {}],
  ['unknown before running', { phase: 'Unknown' }, {}],
  ['not ready before ready', {}, { readyAgoS: 10 }],
  ['the cheaper one', { cost: '-5', readyAgoS: 900 }, { readyAgoS: 10 }],
  ['a cost with a sign that is no minus counts as none', { cost: '+9', readyAgoS: 10 }, { cost: '5', readyAgoS: 900 }],
  ['a cost that is no canonical number counts as none', { cost: '0012', readyAgoS: 10 }, { cost: '5', readyAgoS: 900 }],
  ['ready for an order of magnitude less', { readyAgoS: 10 }, { readyAgoS: 500 }],
  ['restarted more often', { restarts: 4 }, { restarts: 1 }],
  ['created later', { createdAgoS: 10 }, { createdAgoS: 500 }],
])('first goes: %s', (_why, first, second) => {
  const pods = [makePod('a', first), makePod('b', second)]
  expect(order(pods)).toEqual(['a', 'b'])
  expect(order([...pods].reverse())).toEqual(['a', 'b'])
})

test('first goes: the one with more neighbours on its node, though it is ready for longer', () => {
  const pods = [makePod('a', { node: 'full', readyAgoS: 900 }), makePod('b', { node: 'empty', readyAgoS: 10 })]
  expect(order(pods, { full: 3, empty: 1 })).toEqual(['a', 'b'])
})

test('ages of the same magnitude fall back to the uid, so that not always the newest is lost', () => {
  expect(order([makePod('b', { readyAgoS: 100 }), makePod('a', { readyAgoS: 101 })])).toEqual(['a', 'b'])
})
