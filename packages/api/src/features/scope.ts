import type { Behaviour, SubresourceBehaviour } from '../kind.ts'
import { defaultGates, type Gates } from './gates.ts'
import type { GateName } from './known.ts'

// A behaviour's functions are synchronous and pure, and few of them ask for a feature, many calls deep. So what is on is not handed down
// but stands here while one of them runs; several servers of one process may differ. With 1.33's defaults nothing is wrapped at all.

let current = defaultGates

/** True when a feature is on, for the behaviour's function that runs now. */
export const isOn = (gate: GateName): boolean => current[gate]

type Run = (...given: never[]) => unknown

const under = <F extends Run>(gates: Gates, run: F): F =>
  ((...given: Parameters<F>) => {
    const before = current
    current = gates
    try {
      return run(...given)
    } finally {
      current = before
    }
  }) as F

const wrapped = <T extends object>(behaviour: T, gates: Gates): T =>
  Object.fromEntries(
    Object.entries(behaviour).map(([name, member]) => [name, typeof member === 'function' ? under(gates, member as Run) : member]),
  ) as T

/** A behaviour whose functions run under these features. */
export const underGates = (behaviour: Behaviour, gates: Gates): Behaviour => {
  if (gates === defaultGates) return behaviour
  const whole = wrapped(behaviour, gates)
  if (!behaviour.subresources) return whole
  const subresources: Record<string, SubresourceBehaviour> = {}
  for (const [name, each] of Object.entries(behaviour.subresources)) subresources[name] = wrapped(each, gates)
  return { ...whole, subresources }
}
