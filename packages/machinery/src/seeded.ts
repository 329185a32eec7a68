/** Uniform numbers in [0, 1) from a seed, the same on every machine: for tests and simulations, never for secrets. */
export const seededRandom = (seed: number): (() => number) => {
  let state = seed >>> 0
  return () => {
    // mulberry32
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** Choices by chance; equal seeds give equal ones. */
export interface Dice {
  pick<T>(from: readonly T[]): T
  sometimes(chance: number): boolean
  /** A whole number from `first` to `last`, both included. */
  between(first: number, last: number): number
}

export const seededDice = (seed: number): Dice => {
  const random = seededRandom(seed)
  const between = (first: number, last: number): number => first + Math.floor(random() * (last - first + 1))
  return {
    pick: <T>(from: readonly T[]): T => from[between(0, from.length - 1)] as T,
    sometimes: (chance) => random() < chance,
    between,
  }
}
