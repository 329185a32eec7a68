import type { Pod } from '@skiff/api'
import { keyOf } from '@skiff/machinery'
import type { Attempt } from '../../cycle/framework.ts'
import type { ClusterFacts } from '../oracle/cluster-facts.ts'
import { antiAffinityOfAnother } from '../oracle/neighbour-rules.ts'
import type { Ledger } from './ledger.ts'
import type { SeededCluster } from './seeded-cluster.ts'

export const withPromised = ', with those who are promised room'
/** As upstream: a pod that no affinity concerns is not asked again on behalf of those who are only promised room. */
export const mayBeOverlooked = `${antiAffinityOfAnother}${withPromised}`

interface Court {
  readonly seeded: SeededCluster
  readonly ledger: Ledger
  readonly judge: (pod: Pod, nodeName: string, facts?: ClusterFacts) => string[]
}

const priorityOf = (pod: Pod): number => pod.spec.priority ?? 0

/**
 * What is wrong with an attempt to make room: it must make enough and no more than that, of less important pods only, break no budget
 * where it need not, and not give up while room can be made.
 */
export const createVictimChecks = ({ seeded: { budgets }, ledger, judge }: Court) => {
  const without = (gone: readonly Pod[]): ClusterFacts => {
    const facts = ledger.facts()
    return { ...facts, placed: facts.placed.filter((other) => !gone.includes(other)) }
  }
  const isGuarded = ({ metadata }: Pod): boolean =>
    budgets.some(
      (each) =>
        each.metadata.namespace === metadata.namespace &&
        each.spec.selector?.matchLabels?.app === metadata.labels?.app &&
        each.status?.disruptionsAllowed === 0,
    )
  const lesserOn = (pod: Pod, nodeName: string): Pod[] =>
    [...ledger.placed.values()].filter((other) => other.spec.nodeName === nodeName && priorityOf(other) < priorityOf(pod))
  /** Nodes where the pod fits once those of the less important go that may; as upstream, it must fit without all of them too. */
  const wouldHelp = (pod: Pod, mayGo: (other: Pod) => boolean): string[] =>
    [...ledger.nodes.keys()].filter((name) => {
      const lesser = lesserOn(pod, name)
      const gone = lesser.filter(mayGo)
      const fitsWithout = (away: readonly Pod[]) => judge(pod, name, without(away)).length === 0
      return gone.length > 0 && fitsWithout(lesser) && fitsWithout(gone)
    })

  const givenUp = (pod: Pod, promised: string | undefined): string[] => {
    if (pod.spec.preemptionPolicy === 'Never') return []
    // Room is being made for it.
    if (promised !== undefined && lesserOn(pod, promised).some((other) => other.metadata.deletionTimestamp)) return []
    return wouldHelp(pod, () => true).map((name) => `${pod.metadata.name} makes no room on ${name}`)
  }
  return (pod: Pod, { nominate, victims = [] }: Attempt, promised: string | undefined): string[] => {
    const who = pod.metadata.name
    if (!nominate) return givenUp(pod, promised)
    const gone = victims.flatMap(({ uid }) => ledger.placed.get(uid) ?? [])
    const left = judge(pod, nominate, without(gone)).filter((why) => why !== mayBeOverlooked)
    const wrong = left.map((why) => `${who} makes too little room on ${nominate}: ${why}`)
    for (const victim of gone) {
      if (priorityOf(victim) >= priorityOf(pod)) wrong.push(`${who} removes ${keyOf(victim)}, which matters as much`)
      if (victim.spec.nodeName !== nominate) wrong.push(`${who} removes ${keyOf(victim)} of another node`)
      const spared = judge(pod, nominate, without(gone.filter((other) => other !== victim)))
      if (spared.length === 0) wrong.push(`${who} removes ${keyOf(victim)} for nothing`)
    }
    if (gone.some(isGuarded))
      for (const name of wouldHelp(pod, (other) => !isGuarded(other))) wrong.push(`${who} breaks a budget, though ${name} breaks none`)
    return wrong
  }
}
