import type { Deployment, Pod, PodDisruptionBudget, ReplicaSet, ReplicationController, Resource, StatefulSet } from '@skiff/api'
import {
  podDisruptionBudget as budgets,
  deployment as deployments,
  pod as pods,
  replicaSet as replicaSets,
  replicationController as replicationControllers,
  statefulSet as statefulSets,
} from '@skiff/api'
import type { ViewChange, Views } from '@skiff/client'
import { controllerOf, type KubeObject, keyOf, rfc3339, splitApiVersion } from '@skiff/machinery'
import { conditionOf } from '../conditions.ts'
import { scaledValue } from '../deployment/limits.ts'
import { isReady } from '../pods.ts'
import { type Controller, objectController, reading, watching } from '../runner/controller.ts'
import { event, requeue, type Steps, updateStatus } from '../runner/step.ts'
import { same } from '../same.ts'
import { selects } from '../selector.ts'

// How long an eviction that was allowed may take until the pod is seen to go; then it counts as present again.
const disruptionMs = 120_000

type Scaled = ReplicaSet | ReplicationController | StatefulSet | Deployment
const scalable: readonly Resource<Scaled>[] = [replicaSets, replicationControllers, statefulSets, deployments] as never

const ownerOf = (object: KubeObject, views: Views): { readonly resource: Resource; readonly owner: Scaled } | undefined => {
  const reference = controllerOf(object)
  if (!reference) return undefined
  const { group } = splitApiVersion(reference.apiVersion)
  const resource = scalable.find((one) => one.kind === reference.kind && one.group === group)
  const { namespace } = object.metadata
  const owner = resource && views.view(resource).get(keyOf({ metadata: { ...(namespace ? { namespace } : {}), name: reference.name } }))
  return resource && owner && owner.metadata.uid === reference.uid ? { resource, owner } : undefined
}

/** How many pods the controllers of `selected` want together; an Error for a pod whose controller has no scale that is known. */
const wantedByControllers = (selected: readonly Pod[], views: Views): number | Error => {
  const sizes = new Map<string, number>()
  for (const pod of selected) {
    const direct = ownerOf(pod, views)
    if (!direct) return new Error(`found no controllers for pod ${JSON.stringify(pod.metadata.name)}`)
    const top = direct.resource.kind === 'ReplicaSet' ? (ownerOf(direct.owner, views) ?? direct) : direct
    sizes.set(top.owner.metadata.uid, top.owner.spec.replicas ?? 1)
  }
  return [...sizes.values()].reduce((total, size) => total + size, 0)
}

interface Need {
  readonly expected: number
  readonly desired: number
}
const needOf = ({ spec }: PodDisruptionBudget, selected: readonly Pod[], views: Views): Need | Error => {
  const { minAvailable, maxUnavailable } = spec
  if (maxUnavailable === undefined && typeof minAvailable === 'number') return { expected: selected.length, desired: minAvailable }
  if (maxUnavailable === undefined && minAvailable === undefined) return { expected: 0, desired: 0 }
  const expected = wantedByControllers(selected, views)
  if (expected instanceof Error) return expected
  const desired =
    maxUnavailable !== undefined
      ? Math.max(0, expected - scaledValue(maxUnavailable, expected, true))
      : scaledValue(minAvailable, expected, true)
  return { expected, desired }
}

/** Evictions under way, without those that are done or took too long. */
const pendingDisruptions = (budget: PodDisruptionBudget, selected: readonly Pod[], nowMs: number) => {
  const pending: Record<string, string> = {}
  let recheckMs: number | undefined
  for (const pod of selected) {
    const atText = budget.status?.disruptedPods?.[pod.metadata.name]
    if (atText === undefined || pod.metadata.deletionTimestamp !== undefined) continue
    const leftMs = Date.parse(atText) + disruptionMs - nowMs
    if (leftMs <= 0) continue
    pending[pod.metadata.name] = atText
    recheckMs = Math.min(recheckMs ?? leftMs, leftMs)
  }
  return { pending, recheckMs }
}

