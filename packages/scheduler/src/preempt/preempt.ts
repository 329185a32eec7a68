import { podDisruptionBudget } from '@skiff/api'
import { type Diagnosis, preemptionText } from '../cycle/fit-error.ts'
import type { Cluster, Verdict } from '../cycle/framework.ts'
import type { PodInfo } from '../snapshot/pod-info.ts'
import type { NodeInfo } from '../snapshot/snapshot.ts'
import type { Nominations } from './nominations.ts'
import { pickCandidate } from './pick.ts'
import { type Candidate, findVictims } from './victims.ts'

/** What preemption came to. */
export interface Attempt {
  /** For the end of the pod's condition; '' when a node was found. */
  readonly text: string
  /** For status.nominatedNodeName; '' clears it, undefined leaves it. */
  readonly nominate?: string
  readonly victims?: readonly PodInfo[]
  /** Less important pods that lose their promise of the same node. */
  readonly unpromised?: readonly PodInfo[]
}

export interface PreemptParts {
  readonly cluster: Cluster
  readonly nominations: Nominations
  readonly fits: (pod: PodInfo, slot: number) => Verdict | undefined
}
export type Preempt = (pod: PodInfo, diagnosis: Diagnosis) => Attempt

// Upstream: trials on a tenth of the nodes, at least on 100.
const triedShare = 0.1
const minTried = 100

/** DefaultPreemption: finds the node where the least is lost; pure but for the nominations that it keeps. */
export const createPreempt = ({ cluster, nominations, fits }: PreemptParts): Preempt => {
  const { snapshot, views, env } = cluster

  /** Why a pod may not preempt at all. */
  const ineligible = (pod: PodInfo, diagnosis: Diagnosis): string | undefined => {
    if (pod.pod.spec.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never.'
    const promised = snapshot.named(nominations.nodeOf(pod.uid) ?? '')
    if (!promised || diagnosis.verdicts.get(promised.slot)?.unresolvable) return undefined
    for (const other of promised.pods.values())
      if (other.isTerminating && other.priority < pod.priority) return 'not eligible due to a terminating pod on the nominated node.'
    return undefined
  }
  const promising = ({ verdicts, atBegin }: Diagnosis): NodeInfo[] => {
    if (atBegin) return []
    const useful: NodeInfo[] = []
    for (const [slot, verdict] of verdicts) {
      const node = snapshot.node(slot)
      if (node && !verdict.unresolvable) useful.push(node)
    }
    return useful
  }
  return (pod, diagnosis) => {
    const refusal = ineligible(pod, diagnosis)
    if (refusal) return { text: `preemption: ${refusal}` }
    const useful = promising(diagnosis)
    const enough = Math.max(minTried, Math.trunc(snapshot.nodeCount * triedShare))
    const startAt = Math.floor(env.random() * useful.length)
    const budgets = useful.length === 0 ? [] : [...views.view(podDisruptionBudget).list()]
    const candidates: Candidate[] = []
    const tried = new Map<number, readonly string[]>()
    let unbroken = 0
    for (let i = 0; i < useful.length; i += 1) {
      // Enough of them, with one among them that breaks no budget.
      if (unbroken > 0 && candidates.length >= enough) break
      const node = useful[(startAt + i) % useful.length] as NodeInfo
      const found = findVictims(pod, node, { snapshot, budgets, fits })
      if ('node' in found) {
        candidates.push(found)
        if (found.broken === 0) unbroken += 1
      } else tried.set(node.slot, found)
    }
    const best = pickCandidate(candidates)
    if (!best) {
      nominations.clear(pod.uid)
      return { text: preemptionText(diagnosis, tried), nominate: '' }
    }
    const { name } = best.node
    const unpromised = nominations.on(name).filter((other) => other.priority < pod.priority)
    for (const other of unpromised) nominations.clear(other.uid)
    nominations.set(pod, name)
    return { text: '', nominate: name, victims: best.victims, unpromised }
  }
}
