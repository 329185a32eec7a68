import type { Labels } from '@skiff/machinery'
import { grown } from './columns.ts'

/** The nodes' values of one label as small numbers, by slot; -1 where a node lacks it. */
export interface Domain {
  ids: Int32Array
  /** How many numbers were given out: what an array by id must hold. */
  size: number
}

export interface Domains {
  domain(topologyKey: string): Domain
  /** `labels` undefined: no node there any more. */
  changed(slot: number, labels: Labels | undefined): void
  grow(capacity: number): void
}

/** `each` tells the present nodes, for a key that is asked for the first time. */
export const createDomains = (capacityNow: () => number, each: (see: (slot: number, labels: Labels) => void) => void): Domains => {
  interface Held extends Domain {
    readonly byValue: Map<string, number>
  }
  const held = new Map<string, Held>()
  const idOf = (domain: Held, value: string): number => {
    const known = domain.byValue.get(value)
    if (known !== undefined) return known
    const id = domain.size
    domain.byValue.set(value, id)
    domain.size += 1
    return id
  }
  const put = (key: string, domain: Held, slot: number, labels: Labels | undefined): void => {
    domain.ids[slot] = labels && Object.hasOwn(labels, key) ? idOf(domain, labels[key] as string) : -1
  }
  return {
    domain: (key) => {
      let domain = held.get(key)
      if (!domain) {
        const made: Held = { ids: new Int32Array(capacityNow()).fill(-1), size: 0, byValue: new Map() }
        each((slot, labels) => put(key, made, slot, labels))
        held.set(key, made)
        domain = made
      }
      return domain
    },
    changed: (slot, labels) => {
      for (const [key, domain] of held) put(key, domain, slot, labels)
    },
    grow: (capacity) => {
      for (const [, domain] of held) {
        const before = domain.ids.length
        domain.ids = grown(domain.ids, capacity)
        domain.ids.fill(-1, before)
      }
    },
  }
}
