import type { Nominations } from '../preempt/nominations.ts'
import type { Profile } from '../profile/profile.ts'
import { nodeClassOf, type PodInfo } from '../snapshot/pod-info.ts'
import { type Begun, begin, type Filter, filtersOf, together } from './begin.ts'
import type { Cluster, Trial, Verdict } from './framework.ts'

export interface TrialParts {
  readonly profile: Profile
  readonly cluster: Cluster
  readonly nominations: Nominations
}
/** What a pod's cycle began already; `filter` is its verdict on a node without regard to promises. */
export interface Underway {
  readonly begun: readonly Begun[]
  readonly filter: Filter
}

/** Everything that verdicts on a pod depend on beside the node, when all filters are local. */
const localClassOf = (pod: PodInfo): string => JSON.stringify([pod.priority, pod.requests, pod.hostPorts, nodeClassOf(pod)])

const isLocal = (begun: readonly Begun[]): boolean =>
  begun.every(({ enabled: { plugin, at }, run }) => !run.filter || !at.filter || plugin.perNode || plugin.filterReads === 'node')

/** Makes trials for pods of one profile. */
export const createTrials = ({ profile, cluster, nominations }: TrialParts): ((pod: PodInfo, underway?: Underway) => Trial) => {
  const { snapshot } = cluster
  const allKeepUp = profile.enabled.every(
    ({ plugin, at }) => (!at.filter && !at.preFilter) || plugin.perNode || plugin.filterReads !== undefined,
  )
  const afresh = (pod: PodInfo): Filter => {
    return (slot) => {
      const { begun, atBegin } = begin(profile, pod, cluster)
      return atBegin ?? together(filtersOf(begun))(slot)
    }
  }
  const beginFor = (pod: PodInfo): Underway & { readonly keepsUp: boolean } => {
    const { begun, atBegin } = begin(profile, pod, cluster)
    const keepsUp = allKeepUp && !atBegin
    return { begun, filter: keepsUp ? together(filtersOf(begun)) : afresh(pod), keepsUp }
  }
  return (pod, underway) => {
    const { begun, filter, keepsUp } = underway ? { ...underway, keepsUp: allKeepUp } : beginFor(pod)
    const whenMoved = keepsUp ? filter : afresh(pod)
    const told = begun.filter(({ run }) => run.moved)
    const add: Trial['add'] = (other, nodeName, slot) => {
      snapshot.addPod(other, nodeName)
      for (const { run } of told) run.moved?.(other, slot, 1)
    }
    const remove: Trial['remove'] = (other, nodeName, slot) => {
      snapshot.removePod(other, nodeName)
      for (const { run } of told) run.moved?.(other, slot, -1)
    }
    const fits = (slot: number): Verdict | undefined => {
      if (nominations.size === 0) return filter(slot)
      const name = snapshot.node(slot)?.name ?? ''
      const promised = nominations.on(name).filter((each) => each.priority >= pod.priority && each.uid !== pod.uid)
      if (promised.length === 0) return filter(slot)
      const withThem = snapshot.untouched(slot, () => {
        for (const each of promised) add(each, name, slot)
        const verdict = whenMoved(slot)
        for (const each of promised) remove(each, name, slot)
        return verdict
      })
      return withThem ?? filter(slot)
    }
    return {
      fits,
      add,
      remove,
      get localClass() {
        return keepsUp && isLocal(begun) ? localClassOf(pod) : undefined
      },
    }
  }
}
