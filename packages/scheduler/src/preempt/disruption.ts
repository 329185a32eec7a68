import type { PodDisruptionBudget } from '@skiff/api'
import { compileLabelSelector } from '@skiff/machinery'
import type { PodInfo } from '../snapshot/pod-info.ts'

/** Of `pods`, in their order, those whose going would break a budget, when the ones before them go too. */
export const breakingBudgets = (pods: readonly PodInfo[], budgets: readonly PodDisruptionBudget[]): ReadonlySet<PodInfo> => {
  const left = budgets.map(({ metadata, spec, status }) => ({
    namespace: metadata.namespace,
    selector: compileLabelSelector(spec.selector),
    allowed: status?.disruptionsAllowed ?? 0,
    disrupted: status?.disruptedPods ?? {},
  }))
  const breaking = new Set<PodInfo>()
  for (const pod of pods) {
    if (Object.keys(pod.labels).length === 0) continue
    for (const budget of left) {
      // As upstream: an empty selector protects nothing here, and a pod on its way out is counted already.
      if (budget.namespace !== pod.namespace || budget.selector.empty || !budget.selector.matches(pod.labels)) continue
      if (Object.hasOwn(budget.disrupted, pod.pod.metadata.name)) continue
      budget.allowed -= 1
      if (budget.allowed < 0) breaking.add(pod)
    }
  }
  return breaking
}
