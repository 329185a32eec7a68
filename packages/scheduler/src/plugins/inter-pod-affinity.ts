import type { InTreeArgs } from '../config/configuration.ts'
import { type Cluster, type Plugin, type PodPlugin, unresolvable, unschedulable } from '../cycle/framework.ts'
import type { Domain } from '../snapshot/domains.ts'
import type { PodInfo, Term } from '../snapshot/pod-info.ts'
import { matchingAll, sumByDomain, termMatches } from './affinity-terms.ts'

type InterPodAffinityArgs = InTreeArgs['InterPodAffinity']

const name = 'InterPodAffinity'
const noFriends = unresolvable(name, "node(s) didn't match pod affinity rules")
const hasFoes = unschedulable(name, "node(s) didn't match pod anti-affinity rules")
const isFoe = unschedulable(name, "node(s) didn't satisfy existing pods anti-affinity rules")

/** Sums by domain of one topology key. */
interface Sums {
  readonly domain: Domain
  readonly sums: Float64Array
}
interface Check {
  readonly passes: (slot: number) => boolean
  /** Another pod came to the node (1) or left it (-1). */
  readonly moved: (other: PodInfo, slot: number, sign: 1 | -1) => void
}

const isPositive = ({ domain, sums }: Sums, slot: number): boolean => {
  const id = domain.ids[slot] as number
  return id >= 0 && (sums[id] ?? 0) > 0
}
const bump = ({ domain, sums }: Sums, slot: number, by: number): void => {
  const id = domain.ids[slot] as number
  if (id >= 0) sums[id] = (sums[id] ?? 0) + by
}

/** Sums of several counters, merged by topology key. */
const createSums = (cluster: Cluster) => {
  const byKey = new Map<string, Sums>()
  return {
    add: (counter: Parameters<typeof sumByDomain>[0], topologyKey: string, weight: number) => {
      const sums = sumByDomain(counter, topologyKey, weight, cluster, byKey.get(topologyKey)?.sums)
      byKey.set(topologyKey, { domain: cluster.snapshot.domain(topologyKey), sums })
    },
    bump: (topologyKey: string, slot: number, by: number) => {
      const domain = cluster.snapshot.domain(topologyKey)
      const held = byKey.get(topologyKey) ?? { domain, sums: new Float64Array(domain.size) }
      byKey.set(topologyKey, held)
      bump(held, slot, by)
    },
    all: (): Sums[] => [...byKey.values()],
    noneAt: (slot: number): boolean => {
      for (const each of byKey.values()) if (isPositive(each, slot)) return false
      return true
    },
  }
}

/** Every term finds a matching pod in the node's domain; or no pod matches anywhere and the pod itself does: the first of a group. */
const friendsCheck = (pod: PodInfo, cluster: Cluster): Check | undefined => {
  const terms = pod.requiredAffinity
  if (terms.length === 0) return undefined
  const counter = matchingAll(terms, cluster)
  const all = terms.map(({ topologyKey }) => ({
    domain: cluster.snapshot.domain(topologyKey),
    sums: sumByDomain(counter, topologyKey, 1, cluster),
  }))
  const findsItself = terms.every((term) => termMatches(term, pod, cluster))
  const isAlone = () => findsItself && all.every(({ sums }) => sums.every((sum) => sum === 0))
  let isFirst = isAlone()
  return {
    passes: (slot) => all.every((each) => (isFirst ? (each.domain.ids[slot] as number) >= 0 : isPositive(each, slot))),
    moved: (other, slot, sign) => {
      if (!terms.every((term) => termMatches(term, other, cluster))) return
      for (const each of all) bump(each, slot, sign)
      isFirst = isAlone()
    },
  }
}

const foesCheck = (terms: readonly Term[], cluster: Cluster): Check | undefined => {
  if (terms.length === 0) return undefined
  const sums = createSums(cluster)
  for (const term of terms) sums.add(matchingAll([term], cluster), term.topologyKey, 1)
  return {
    passes: sums.noneAt,
    moved: (other, slot, sign) => {
      for (const term of terms) if (termMatches(term, other, cluster)) sums.bump(term.topologyKey, slot, sign)
    },
  }
}

/** Pods that are there already keep this one away by their own anti-affinity. */
const refusedCheck = (pod: PodInfo, cluster: Cluster): Check & { readonly isEmpty: boolean } => {
  const sums = createSums(cluster)
  for (const group of cluster.snapshot.holders())
    if (group.holding === 'required-anti' && termMatches(group.term, pod, cluster)) sums.add(group, group.term.topologyKey, 1)
  return {
    isEmpty: sums.all().length === 0,
    passes: sums.noneAt,
    moved: (other, slot, sign) => {
      for (const term of other.requiredAntiAffinity) if (termMatches(term, pod, cluster)) sums.bump(term.topologyKey, slot, sign)
    },
  }
}

