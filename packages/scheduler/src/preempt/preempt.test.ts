import { persistentVolume, persistentVolumeClaim, podDisruptionBudget } from '@skiff/api'
import { type Given, given } from '@skiff/client'
import { expect, test } from 'vitest'
import { fitErrorText } from '../cycle/fit-error.ts'
import type { Diagnosis } from '../cycle/framework.ts'
import { podInfoOf } from '../snapshot/pod-info.ts'
import { still } from '../testing/decisions.ts'
import { nodeOf, type PodOptions, podOf } from '../testing/objects.ts'
import { createPreempt } from './preempt.ts'

const cpu = (amount: string) => ({ requests: { cpu: amount } })
/** Lets `pod` try: the node and the victims, or the whole text. */
const attempted = (
  nodes: Parameters<typeof still>[0],
  placed: Parameters<typeof still>[1],
  pod: PodOptions,
  others: readonly Given[] = [],
) => {
  const { cluster, decider, nominations } = still(nodes, placed, others)
  const preempt = createPreempt({
    cluster,
    nominations,
    trial: decider.trial,
    args: { minCandidateNodesPercentage: 10, minCandidateNodesAbsolute: 100 },
  })
  const info = podInfoOf(podOf('p', { priority: 100, ...pod }))
  const before = JSON.stringify([...cluster.snapshot.columns.all()].map(([name, { used }]) => [name, ...used]))
  const decision = decider.decide(info)
  if ('placed' in decision) return decision.placed.name
  const attempt = preempt(info, decision.refused)
  if (attempt instanceof Promise) throw new Error('nobody else has a say')
  expect(JSON.stringify([...cluster.snapshot.columns.all()].map(([name, { used }]) => [name, ...used]))).toBe(before)
  if (!attempt.victims) return fitErrorText(decision.refused, attempt.text)
  return { node: attempt.nominate, victims: attempt.victims.map((victim) => victim.pod.metadata.name) }
}

test('only as many pods go as need to, the least important first', () => {
  const placed = [
    podOf('low', { on: 'n', priority: 1, ...cpu('1') }),
    podOf('lower', { on: 'n', priority: 0, ...cpu('2') }),
    podOf('equal', { on: 'n', priority: 100, ...cpu('1') }),
  ]
  expect(attempted([nodeOf('n')], placed, cpu('2'))).toEqual({ node: 'n', victims: ['lower'] })
  expect(attempted([nodeOf('n')], placed, cpu('3'))).toEqual({ node: 'n', victims: ['low', 'lower'] })
})

test('a claim for one pod at a time is taken from a less important one', () => {
  const claim = given(persistentVolumeClaim, {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data', namespace: 'a', uid: 'data', resourceVersion: '1', creationTimestamp: '' },
    spec: { accessModes: ['ReadWriteOncePod'], volumeName: 'v' },
    status: { phase: 'Bound' },
  })
  const volume = given(persistentVolume, {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: 'v', uid: 'v', resourceVersion: '1', creationTimestamp: '' },
    spec: {},
  })
  const spec = { volumes: [{ name: 'd', persistentVolumeClaim: { claimName: 'data' } }] }
  const placed = [podOf('low', { on: 'b', spec }), podOf('other', { on: 'a' })]
  expect(attempted([nodeOf('a'), nodeOf('b')], placed, { spec: { ...spec, priority: 100 } }, [claim, volume])).toEqual({
    node: 'b',
    victims: ['low'],
  })
})

test('the node whose worst victim matters least is taken', () => {
  const placed = [podOf('x', { on: 'a', priority: 50, ...cpu('4') }), podOf('y', { on: 'b', priority: 10, ...cpu('4') })]
  expect(attempted([nodeOf('a'), nodeOf('b')], placed, cpu('1'))).toEqual({ node: 'b', victims: ['y'] })
})

test('between equals, the node where pods began last', () => {
  const at = (hour: string) => ({ startTime: `2025-01-01T${hour}:00:00Z` })
  const placed = [podOf('old', { on: 'a', ...at('01'), ...cpu('4') }), podOf('young', { on: 'b', ...at('09'), ...cpu('4') })]
  expect(attempted([nodeOf('a'), nodeOf('b')], placed, cpu('1'))).toEqual({ node: 'b', victims: ['young'] })
})

