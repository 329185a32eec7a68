import type { PodDisruptionBudget } from '@skiff/api'
import { noVictims } from '../cycle/fit-error.ts'
import type { Verdict } from '../cycle/framework.ts'
import type { PodInfo } from '../snapshot/pod-info.ts'
import type { NodeInfo, Snapshot } from '../snapshot/snapshot.ts'
import { breakingBudgets } from './disruption.ts'
import { byImportance } from './importance.ts'

/** A node that would take the pod once `victims` are gone; the most important victim first. */
export interface Candidate {
  readonly node: NodeInfo
  readonly victims: readonly PodInfo[]
  /** How many of them a disruption budget protects. */
  readonly broken: number
}

export interface Trial {
  readonly snapshot: Snapshot
  readonly budgets: readonly PodDisruptionBudget[]
  readonly fits: (pod: PodInfo, slot: number) => Verdict | undefined
}

/**
 * The fewest and least important pods whose going makes room: all that are less important go, then as many as possible come back,
 * the most important first, those that a budget protects before the others. The snapshot is changed on the way and is as before
 * in the end. Gives reasons when the node is of no use.
 */
export const findVictims = (pod: PodInfo, node: NodeInfo, { snapshot, budgets, fits }: Trial): Candidate | readonly string[] => {
  const lesser = [...node.pods.values()].filter((other) => other.priority < pod.priority).sort(byImportance)
  if (lesser.length === 0) return [noVictims]
  const away = new Set<PodInfo>()
  const take = (other: PodInfo) => {
    snapshot.removePod(other, node.name)
    away.add(other)
  }
  const giveBack = (other: PodInfo) => {
    snapshot.addPod(other, node.name)
    away.delete(other)
  }
  for (const other of lesser) take(other)
  try {
    const verdict = fits(pod, node.slot)
    if (verdict) return verdict.reasons
    const breaking = breakingBudgets(lesser, budgets)
    const ordered = [...lesser.filter((other) => breaking.has(other)), ...lesser.filter((other) => !breaking.has(other))]
    for (const other of ordered) {
      giveBack(other)
      if (fits(pod, node.slot)) take(other)
    }
    const victims = lesser.filter((other) => away.has(other))
    return { node, victims, broken: victims.filter((other) => breaking.has(other)).length }
  } finally {
    for (const other of [...away]) giveBack(other)
  }
}