const filterFor = (pod: PodInfo, cluster: Cluster): Pick<PodPlugin, 'filter' | 'moved'> | undefined => {
  const friends = friendsCheck(pod, cluster)
  const foes = foesCheck(pod.requiredAntiAffinity, cluster)
  const refused = refusedCheck(pod, cluster)
  // As upstream: pods that move do not bring the filter back once nothing concerns it.
  if (!friends && !foes && refused.isEmpty) return undefined
  return {
    filter: (slot) => {
      if (friends && !friends.passes(slot)) return noFriends
      if (foes && !foes.passes(slot)) return hasFoes
      return refused.passes(slot) ? undefined : isFoe
    },
    moved: (other, slot, sign) => {
      friends?.moved(other, slot, sign)
      foes?.moved(other, slot, sign)
      refused.moved(other, slot, sign)
    },
  }
}

const scoresFor = (pod: PodInfo, cluster: Cluster, args: InterPodAffinityArgs): Sums[] => {
  const { hardPodAffinityWeight: requiredWeight, ignorePreferredTermsOfExistingPods: ignoresOthers } = args
  // As upstream: pods that prefer something themselves see what the others prefer all the same.
  if (ignoresOthers && pod.preferredAffinity.length === 0 && pod.preferredAntiAffinity.length === 0) return []
  const sums = createSums(cluster)
  for (const { term, weight } of pod.preferredAffinity) sums.add(matchingAll([term], cluster), term.topologyKey, weight)
  for (const { term, weight } of pod.preferredAntiAffinity) sums.add(matchingAll([term], cluster), term.topologyKey, -weight)
  for (const group of cluster.snapshot.holders()) {
    const { holding, weight, term } = group
    if (holding === 'required-anti' || (holding === 'required' && requiredWeight === 0) || !termMatches(term, pod, cluster)) continue
    sums.add(group, term.topologyKey, holding === 'required' ? requiredWeight : holding === 'preferred' ? weight : -weight)
  }
  return sums.all()
}

const normalizeSpan = (scores: Float64Array): void => {
  let lowest = Number.POSITIVE_INFINITY
  let highest = Number.NEGATIVE_INFINITY
  for (const score of scores) {
    lowest = Math.min(lowest, score)
    highest = Math.max(highest, score)
  }
  const span = highest - lowest
  // Divided first, as upstream: the rounding of 29/100 makes it 28.
  for (let i = 0; i < scores.length; i += 1) scores[i] = span > 0 ? Math.trunc(100 * (((scores[i] as number) - lowest) / span)) : 0
}

/** With the last of those that a pod wants to be near, it may become the first of its group. Upstream lets it wait. */
const wasOfItsGroup = (other: PodInfo, pod: PodInfo, cluster: Cluster): boolean =>
  pod.requiredAffinity.length > 0 &&
  pod.requiredAffinity.every((term) => termMatches(term, other, cluster) && termMatches(term, pod, cluster))

/** Pods that want to be near, or away from, pods with certain labels. */
export const createInterPodAffinity = (args: InterPodAffinityArgs): Plugin => ({
  name,
  points: ['preFilter', 'filter', 'preScore', 'score'],
  weight: 2,
  filterReads: 'snapshot',
  ownChanges: ['labels'],
  reactsTo: ['node-added', 'node-updated', 'pod-assigned', 'pod-updated', 'pod-removed', 'namespace'],
  begin: (pod, cluster) => {
    const filter = filterFor(pod, cluster)
    const scores = scoresFor(pod, cluster, args)
    if (!filter && scores.length === 0) return 'skip'
    return {
      ...filter,
      prepareScore: () => scores.length > 0,
      score: (slot) => {
        let sum = 0
        for (const { domain, sums } of scores) {
          const id = domain.ids[slot] as number
          if (id >= 0) sum += sums[id] ?? 0
        }
        return sum
      },
      normalize: normalizeSpan,
    }
  },
  hint: (event, pod, cluster) => {
    switch (event.on) {
      case 'node-added':
        return true
      case 'node-updated':
        return event.changed.labels
      case 'pod-assigned':
        // One pod must satisfy all terms.
        return pod.requiredAffinity.length > 0 && pod.requiredAffinity.every((term) => termMatches(term, event.pod, cluster))
      case 'pod-updated':
        // Of a pod that is placed, labels alone may change.
        return [...pod.requiredAffinity, ...pod.requiredAntiAffinity].some(
          (term) => termMatches(term, event.before, cluster) !== termMatches(term, event.pod, cluster),
        )
      case 'pod-removed':
        return (
          wasOfItsGroup(event.pod, pod, cluster) ||
          pod.requiredAntiAffinity.some((term) => termMatches(term, event.pod, cluster)) ||
          event.pod.requiredAntiAffinity.some((term) => termMatches(term, pod, cluster))
        )
      default:
        return event.on === 'namespace'
    }
  },
})

/** What a required affinity of a pod already there is worth to the pod that comes: upstream's 1. */
export const interPodAffinity: Plugin = createInterPodAffinity({ hardPodAffinityWeight: 1 })