test('a disruption budget is broken only where nothing else helps', () => {
  const labels = { app: 'guarded' }
  const budget = given(podDisruptionBudget, {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: 'b', namespace: 'a', uid: 'b', resourceVersion: '1', creationTimestamp: '' },
    spec: { selector: { matchLabels: labels } },
    status: { disruptionsAllowed: 0, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1 },
  })
  const guarded = podOf('guarded', { on: 'a', labels, priority: 0, ...cpu('4') })
  const open = podOf('open', { on: 'b', priority: 50, ...cpu('4') })
  expect(attempted([nodeOf('a'), nodeOf('b')], [guarded, open], cpu('1'), [budget])).toEqual({ node: 'b', victims: ['open'] })
  expect(attempted([nodeOf('a')], [guarded], cpu('1'), [budget])).toEqual({ node: 'a', victims: ['guarded'] })
})

test('an anti-affinity that a victim causes goes with it', () => {
  const spec = {
    affinity: {
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'web' } } },
        ],
      },
    },
  }
  expect(attempted([nodeOf('n')], [podOf('shy', { on: 'n', spec })], { labels: { app: 'web' } })).toEqual({ node: 'n', victims: ['shy'] })
})

test('what preemption has to say', () => {
  const taints = [{ key: 'k', value: 'v', effect: 'NoSchedule' as const }]
  const placed = [
    podOf('x', { on: 'a', priority: 200, ...cpu('4') }),
    podOf('y', { on: 'b', priority: 0, ...cpu('1') }),
    podOf('z', { on: 'b', priority: 200, ...cpu('3') }),
  ]
  const nodes = [nodeOf('a'), nodeOf('b'), nodeOf('c', { spec: { taints } })]
  expect(attempted(nodes, placed, cpu('2'))).toBe(
    '0/3 nodes are available: 1 node(s) had untolerated taint {k: v}, 2 Insufficient cpu. preemption: 0/3 nodes are available: ' +
      '1 Insufficient cpu, 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling.',
  )
  expect(attempted([nodeOf('b')], [placed[1] as never, placed[2] as never], { ...cpu('1'), spec: { preemptionPolicy: 'Never' } })).toBe(
    '0/1 nodes are available: 1 Insufficient cpu. preemption: not eligible due to preemptionPolicy=Never.',
  )
})

/** What preemption says to a pod of priority 100 for which `node` refused it and which was promised that node. */
const promised = (placed: Parameters<typeof still>[1], refusal: Partial<Diagnosis> = {}) => {
  const { cluster, decider, nominations } = still([nodeOf('n')], placed)
  const pod = podInfoOf(podOf('p', { priority: 100, ...cpu('4') }))
  nominations.set(pod, 'n')
  const args = { minCandidateNodesPercentage: 10, minCandidateNodesAbsolute: 100 }
  const preempt = createPreempt({ cluster, nominations, trial: decider.trial, args })
  const full = { plugin: 'NodeResourcesFit', reasons: ['Insufficient cpu'], unresolvable: false }
  const attempt = preempt(pod, { nodeCount: 1, verdicts: new Map([[0, full]]), leftOutBy: [], ...refusal })
  if (attempt instanceof Promise) throw new Error('nobody else has a say')
  return attempt.text || attempt.nominate
}

test('a pod waits for victims of preemption alone: who goes for another reason does not count', () => {
  const leaving = podOf('low', { on: 'n', ...cpu('3'), metadata: { deletionTimestamp: '2025-01-01T00:00:00Z' } })
  const marked = {
    type: 'DisruptionTarget',
    status: 'True' as const,
    reason: 'PreemptionByScheduler',
  }
  expect(promised([leaving])).toBe('n')
  const busy = 'preemption: not eligible due to a terminating pod on the nominated node.'
  expect(promised([{ ...leaving, status: { conditions: [marked] } }])).toBe(busy)
  // Where the node cannot be helped any more, it does not wait for it.
  const lost = { plugin: 'x', reasons: ['no'], unresolvable: true }
  const nothing = 'preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.'
  expect(promised([{ ...leaving, status: { conditions: [marked] } }], { atBegin: lost })).toBe(nothing)
  expect(promised([{ ...leaving, status: { conditions: [marked] } }], { verdicts: new Map(), leftOutBy: ['x'] })).toBe(nothing)
})

test('a node that refuses for a reason no victim takes away is none to preempt on', () => {
  const byExtender = { plugin: 'Extender', reasons: ['not here'], unresolvable: false }
  const text = 'preemption: expected at least one victim pod on node "n"'
  expect(promised([podOf('low', { on: 'n' })], { verdicts: new Map([[0, byExtender]]) })).toBe(text)
})
