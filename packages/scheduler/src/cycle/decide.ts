import type { Nominations } from '../preempt/nominations.ts'
import { nodeClassOf, type PodInfo } from '../snapshot/pod-info.ts'
import type { NodeInfo } from '../snapshot/snapshot.ts'
import type { Diagnosis } from './fit-error.ts'
import { type Cluster, isVerdict, type Plugin, type PodPlugin, type Verdict } from './framework.ts'
import { enoughFeasible } from './sampling.ts'
import { createVerdictCache } from './shared-verdicts.ts'

export interface Begun {
  readonly plugin: Plugin
  readonly run: PodPlugin
}
export type Decision =
  | { readonly placed: NodeInfo; readonly plugins: readonly Begun[] }
  | { readonly refused: Diagnosis; readonly plugins: readonly Begun[] }

/** Finds nodes for pods; it changes nothing but the place where the next look at the nodes starts. */
export interface Decider {
  /** Synchronous: the snapshot stands still. */
  decide(pod: PodInfo): Decision
  /** Whether `pod` would fit `slot` as the snapshot is now; what preemption asks after it took pods away. */
  fits(pod: PodInfo, slot: number): Verdict | undefined
}

const begin = (plugins: readonly Plugin[], pod: PodInfo, cluster: Cluster): { begun: Begun[]; atBegin?: Verdict } => {
  const begun: Begun[] = []
  for (const plugin of plugins) {
    const run = plugin.begin(pod, cluster)
    if (isVerdict(run)) return { begun, atBegin: run }
    if (run !== 'skip') begun.push({ plugin, run })
  }
  return { begun }
}

type Filter = NonNullable<PodPlugin['filter']>
const together = (filters: readonly Filter[]): Filter => {
  return (slot) => {
    for (const filter of filters) {
      const verdict = filter(slot)
      if (verdict) return verdict
    }
    return undefined
  }
}
const filtersOf = (begun: readonly Begun[], perNode: boolean): Filter[] =>
  begun.flatMap(({ plugin, run }) => (run.filter && (plugin.perNode ?? false) === perNode ? [run.filter] : []))

export const createDecider = (plugins: readonly Plugin[], cluster: Cluster, nominations: Nominations): Decider => {
  const { snapshot, env } = cluster
  const shared = createVerdictCache(snapshot)
  let startAt = 0

  const verdictAt = (pod: PodInfo, slot: number): Verdict | undefined => {
    const { begun, atBegin } = begin(plugins, pod, cluster)
    return atBegin ?? together(begun.flatMap(({ run }) => run.filter ?? []))(slot)
  }
  /** Pods that were promised room on the node, and are not less important, are counted as if they were there. */
  const withNominated = (pod: PodInfo, filter: Filter): Filter => {
    if (nominations.size === 0) return filter
    return (slot) => {
      const name = snapshot.node(slot)?.name ?? ''
      const promised = nominations.on(name).filter((each) => each.priority >= pod.priority && each.uid !== pod.uid)
      if (promised.length === 0) return filter(slot)
      for (const each of promised) snapshot.addPod(each, name)
      const verdict = verdictAt(pod, slot)
      for (const each of promised) snapshot.removePod(each, name)
      return verdict ?? filter(slot)
    }
  }
  const filterOf = (pod: PodInfo, begun: readonly Begun[]): Filter => {
    const alone = together(filtersOf(begun, true))
    const verdicts = shared(nodeClassOf(pod))
    const rest = together(filtersOf(begun, false))
    return withNominated(pod, (slot) => verdicts.at(slot, alone) ?? rest(slot))
  }
  /** Slots to look at in their order, and who narrowed them down. */
  const candidates = (begun: readonly Begun[]): { slots: readonly number[]; leftOutBy: string[] } => {
    let only: Set<string> | undefined
    const leftOutBy: string[] = []
    for (const { plugin, run } of begun) {
      if (!run.only) continue
      leftOutBy.push(plugin.name)
      const named = new Set(run.only)
      only = only ? new Set([...only].filter((each) => named.has(each))) : named
    }
    if (!only) return { slots: snapshot.order, leftOutBy }
    return { slots: [...only].flatMap((name) => snapshot.named(name)?.slot ?? []), leftOutBy }
  }
  const feasibleOf = (slots: readonly number[], filter: Filter, verdicts: Map<number, Verdict>): number[] => {
    const enough = enoughFeasible(slots.length)
    const feasible: number[] = []
    let looked = 0
    for (; looked < slots.length && feasible.length < enough; looked += 1) {
      const slot = slots[(startAt + looked) % slots.length] as number
      const verdict = filter(slot)
      if (verdict) verdicts.set(slot, verdict)
      else feasible.push(slot)
    }
    // A pod that names its node must not turn the others back to the beginning.
    if (slots === snapshot.order && slots.length > 0) startAt = (startAt + looked) % slots.length
    return feasible
  }
  const best = (feasible: readonly number[], begun: readonly Begun[]): number => {
    if (feasible.length === 1) return feasible[0] as number
    const totals = scoreAll(feasible, begun)
    let winner = 0
    let ties = 1
    for (let i = 1; i < totals.length; i += 1) {
      const difference = (totals[i] as number) - (totals[winner] as number)
      if (difference > 0) {
        winner = i
        ties = 1
      } else if (difference === 0) {
        // Each of the equal best is chosen with the same chance.
        ties += 1
        if (env.random() * ties < 1) winner = i
      }
    }
    return feasible[winner] as number
  }
  return {
    fits: (pod, slot) => withNominated(pod, (at) => verdictAt(pod, at))(slot),
    decide: (pod) => {
      const verdicts = new Map<number, Verdict>()
      const { begun, atBegin } = begin(plugins, pod, cluster)
      const nodeCount = snapshot.nodeCount
      if (atBegin) return { refused: { nodeCount, atBegin, verdicts, leftOutBy: [] }, plugins: begun }
      const filter = filterOf(pod, begun)
      // The node that preemption made room on is asked first, and alone.
      const promised = snapshot.named(nominations.nodeOf(pod.uid) ?? '')
      if (promised && !filter(promised.slot)) return { placed: promised, plugins: begun }
      const { slots, leftOutBy } = candidates(begun)
      const feasible = feasibleOf(slots, filter, verdicts)
      if (feasible.length === 0) return { refused: { nodeCount, verdicts, leftOutBy }, plugins: begun }
      return { placed: snapshot.node(best(feasible, begun)) as NodeInfo, plugins: begun }
    },
  }
}

const scoreAll = (feasible: readonly number[], begun: readonly Begun[]): Float64Array => {
  const totals = new Float64Array(feasible.length)
  const scores = new Float64Array(feasible.length)
  for (const { plugin, run } of begun) {
    if (!run.score || run.prepareScore?.(feasible) === false) continue
    for (let i = 0; i < feasible.length; i += 1) scores[i] = run.score(feasible[i] as number)
    run.normalize?.(scores, feasible)
    const weight = plugin.weight ?? 1
    for (let i = 0; i < feasible.length; i += 1) totals[i] = (totals[i] as number) + weight * (scores[i] as number)
  }
  return totals
}
