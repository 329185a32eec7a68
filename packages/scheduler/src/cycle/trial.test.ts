import { seededRandom } from '@skiff/machinery'
import { expect, test } from 'vitest'
import { type PodInfo, podInfoOf } from '../snapshot/pod-info.ts'
import type { NodeInfo } from '../snapshot/snapshot.ts'
import { still } from '../testing/decisions.ts'
import { nodeOf, podOf } from '../testing/objects.ts'
import { seededCluster } from '../testing/seeded/seeded-cluster.ts'

const textOf = (verdict: { readonly reasons: readonly string[] } | undefined): string => verdict?.reasons.join() ?? 'fits'

test('over 60 clusters, plugins that are told which pods move say what plugins begun anew say', () => {
  const verdicts = new Map<string, number>()
  for (let seed = 1; seed <= 60; seed += 1) {
    const { nodes, pods } = seededCluster(seed)
    const { cluster, decider } = still(nodes, [], [], { seed })
    const { snapshot } = cluster
    const random = seededRandom(seed)
    for (const pod of pods) {
      const info = podInfoOf(pod)
      const trial = decider.trial(info)
      const taken: [PodInfo, NodeInfo][] = []
      for (const slot of snapshot.order) {
        const node = snapshot.node(slot) as NodeInfo
        for (const other of [...node.pods.values()]) {
          if (random() < 0.5) continue
          trial.remove(other, node.name, slot)
          taken.push([other, node])
          if (random() < 0.3) trial.add(...leaving(taken.pop() as [PodInfo, NodeInfo]))
          const said = textOf(trial.fits(slot))
          verdicts.set(said, (verdicts.get(said) ?? 0) + 1)
          expect(said, `seed ${seed}`).toBe(textOf(decider.fits(info, slot)))
        }
      }
      for (const each of taken) trial.add(...leaving(each))
      const decision = decider.decide(info)
      if ('placed' in decision) snapshot.addPod(info, decision.placed.name)
    }
  }
  for (const reason of ['fits', 'Insufficient cpu', "node(s) didn't match pod topology spread constraints"])
    expect(verdicts.get(reason), reason).toBeGreaterThan(20)
  expect([...verdicts.keys()].filter((text) => text.includes('affinity')).length).toBeGreaterThan(2)
})
const leaving = ([pod, { name, slot }]: [PodInfo, NodeInfo]): [PodInfo, string, number] => [pod, name, slot]

test('equal pods are told of a node anew once pods, promises or the node itself changed there', () => {
  const cpu = (amount: string) => ({ requests: { cpu: amount } })
  const pod = (name: string) => podInfoOf(podOf(name, { priority: 10, ...cpu('3') }))
  const { cluster, decider, nominations } = still([nodeOf('a'), nodeOf('b')], [podOf('x', { on: 'a', ...cpu('2') })])
  const { snapshot } = cluster
  const where = (name: string) => {
    const decision = decider.decide(pod(name))
    return 'placed' in decision ? decision.placed.name : [...decision.refused.verdicts.values()].map(textOf).join()
  }
  const [first, second] = [pod('first'), pod('second')]
  nominations.set(first, 'b')
  expect(where('p')).toBe('Insufficient cpu,Insufficient cpu')
  expect(decider.decide(first)).toMatchObject({ placed: { name: 'b' } })
  nominations.set(second, 'b')
  nominations.clear(first.uid)
  expect(where('q')).toBe('Insufficient cpu,Insufficient cpu')
  const [x] = snapshot.named('a')?.pods.values() ?? []
  snapshot.removePod(x as PodInfo, 'a')
  expect(where('r')).toBe('a')
  snapshot.setNode(nodeOf('a', { allocatable: { cpu: '1', memory: '1Gi', pods: '10' } }))
  expect(where('s')).toBe('Insufficient cpu,Insufficient cpu')
})
