import { randomInt } from 'node:crypto'

/** A range of numbers handed out one by one: addresses of a CIDR as offsets, or ports. Held in memory; the objects are the truth. */
export interface Range {
  /** Takes a given number; false when it is taken or outside. */
  take(value: number): boolean
  /** Takes any free number; undefined when the range is full. Prefers the part above `reserved`, which static requests use. */
  next(): number | undefined
  free(value: number): void
  has(value: number): boolean
  contains(value: number): boolean
  readonly used: number
}

/** Numbers from `first` to `last`, both included; the first `reserved` are handed out by `next` only when the rest is used up. */
export const createRange = (first: number, last: number, reserved: number): Range => {
  const taken = new Set<number>()
  const contains = (value: number): boolean => Number.isInteger(value) && value >= first && value <= last
  const search = (from: number, to: number): number | undefined => {
    const size = to - from + 1
    if (size <= 0) return undefined
    const start = randomInt(size)
    for (let step = 0; step < size; step++) {
      const value = from + ((start + step) % size)
      if (!taken.has(value)) return value
    }
    return undefined
  }
  return {
    contains,
    has: (value) => taken.has(value),
    take: (value) => {
      if (!contains(value) || taken.has(value)) return false
      taken.add(value)
      return true
    },
    next: () => {
      const found = search(first + reserved, last) ?? search(first, first + reserved - 1)
      if (found !== undefined) taken.add(found)
      return found
    },
    free: (value) => {
      taken.delete(value)
    },
    get used() {
      return taken.size
    },
  }
}
