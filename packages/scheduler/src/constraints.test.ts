import type { Node, Pod } from '@skiff/api'
import { expect, test } from 'vitest'
import { podInfoOf } from './snapshot/pod-info.ts'
import type { NodeInfo } from './snapshot/snapshot.ts'
import { still } from './testing/decisions.ts'
import { complaints } from './testing/hard-constraints.ts'
import { seededCluster } from './testing/seeded-cluster.ts'

const clusters = 300

test(`over ${clusters} clusters, no placement breaks a rule, and no refusal is without one on every node`, () => {
  const wrong: string[] = []
  let placements = 0
  let refusals = 0
  for (let seed = 1; seed <= clusters; seed += 1) {
    const { nodes, pods } = seededCluster(seed)
    const { cluster, decider } = still(nodes, [], [], { seed })
    const placed: Pod[] = []
    for (const [i, pod] of pods.entries()) {
      const info = podInfoOf(pod)
      const decision = decider.decide(info)
      if ('placed' in decision) {
        const { node, name } = decision.placed
        const why = complaints(pod, node, { nodes, placed })
        if (why.length > 0) wrong.push(`seed ${seed}: ${pod.metadata.name} on ${name}: ${why.join()}`)
        placed.push({ ...pod, spec: { ...pod.spec, nodeName: name } })
        cluster.snapshot.addPod(info, name)
        placements += 1
      } else {
        const free = nodes.filter((node: Node) => complaints(pod, node, { nodes, placed }).length === 0)
        for (const node of free) {
          const slot = (cluster.snapshot.named(node.metadata.name) as NodeInfo).slot
          const said = decision.refused.verdicts.get(slot)?.reasons.join()
          wrong.push(`seed ${seed}: ${pod.metadata.name} kept off ${node.metadata.name}: ${said}`)
        }
        refusals += 1
      }
      // Pods that go again keep the counters honest.
      if (i % 5 === 4 && placed.length > 0) {
        const gone = placed.shift() as Pod
        const at = cluster.snapshot.named(gone.spec.nodeName ?? '') as NodeInfo
        cluster.snapshot.removePod(at.pods.get(gone.metadata.uid) as never, at.name)
      }
    }
  }
  expect(wrong.slice(0, 20)).toEqual([])
  // A test over nothing would pass as well.
  expect(placements).toBeGreaterThan(clusters)
  expect(refusals).toBeGreaterThan(clusters)
})
