import type { Cluster, PodPlugin } from '../cycle/framework.ts'
import type { Constraint } from './spread-constraints.ts'

const hostname = 'kubernetes.io/hostname'

/** Fewer matching pods in a node's domains score better. `mustHaveAll`: nodes without all the keys score nothing (pods with own constraints). */
export const spreadScore = (constraints: readonly Constraint[], mustHaveAll: boolean, { snapshot }: Cluster): PodPlugin => {
  const podsByDomain: (Int32Array | undefined)[] = []
  const weights: number[] = []
  const hasAll = (slot: number): boolean => constraints.every(({ domain }) => (domain.ids[slot] as number) >= 0)
  const isIgnored = (slot: number): boolean => mustHaveAll && !hasAll(slot)

  return {
    prepareScore: (feasible) => {
      const scored = feasible.filter((slot) => !isIgnored(slot))
      for (const [i, constraint] of constraints.entries()) {
        const { domain, counter, topologyKey } = constraint
        if (topologyKey === hostname) {
          podsByDomain[i] = undefined
          weights[i] = Math.log(scored.length + 2)
          continue
        }
        const isSeen = new Uint8Array(domain.size)
        let domains = 0
        let isUnlabelledSeen = false
        for (const slot of scored) {
          const id = domain.ids[slot] as number
          // As upstream: nodes without the label are a domain of their own in the weight, though nothing is scored by it.
          if (id < 0) isUnlabelledSeen = true
          else if (isSeen[id] === 0) {
            isSeen[id] = 1
            domains += 1
          }
        }
        if (isUnlabelledSeen) domains += 1
        const pods = new Int32Array(domain.size)
        for (const slot of snapshot.order) {
          const id = domain.ids[slot] as number
          const count = counter.counts[slot] as number
          if (id >= 0 && count > 0 && isSeen[id] === 1 && !isIgnored(slot) && constraint.counts(slot))
            pods[id] = (pods[id] as number) + count
        }
        podsByDomain[i] = pods
        weights[i] = Math.log(domains + 2)
      }
      return true
    },
    score: (slot) => {
      if (isIgnored(slot)) return 0
      let sum = 0
      for (let i = 0; i < constraints.length; i += 1) {
        const { domain, counter, maxSkew } = constraints[i] as Constraint
        const id = domain.ids[slot] as number
        if (id < 0) continue
        const count = podsByDomain[i]?.[id] ?? (counter.counts[slot] as number)
        // maxSkew - 1 makes a loose constraint weigh less against a tight one.
        sum += count * (weights[i] as number) + (maxSkew - 1)
      }
      return Math.round(sum)
    },
    normalize: (scores, feasible) => {
      let lowest = Number.MAX_SAFE_INTEGER
      let highest = 0
      for (let i = 0; i < scores.length; i += 1) {
        if (isIgnored(feasible[i] as number)) continue
        lowest = Math.min(lowest, scores[i] as number)
        highest = Math.max(highest, scores[i] as number)
      }
      for (let i = 0; i < scores.length; i += 1) {
        if (isIgnored(feasible[i] as number)) scores[i] = 0
        else scores[i] = highest === 0 ? 100 : Math.trunc((100 * (highest + lowest - (scores[i] as number))) / highest)
      }
    },
  }
}
