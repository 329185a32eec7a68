import type { PodDisruptionBudget } from '@skiff/api'
import { noVictims } from '../cycle/fit-error.ts'
import type { Trial } from '../cycle/framework.ts'
import type { PodInfo } from '../snapshot/pod-info.ts'
import type { NodeInfo, Snapshot } from '../snapshot/snapshot.ts'
import { breakingBudgets } from './disruption.ts'
import { byImportance } from './importance.ts'
import { type Candidate, candidateOf } from './pick.ts'

export interface Search {
  readonly snapshot: Snapshot
  readonly budgets: readonly PodDisruptionBudget[]
  readonly trial: Trial
}

/** What a trial on one node gave: victims, or the reasons why none help, or what is wrong with the question. */
export type Outcome = Candidate | readonly string[] | { readonly fault: string }

/**
 * The fewest and least important pods whose going makes room: all that are less important go, then as many as possible come back,
 * the most important first, those that a budget protects before the others. The snapshot is changed on the way and is as before
 * in the end. Gives reasons when the node is of no use.
 */
export const findVictims = (pod: PodInfo, node: NodeInfo, search: Search): Outcome => {
  const lesser: PodInfo[] = []
  for (const other of node.pods.values()) if (other.priority < pod.priority) lesser.push(other)
  if (lesser.length === 0) return onlyImportant
  lesser.sort(byImportance)
  return search.snapshot.untouched(node.slot, () => victimsAmong(lesser, node, search))
}
const onlyImportant = [noVictims]

const victimsAmong = (lesser: readonly PodInfo[], node: NodeInfo, { budgets, trial }: Search): Outcome => {
  const { name, slot } = node
  const away = new Set<PodInfo>()
  const take = (other: PodInfo) => {
    trial.remove(other, name, slot)
    away.add(other)
  }
  const giveBack = (other: PodInfo) => {
    trial.add(other, name, slot)
    away.delete(other)
  }
  for (const other of lesser) take(other)
  try {
    const verdict = trial.fits(slot)
    if (verdict) return verdict.reasons
    const breaking = breakingBudgets(lesser, budgets)
    const ordered =
      breaking.size === 0 ? lesser : [...lesser.filter((other) => breaking.has(other)), ...lesser.filter((other) => !breaking.has(other))]
    for (const other of ordered) {
      giveBack(other)
      if (trial.fits(slot)) take(other)
    }
    const victims = lesser.filter((other) => away.has(other))
    // Something else than these pods keeps it off: an extender, for one.
    if (victims.length === 0) return { fault: `expected at least one victim pod on node "${name}"` }
    return candidateOf(node, victims, victims.filter((other) => breaking.has(other)).length)
  } finally {
    for (const other of [...away]) giveBack(other)
  }
}
