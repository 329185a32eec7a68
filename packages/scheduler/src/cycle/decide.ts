import type { SchedulerMetrics } from '../metrics/scheduler-metrics.ts'
import type { Nominations } from '../preempt/nominations.ts'
import type { Profile } from '../profile/profile.ts'
import { nodeClassOf, type PodInfo } from '../snapshot/pod-info.ts'
import type { NodeInfo } from '../snapshot/snapshot.ts'
import { type Begun, begin, type Filter, filtersOf, type Stopwatch, timeFilters, together } from './begin.ts'
import { type Cluster, type Diagnosis, type Trial, unresolvable, type Verdict } from './framework.ts'
import { enoughFeasible } from './sampling.ts'
import { bestOf, createScoring } from './score.ts'
import { createSharedFindings } from './shared-findings.ts'
import { createTrials } from './trial.ts'

export type Decision =
  | { readonly placed: NodeInfo; readonly plugins: readonly Begun[] }
  | { readonly refused: Diagnosis; readonly plugins: readonly Begun[] }

/** The nodes that would take a pod, not compared with each other yet. */
export type Search =
  | {
      /** Written over by the next search. */
      readonly feasible: readonly number[]
      readonly diagnosis: Diagnosis
      readonly plugins: readonly Begun[]
      /** Only the node that preemption made room on was asked. */
      readonly isPromised: boolean
    }
  | { readonly refused: Diagnosis; readonly plugins: readonly Begun[] }

/** Finds nodes for pods of one profile; it changes nothing but the place where the next look at the nodes starts. */
export interface Decider {
  /** Synchronous: the snapshot stands still. */
  decide(pod: PodInfo): Decision
  /** The first half of it, for when others have a say in between. `everywhere`: a promised node has no preference. */
  search(pod: PodInfo, everywhere?: boolean): Search
  /** Whether `pod` would fit `slot` as the snapshot is now. */
  fits(pod: PodInfo, slot: number): Verdict | undefined
  /** The same, over and over, while pods come and go for a look: what preemption asks. */
  trial(pod: PodInfo): Trial
}

/** No node is among those that every plugin named. */
const unsatisfied = (plugins: readonly string[]): Verdict => {
  const [first = ''] = plugins
  const text = plugins.length === 1 ? `plugin ${first}` : `plugin(s) [${plugins.toSorted().join(' ')}] simultaneously`
  return unresolvable(first, `node(s) didn't satisfy ${text}`)
}

/** One cycle in so many has each of its plugins timed, as upstream. */
const timedShare = 10