export const planBudget = (budget: PodDisruptionBudget, views: Views, nowMs: number): Steps => {
  const all = [...views.view(pods).list(budget.metadata.namespace ?? '')]
  const selected = all.filter((pod) => selects(budget.spec.selector, pod.metadata.labels))
  const none = selected.length === 0 ? [event(budget, 'Normal', 'NoPods', 'No matching pods found')] : []
  const need = needOf(budget, selected, views)
  if (need instanceof Error) {
    const told = `Failed to calculate the number of expected pods: ${need.message}`
    return [
      ...none,
      event(budget, 'Warning', 'CalculateExpectedPodCountFailed', told),
      ...writeStatus(budget, failedStatus(budget, need, nowMs)),
    ]
  }
  const { pending, recheckMs } = pendingDisruptions(budget, selected, nowMs)
  const healthy = selected.filter(
    (pod) => isReady(pod) && pod.metadata.deletionTimestamp === undefined && pending[pod.metadata.name] === undefined,
  ).length
  const allowed = need.expected <= 0 ? 0 : Math.max(0, healthy - need.desired)
  const status = {
    observedGeneration: budget.metadata.generation ?? 0,
    ...(Object.keys(pending).length > 0 ? { disruptedPods: pending } : {}),
    disruptionsAllowed: allowed,
    currentHealthy: healthy,
    desiredHealthy: need.desired,
    expectedPods: need.expected,
    conditions: conditionsWith(budget, allowed > 0 ? 'True' : 'False', allowed > 0 ? 'SufficientPods' : 'InsufficientPods', '', nowMs),
  }
  return [...none, ...writeStatus(budget, status), ...(recheckMs === undefined ? [] : [requeue(recheckMs)])]
}

type Status = NonNullable<PodDisruptionBudget['status']>

const conditionsWith = (
  budget: PodDisruptionBudget,
  status: 'True' | 'False',
  reason: string,
  message: string,
  nowMs: number,
): Status['conditions'] => {
  const type = 'DisruptionAllowed'
  const held = conditionOf(budget.status?.conditions, type)
  const others = (budget.status?.conditions ?? []).filter((one) => one.type !== type)
  const lastTransitionTime = held?.status === status ? held.lastTransitionTime : rfc3339(nowMs)
  const { generation: observedGeneration = 0 } = budget.metadata
  return [...others, { type, status, observedGeneration, lastTransitionTime, reason, message }] as Status['conditions']
}

/** Without knowing what is needed nothing may be disrupted. */
const failedStatus = (budget: PodDisruptionBudget, error: Error, nowMs: number): Status => ({
  currentHealthy: 0,
  desiredHealthy: 0,
  expectedPods: 0,
  ...budget.status,
  observedGeneration: budget.metadata.generation ?? 0,
  disruptionsAllowed: 0,
  conditions: conditionsWith(budget, 'False', 'SyncFailed', error.message, nowMs) ?? [],
})

const writeStatus = (budget: PodDisruptionBudget, status: Status): Steps =>
  same(budget.status, status) ? [] : [updateStatus(budgets, { ...budget, status })]

const budgetsOf = ({ before, after }: ViewChange<Pod>, views: Views): string[] => {
  const shown = (pod: Pod | undefined) =>
    pod && [pod.metadata.labels, pod.metadata.deletionTimestamp, isReady(pod), pod.metadata.ownerReferences]
  if (before && after && same(shown(before), shown(after))) return []
  const namespace = (after ?? before)?.metadata.namespace ?? ''
  return [...views.view(budgets).list(namespace)]
    .filter((budget) => [before, after].some((pod) => pod && selects(budget.spec.selector, pod.metadata.labels)))
    .map(keyOf)
}

export const disruptionController = (): Controller =>
  objectController({
    name: 'disruption-controller',
    account: 'disruption-controller',
    component: 'controllermanager',
    resource: budgets,
    watches: [watching({ resource: pods, keys: budgetsOf }), ...scalable.map((resource) => reading(resource))],
    plan: planBudget,
  })
