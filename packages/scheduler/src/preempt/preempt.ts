import { type PodDisruptionBudget, podDisruptionBudget } from '@skiff/api'
import type { InTreeArgs } from '../config/configuration.ts'
import { preemptionText } from '../cycle/fit-error.ts'
import type { Attempt, Cluster, Diagnosis, Trial } from '../cycle/framework.ts'
import { createSharedFindings, type SharedFindings } from '../cycle/shared-findings.ts'
import type { Extender } from '../extender/extender.ts'
import type { SchedulerMetrics } from '../metrics/scheduler-metrics.ts'
import type { PodInfo } from '../snapshot/pod-info.ts'
import type { NodeInfo } from '../snapshot/snapshot.ts'
import { consultOnVictims } from './consult.ts'
import type { Evictions } from './evictions.ts'
import type { Nominations } from './nominations.ts'
import { type Candidate, pickCandidate } from './pick.ts'
import { findVictims, type Outcome } from './victims.ts'

export interface PreemptParts {
  readonly cluster: Cluster
  readonly nominations: Nominations
  readonly evictions?: Evictions
  readonly trial: (pod: PodInfo) => Trial
  readonly args: InTreeArgs['DefaultPreemption']
  readonly extenders?: readonly Extender[]
  readonly metrics?: SchedulerMetrics
}
/** A promise only where extenders have a say. */
export type Preempt = (pod: PodInfo, diagnosis: Diagnosis) => Attempt | Promise<Attempt>

/** What trials on nodes gave: nodes with victims, and the reasons of the others. */
interface Trials {
  readonly candidates: readonly Candidate[]
  readonly tried: ReadonlyMap<number, readonly string[]>
  readonly faults: readonly string[]
}

