import { grown } from './columns.ts'
import type { PodInfo, Term } from './pod-info.ts'

/** How many pods of a node meet a condition, by slot; kept up to date as pods come and go. */
export interface Counter {
  counts: Int32Array
  total: number
}
export type Holding = 'required-anti' | 'required' | 'preferred' | 'preferred-anti'
/** Nodes by how many of their pods hold one affinity term. */
export interface Holders extends Counter {
  readonly term: Term
  readonly holding: Holding
  readonly weight: number
}

export interface Counters {
  /** `key` must say all that `meets` depends on. */
  counter(key: string, meets: (pod: PodInfo) => boolean): Counter
  holders(): Iterable<Holders>
  /** `sign` is 1 for a pod that came, -1 for one that went. */
  moved(pod: PodInfo, slot: number, sign: 1 | -1): void
  grow(capacity: number): void
}

// Each counter costs a look at every pod that moves; beyond this many, the one unused for longest is dropped.
const maxCounters = 256

/** `each` tells the present pods, for a counter that is asked for the first time. */
export const createCounters = (capacityNow: () => number, each: (see: (pod: PodInfo, slot: number) => void) => void): Counters => {
  const counters = new Map<string, Counter & { readonly meets: (pod: PodInfo) => boolean }>()
  const groups = new Map<string, Holders>()

  const hold = (term: Term, holding: Holding, weight: number, slot: number, sign: 1 | -1): void => {
    const key = `${holding} ${weight} ${term.key}`
    let group = groups.get(key)
    if (!group) {
      group = { term, holding, weight, counts: new Int32Array(capacityNow()), total: 0 }
      groups.set(key, group)
    }
    bump(group, slot, sign)
    if (group.total === 0) groups.delete(key)
  }
  return {
    counter: (key, meets) => {
      const known = counters.get(key)
      if (known) {
        counters.delete(key)
        counters.set(key, known)
        return known
      }
      const made = { counts: new Int32Array(capacityNow()), total: 0, meets }
      each((pod, slot) => {
        if (meets(pod)) bump(made, slot, 1)
      })
      counters.set(key, made)
      for (const [oldest] of counters) {
        if (counters.size <= maxCounters) break
        counters.delete(oldest)
      }
      return made
    },
    holders: () => groups.values(),
    moved: (pod, slot, sign) => {
      for (const [, counter] of counters) if (counter.meets(pod)) bump(counter, slot, sign)
      for (const term of pod.requiredAntiAffinity) hold(term, 'required-anti', 1, slot, sign)
      for (const term of pod.requiredAffinity) hold(term, 'required', 1, slot, sign)
      for (const { term, weight } of pod.preferredAffinity) hold(term, 'preferred', weight, slot, sign)
      for (const { term, weight } of pod.preferredAntiAffinity) hold(term, 'preferred-anti', weight, slot, sign)
    },
    grow: (capacity) => {
      for (const [, counter] of counters) counter.counts = grown(counter.counts, capacity)
      for (const [, group] of groups) group.counts = grown(group.counts, capacity)
    },
  }
}

const bump = (counter: Counter, slot: number, by: number): void => {
  counter.counts[slot] = (counter.counts[slot] ?? 0) + by
  counter.total += by
}
