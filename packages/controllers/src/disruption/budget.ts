import type { Pod, PodDisruptionBudget, Resource } from '@skiff/api'
import { podDisruptionBudget as budgets, pod as pods } from '@skiff/api'
import type { Views } from '@skiff/client'
import { type LabelSelector, rfc3339 } from '@skiff/machinery'
import { conditionOf } from '../conditions.ts'
import { isReady } from '../pods.ts'
import { event, requeue, type Step, type Steps, updateStatus } from '../runner/step.ts'
import { same } from '../same.ts'
import { selectorOf } from '../selector.ts'
import { type Need, withNeed } from './expected.ts'

type Status = NonNullable<PodDisruptionBudget['status']>

// How long an eviction that was allowed may take until the pod is seen to go; then it counts as present again.
const disruptionMs = 120_000

/** What a budget's status should be, from its pods and what their controllers want. */
export const planBudget = (budget: PodDisruptionBudget, views: Views, resources: readonly Resource[], nowMs: number): Steps => {
  const matches = selectorOf(budget.spec.selector)
  const selected = [...views.view(pods).list(budget.metadata.namespace ?? '')].filter((pod) => matches(pod.metadata.labels))
  return [
    ...(selected.length === 0 ? [event(budget, 'Normal', 'NoPods', 'No matching pods found')] : []),
    ...withNeed(budget, selected, views, resources, (need) =>
      need instanceof Error ? planFailed(budget, need, nowMs) : planCounted(budget, selected, need, nowMs),
    ),
  ]
}

const planFailed = (budget: PodDisruptionBudget, error: Error, nowMs: number): Steps => {
  const told = `Failed to calculate the number of expected pods: ${error.message}`
  return [event(budget, 'Warning', 'CalculateExpectedPodCountFailed', told), ...writeStatus(budget, failedStatus(budget, error, nowMs))]
}

const planCounted = (budget: PodDisruptionBudget, selected: readonly Pod[], need: Need, nowMs: number): Steps => {
  const { pending, overdue, recheckMs } = pendingDisruptions(budget, selected, nowMs)
  const healthy = selected.filter(
    (pod) => isReady(pod) && pod.metadata.deletionTimestamp === undefined && pending[pod.metadata.name] === undefined,
  ).length
  const allowed = need.expected <= 0 ? 0 : Math.max(0, healthy - need.desired)
  const status: Status = {
    observedGeneration: budget.metadata.generation ?? 0,
    ...(Object.keys(pending).length > 0 ? { disruptedPods: pending } : {}),
    disruptionsAllowed: allowed,
    currentHealthy: healthy,
    desiredHealthy: need.desired,
    expectedPods: need.expected,
    conditions: conditionsWith(budget, allowed > 0 ? 'True' : 'False', allowed > 0 ? 'SufficientPods' : 'InsufficientPods', '', nowMs),
  }
  return [
    ...(need.unmanaged.length > 0 ? [event(budget, 'Warning', 'UnmanagedPods', unmanagedText(budget.spec.selector))] : []),
    ...overdue.map((pod) => notDeleted(budget, pod)),
    ...writeStatus(budget, status),
    ...(recheckMs === undefined ? [] : [requeue(recheckMs)]),
  ]
}

/** Evictions under way, without those that are done or took too long. */
const pendingDisruptions = (budget: PodDisruptionBudget, selected: readonly Pod[], nowMs: number) => {
  const held = new Map(Object.entries(budget.status?.disruptedPods ?? {}))
  const pending: Record<string, string> = Object.create(null)
  const overdue: Pod[] = []
  let recheckMs: number | undefined
  for (const pod of selected) {
    const atText = held.get(pod.metadata.name)
    if (atText === undefined || pod.metadata.deletionTimestamp !== undefined) continue
    const leftMs = Date.parse(atText) + disruptionMs - nowMs
    if (leftMs <= 0) {
      overdue.push(pod)
      continue
    }
    pending[pod.metadata.name] = atText
    recheckMs = Math.min(recheckMs ?? leftMs, leftMs)
  }
  return { pending, overdue, recheckMs }
}

const notDeleted = ({ metadata: { namespace, name } }: PodDisruptionBudget, pod: Pod): Step =>
  event(pod, 'Warning', 'NotDeleted', `Pod was expected by PDB ${namespace}/${name} to be deleted but it wasn't`)

const unmanagedText = (selector: LabelSelector | undefined): string =>
  `Pods selected by this PodDisruptionBudget (selector: ${printed(selector)}) were found to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.`

/** A selector as Go prints it. */
const printed = (selector: LabelSelector | undefined): string => {
  const labels = Object.entries(selector?.matchLabels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
  const terms = (selector?.matchExpressions ?? []).map(
    ({ key, operator, values }) => `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${(values ?? []).join(' ')}],}`,
  )
  return `&LabelSelector{MatchLabels:map[string]string{${labels.map(([name, value]) => `${name}: ${value},`).join('')}},MatchExpressions:[]LabelSelectorRequirement{${terms.map((term) => `${term},`).join('')}},}`
}

const conditionsWith = (
  budget: PodDisruptionBudget,
  status: 'True' | 'False',
  reason: string,
  message: string,
  nowMs: number,
  observedGeneration = budget.metadata.generation ?? 0,
): Status['conditions'] => {
  const type = 'DisruptionAllowed'
  const held = budget.status?.conditions ?? []
  const before = conditionOf(held, type)
  const lastTransitionTime = before?.status === status ? before.lastTransitionTime : rfc3339(nowMs)
  const next = { type, status, observedGeneration, lastTransitionTime, reason, message }
  return before ? held.map((one) => (one === before ? next : one)) : [...held, next]
}

/** Without knowing what is needed nothing may be disrupted; its spec was not followed, so its generation counts as unseen. */
const failedStatus = (budget: PodDisruptionBudget, error: Error, nowMs: number): Status => ({
  ...{ currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 },
  ...budget.status,
  disruptionsAllowed: 0,
  conditions: conditionsWith(budget, 'False', 'SyncFailed', error.message, nowMs, budget.status?.observedGeneration ?? 0) ?? [],
})

const writeStatus = (budget: PodDisruptionBudget, status: Status): Steps =>
  same(budget.status, status) ? [] : [updateStatus(budgets, { ...budget, status })]