/** `compares`: extenders have a say too, so that one feasible node is not enough where no plugin scores. */
export const createDecider = (
  profile: Profile,
  cluster: Cluster,
  nominations: Nominations,
  metrics?: SchedulerMetrics,
  compares = false,
): Decider => {
  const { snapshot, env } = cluster
  const { schedulerName, percentageOfNodesToScore } = profile
  const shared = createSharedFindings<Verdict | undefined>((slot) => snapshot.node(slot)?.version ?? 0)
  const sharedLocal = createSharedFindings<Verdict | undefined>(snapshot.changedAt)
  const trial = createTrials({ profile, cluster, nominations })
  const watch: Stopwatch | undefined = metrics && { nowMs: env.monotonicMs, metrics }
  const anyIsBest = !compares && !profile.enabled.some(({ at }) => at.score)
  const scoreAll = createScoring(!profile.isInTree)
  /** The nodes found for the pod before: as many again, and no memory of their own for each pod. */
  const feasible: number[] = []
  let startAt = 0
  let cycles = 0

  const filterOf = (pod: PodInfo, begun: readonly Begun[]): Filter => {
    const alone = together(filtersOf(begun, true))
    const verdicts = shared(nodeClassOf(pod))
    const rest = together(filtersOf(begun, false))
    const filter: Filter = (slot) => verdicts.at(slot, alone) ?? rest(slot)
    if (nominations.size === 0) return filter
    const { fits, localClass } = trial(pod, { begun, filter })
    if (localClass === undefined) return fits
    // With promises about, many pods are refused by many nodes: equal pods are told what they were told before.
    const local = sharedLocal(localClass)
    const ownSlot = snapshot.named(nominations.nodeOf(pod.uid) ?? '')?.slot
    return (slot) => (slot === ownSlot ? fits(slot) : local.at(slot, fits))
  }
  /** Slots to look at in their order, and who narrowed them down. */
  const candidates = (begun: readonly Begun[]): { slots: readonly number[]; leftOutBy: string[]; refusal?: Verdict } => {
    let only: Set<string> | undefined
    const leftOutBy: string[] = []
    for (const { enabled, run } of begun) {
      if (!run.only || !enabled.at.preFilter) continue
      leftOutBy.push(enabled.plugin.name)
      const named = new Set(run.only)
      only = only ? new Set([...only].filter((each) => named.has(each))) : named
    }
    if (!only) return { slots: snapshot.order, leftOutBy }
    if (only.size === 0) return { slots: [], leftOutBy, refusal: unsatisfied(leftOutBy) }
    return { slots: [...only].flatMap((name) => snapshot.named(name)?.slot ?? []), leftOutBy }
  }
  const feasibleOf = (slots: readonly number[], filter: Filter, verdicts: Map<number, Verdict>): number[] => {
    const count = slots.length
    const enough = anyIsBest ? 1 : enoughFeasible(count, percentageOfNodesToScore)
    let found = 0
    let at = count > 0 ? startAt % count : 0
    for (let looked = 0; looked < count && found < enough; looked += 1) {
      const slot = slots[at] as number
      at = at + 1 === count ? 0 : at + 1
      const verdict = filter(slot)
      if (verdict) verdicts.set(slot, verdict)
      else feasible[found++] = slot
    }
    feasible.length = found
    // A pod that names its node must not turn the others back to the beginning.
    if (slots === snapshot.order) startAt = at
    return feasible
  }
  const ran = (point: string, status: string, sinceMs: number): number => {
    if (!metrics) return 0
    const nowMs = env.monotonicMs()
    metrics.ran(point, schedulerName, status, nowMs - sinceMs)
    return nowMs
  }
  const search = (pod: PodInfo, everywhere = false): Search => {
    cycles += 1
    const timed = cycles % timedShare === 0 ? watch : undefined
    const verdicts = new Map<number, Verdict>()
    const nodeCount = snapshot.nodeCount
    const startedMs = metrics ? env.monotonicMs() : 0
    const { begun, atBegin } = begin(profile, pod, cluster, timed)
    const begunMs = ran(
      'PreFilter',
      atBegin ? (atBegin.unresolvable ? 'UnschedulableAndUnresolvable' : 'Unschedulable') : 'Success',
      startedMs,
    )
    if (atBegin) return { refused: { nodeCount, atBegin, verdicts, leftOutBy: [] }, plugins: begun }
    const filter = filterOf(pod, begun)
    // The node that preemption made room on is asked first, and alone.
    const promised = nominations.size > 0 && !everywhere ? snapshot.named(nominations.nodeOf(pod.uid) ?? '') : undefined
    const found = (feasible: readonly number[], leftOutBy: readonly string[], isPromised = false): Search => {
      // As upstream: that nodes refuse is no failure of the filters.
      ran('Filter', 'Success', begunMs)
      const diagnosis = { nodeCount, verdicts, leftOutBy }
      return feasible.length > 0 ? { feasible, diagnosis, plugins: begun, isPromised } : { refused: diagnosis, plugins: begun }
    }
    const { slots, leftOutBy, refusal } = candidates(begun)
    if (refusal) return { refused: { nodeCount, atBegin: refusal, verdicts, leftOutBy }, plugins: begun }
    if (promised && !filter(promised.slot)) return found([promised.slot], [], true)
    if (timed && slots.length > 0) timeFilters(begun, slots[startAt % slots.length] as number, timed)
    return found(feasibleOf(slots, filter, verdicts), leftOutBy)
  }
  return {
    fits: (pod, slot) => trial(pod).fits(slot),
    trial,
    search,
    decide: (pod) => {
      const searched = search(pod)
      if ('refused' in searched) return searched
      const { feasible, plugins } = searched
      let chosen = feasible[0] as number
      if (feasible.length > 1) {
        const sinceMs = metrics ? env.monotonicMs() : 0
        const totals = scoreAll(feasible, plugins, cycles % timedShare === 0 ? watch : undefined)
        chosen = feasible[bestOf(totals, env.random)] as number
        ran('Score', 'Success', sinceMs)
      }
      return { placed: snapshot.node(chosen) as NodeInfo, plugins }
    },
  }
}
