import type { SchedulerMetrics } from '../metrics/scheduler-metrics.ts'
import type { Enabled, Profile } from '../profile/profile.ts'
import type { PodInfo } from '../snapshot/pod-info.ts'
import { type Cluster, isVerdict, type PodPlugin, type Verdict } from './framework.ts'

/** A plugin that has something to say of a pod. */
export interface Begun {
  readonly enabled: Enabled
  readonly run: PodPlugin
}
export type Filter = NonNullable<PodPlugin['filter']>

/** Times each plugin of one pod's cycle: told only for the few cycles that are measured so. */
export interface Stopwatch {
  readonly nowMs: () => number
  readonly metrics: SchedulerMetrics
}

/**
 * Asks the plugins of a profile about a pod. A verdict on all nodes that preemption cannot change ends it at once; one that it can is
 * kept, as upstream keeps it, for when no later plugin is stricter.
 */
export const begin = (
  { enabled }: Profile,
  pod: PodInfo,
  cluster: Cluster,
  watch?: Stopwatch,
): { readonly begun: Begun[]; readonly atBegin?: Verdict } => {
  const begun: Begun[] = []
  let refused: Verdict | undefined
  for (const each of enabled) {
    const sinceMs = watch?.nowMs() ?? 0
    const run = each.plugin.begin?.(pod, cluster) ?? 'skip'
    if (watch && each.at.preFilter) watch.metrics.pluginRan(each.plugin.name, 'PreFilter', statusOf(run), watch.nowMs() - sinceMs)
    if (run === 'skip') continue
    if (!isVerdict(run)) begun.push({ enabled: each, run })
    else if (each.at.preFilter || each.at.filter) {
      if (run.unresolvable) return { begun, atBegin: run }
      refused = run
    }
  }
  return refused ? { begun, atBegin: refused } : { begun }
}

const statusOf = (answer: PodPlugin | 'skip' | Verdict | undefined): string => {
  if (answer === 'skip') return 'Skip'
  if (!answer || !isVerdict(answer)) return 'Success'
  return answer.unresolvable ? 'UnschedulableAndUnresolvable' : 'Unschedulable'
}

/** The first verdict of several filters. */
export const together = (filters: readonly Filter[]): Filter => {
  // Asked for each node: no iterator for each of them.
  const { length } = filters
  return (slot) => {
    for (let at = 0; at < length; at += 1) {
      const verdict = (filters[at] as Filter)(slot)
      if (verdict) return verdict
    }
    return undefined
  }
}

export const filtersOf = (begun: readonly Begun[], perNode?: boolean): Filter[] => {
  const filters: Filter[] = []
  for (const { enabled, run } of begun) {
    if (!run.filter || !enabled.at.filter) continue
    if (perNode === undefined || (enabled.plugin.perNode ?? false) === perNode) filters.push(run.filter)
  }
  return filters
}

/** Asks each filter about one node, for the time that it takes. */
export const timeFilters = (begun: readonly Begun[], slot: number, { nowMs, metrics }: Stopwatch): void => {
  for (const { enabled, run } of begun) {
    if (!run.filter || !enabled.at.filter) continue
    const sinceMs = nowMs()
    const verdict = run.filter(slot)
    metrics.pluginRan(enabled.plugin.name, 'Filter', statusOf(verdict), nowMs() - sinceMs)
  }
}
