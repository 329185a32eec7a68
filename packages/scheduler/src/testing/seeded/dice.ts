import { seededRandom } from '@skiff/machinery'

/** Choices by chance; equal seeds give equal ones. */
export interface Dice {
  pick<T>(from: readonly T[]): T
  sometimes(chance: number): boolean
  /** 0 to below `end`. */
  below(end: number): number
  /** `part` by that chance, otherwise nothing: to be spread into an object. */
  maybe<T extends object>(chance: number, part: () => T): T | Record<never, never>
}

export const createDice = (seed: number): Dice => {
  const random = seededRandom(seed)
  const below = (end: number): number => Math.floor(random() * end)
  const sometimes = (chance: number): boolean => random() < chance
  return {
    below,
    sometimes,
    pick: <T>(from: readonly T[]): T => from[below(from.length)] as T,
    maybe: (chance, part) => (sometimes(chance) ? part() : {}),
  }
}

export const zoneKey = 'topology.kubernetes.io/zone'
export const hostKey = 'kubernetes.io/hostname'
export const zones = ['a', 'b', 'c']