/** DefaultPreemption: finds the node where the least is lost; pure but for the nominations that it keeps. */
export const createPreempt = (parts: PreemptParts): Preempt => {
  const { cluster, nominations, evictions, extenders = [], metrics } = parts
  const { snapshot } = cluster
  const tryNodes = createTrialsOf(parts)

  /** Why a pod may not preempt at all. */
  const ineligible = (pod: PodInfo, diagnosis: Diagnosis): string | undefined => {
    if (pod.pod.spec.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never.'
    const promised = snapshot.named(nominations.nodeOf(pod.uid) ?? '')
    if (!promised || !mayBeFreed(promised.slot, diagnosis)) return undefined
    for (const other of promised.pods.values())
      if (other.priority < pod.priority && (isGoingByPreemption(other) || evictions?.isLeaving(other)))
        return 'not eligible due to a terminating pod on the nominated node.'
    return undefined
  }
  const settle = (pod: PodInfo, diagnosis: Diagnosis, { candidates, tried, faults }: Trials): Attempt => {
    const best = pickCandidate(candidates)
    if (!best && faults.length > 0) return { text: `preemption: ${faults.length === 1 ? faults[0] : `[${faults.join(', ')}]`}` }
    if (!best) {
      nominations.clear(pod.uid)
      return { text: preemptionText(diagnosis, tried), nominate: '' }
    }
    const { name } = best.node
    metrics?.preempting(best.victims.length)
    const unpromised = nominations.on(name).filter((other) => other.priority < pod.priority)
    for (const other of unpromised) nominations.clear(other.uid)
    nominations.set(pod, name)
    return { text: '', nominate: name, victims: best.victims, unpromised }
  }
  return (pod, diagnosis) => {
    const refusal = ineligible(pod, diagnosis)
    if (refusal) {
      metrics?.preempting(0)
      return { text: `preemption: ${refusal}` }
    }
    const trials = tryNodes(pod, diagnosis)
    if (trials.candidates.length === 0) metrics?.preempting(0)
    const asked = extenders.filter((each) => each.preempts && each.isInterested(pod.pod))
    if (asked.length === 0 || trials.candidates.length === 0) return settle(pod, diagnosis, trials)
    return consultOnVictims(asked, pod, trials.candidates, cluster).then(
      (candidates) =>
        candidates.length === 0
          ? { text: 'preemption: no candidate node for preemption' }
          : settle(pod, diagnosis, { ...trials, candidates }),
      (error: unknown) => ({ text: `preemption: ${error instanceof Error ? error.message : String(error)}` }),
    )
  }
}

/** Whether removing pods may help on a node: those that were left out cannot be helped. */
const mayBeFreed = (slot: number, { verdicts, atBegin, leftOutBy }: Diagnosis): boolean => {
  if (atBegin) return !atBegin.unresolvable
  const verdict = verdicts.get(slot)
  return verdict ? !verdict.unresolvable : leftOutBy.length === 0
}

/** A pod that goes for another reason makes no room on purpose. */
const isGoingByPreemption = ({ isTerminating, pod: { status } }: PodInfo): boolean => {
  const condition = status?.conditions?.find((each) => each.type === 'DisruptionTarget')
  return isTerminating && condition?.status === 'True' && condition.reason === 'PreemptionByScheduler'
}

/** The nodes that removing pods may help. */
const promising = ({ verdicts, atBegin }: Diagnosis, { snapshot }: Cluster): readonly number[] => {
  if (atBegin) return atBegin.unresolvable ? [] : snapshot.order
  const slots: number[] = []
  for (const [slot, verdict] of verdicts) if (!verdict.unresolvable) slots.push(slot)
  return slots
}

const sameBudgets = (a: readonly PodDisruptionBudget[], b: readonly PodDisruptionBudget[]): boolean =>
  a.length === b.length && a.every((each, i) => each === b[i])

/** How many classes of pods are remembered: each holds the victims on every node. */
const maxClasses = 16

/** Trials from a node by chance on, until there are enough candidates and one among them that breaks no budget. */
const createTrialsOf = ({ cluster, trial, args }: PreemptParts): ((pod: PodInfo, diagnosis: Diagnosis) => Trials) => {
  const { snapshot, views, env } = cluster
  const sharedBy = () => createSharedFindings<Outcome>(snapshot.changedAt, maxClasses)
  let shared = sharedBy()
  let knownBudgets: readonly PodDisruptionBudget[] = []
  /** A thousand equal pods that preempt have each node tried once, as long as nothing on it changes. */
  const sharedFor = (localClass: string | undefined, budgets: readonly PodDisruptionBudget[]): SharedFindings<Outcome> | undefined => {
    if (localClass === undefined) return undefined
    if (!sameBudgets(budgets, knownBudgets)) shared = sharedBy()
    knownBudgets = budgets
    return shared(localClass)
  }
  return (pod, diagnosis) => {
    const useful = promising(diagnosis, cluster)
    const share = Math.trunc((useful.length * args.minCandidateNodesPercentage) / 100)
    const enough = Math.min(useful.length, Math.max(args.minCandidateNodesAbsolute, share))
    const startAt = Math.floor(env.random() * useful.length)
    const candidates: Candidate[] = []
    const tried = new Map<number, readonly string[]>()
    const faults = new Set<string>()
    if (useful.length === 0) return { candidates, tried, faults: [] }
    const budgets = [...views.view(podDisruptionBudget).list()]
    const search = { snapshot, budgets, trial: trial(pod) }
    const outcomes = sharedFor(search.trial.localClass, budgets)
    const tryAt = (slot: number): Outcome => findVictims(pod, snapshot.node(slot) as NodeInfo, search)
    let unbroken = 0
    for (let i = 0; i < useful.length; i += 1) {
      if (unbroken > 0 && candidates.length >= enough) break
      const slot = useful[(startAt + i) % useful.length] as number
      const found = outcomes ? outcomes.at(slot, tryAt) : tryAt(slot)
      if ('fault' in found) faults.add(found.fault)
      else if (!('node' in found)) tried.set(slot, found)
      else if (found.broken === 0) {
        candidates.push(found)
        unbroken += 1
      } else if (candidates.length - unbroken < enough) candidates.push(found)
    }
    return { candidates, tried, faults: [...faults] }
  }
}
