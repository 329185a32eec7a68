import type { Pod } from '@skiff/api'
import { expect, test } from 'vitest'
import { podInfoOf } from '../snapshot/pod-info.ts'
import { createSnapshot } from '../snapshot/snapshot.ts'
import { nodeOf, podOf } from '../testing/objects.ts'
import { createAssumed } from './assumed.ts'

const boundTo = (pod: Pod, nodeName: string): Pod => ({ ...pod, spec: { ...pod.spec, nodeName } })
const setup = () => {
  const snapshot = createSnapshot()
  for (const name of ['a', 'b']) snapshot.setNode(nodeOf(name))
  const assumed = createAssumed(snapshot)
  const pod = podOf('p', { requests: { cpu: '1' }, labels: { app: 'web' } })
  assumed.assume(podInfoOf(pod), 'a')
  const used = () => snapshot.columns.column('cpu').used[snapshot.named('a')?.slot as number]
  return { snapshot, assumed, pod, used }
}

test('a pod that is bound as was assumed stays on its node under its new object', () => {
  const { snapshot, assumed, pod, used } = setup()
  const before = snapshot.changedAt(snapshot.named('a')?.slot as number)
  const bound = boundTo(pod, 'a')
  const info = assumed.confirm(bound, 'a')
  expect(info?.pod).toBe(bound)
  expect([...(snapshot.named('a')?.pods.values() ?? [])]).toEqual([info])
  expect([used(), assumed.size]).toEqual([1000, 0])
  // Findings on the node that hold the old object are void.
  expect(snapshot.changedAt(snapshot.named('a')?.slot as number)).toBeGreaterThan(before)
  snapshot.removePod(info as never, 'a')
  expect(used()).toBe(0)
})

test.each<[string, (pod: Pod) => Pod, string]>([
  ['is on another node', (pod) => boundTo(pod, 'b'), 'b'],
  ['has other labels', (pod) => boundTo({ ...pod, metadata: { ...pod.metadata, labels: { app: 'db' } } }, 'a'), 'a'],
  ['terminates', (pod) => boundTo({ ...pod, metadata: { ...pod.metadata, deletionTimestamp: '2025-01-01T00:00:00Z' } }, 'a'), 'a'],
  ['asks for something else', (pod) => boundTo({ ...pod, spec: { ...pod.spec, containers: [...pod.spec.containers] } }, 'a'), 'a'],
  ['lost a member', ({ spec: { containers, nodeName: _ }, ...pod }) => boundTo({ ...pod, spec: { containers } }, 'a'), 'a'],
])('a pod that %s is not what was assumed', (_what, change, nodeName) => {
  const { assumed, pod } = setup()
  expect(assumed.confirm(change(pod), nodeName)).toBeUndefined()
  expect(assumed.size).toBe(1)
})
