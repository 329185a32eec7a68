import type { Pod, PodTemplateSpec, Resource } from '@skiff/api'
import type { KubeObject } from '@skiff/machinery'
import { rfc3339 } from '@skiff/machinery'
import { type Condition, conditionOf, withCondition, withoutCondition } from '../conditions.ts'
import { controlledBy } from '../ownership.ts'
import { createPod, removePod } from '../pod-changes.ts'
import { isActive, isAvailable, isFinished, isReady, podFromTemplate, readySinceMs } from '../pods.ts'
import { fail, type Outcome, reasonOf, requeue, type Step, type Steps, together, updateStatus } from '../runner/step.ts'
import { same } from '../same.ts'
import { hasLabels } from '../selector.ts'
import { leastUseful } from './rank.ts'

// As upstream: at most so many pods are made or removed in one plan.
const burst = 500

export interface ReplicaStatus {
  readonly replicas: number
  readonly fullyLabeledReplicas?: number
  readonly readyReplicas?: number
  readonly availableReplicas?: number
  readonly observedGeneration?: number
  /** Pods on their way out; kept only under DeploymentReplicaSetTerminatingReplicas, and then also when it is none. */
  readonly terminatingReplicas?: number
  readonly conditions?: readonly Condition[]
}
/** What a ReplicaSet and a ReplicationController have in common. */
export interface Replicated extends KubeObject {
  readonly spec: { readonly replicas?: number; readonly minReadySeconds?: number; readonly template?: PodTemplateSpec }
  readonly status?: ReplicaStatus
}

/**
 * Makes or removes pods until `owner` has as many as it wants, and writes what it sees into its status. `mine` are the pods that it
 * controls; `related` are the pods among which neighbours on a node are counted. `terminating`: those on their way out are told as well.
 */
export const planReplicas = <T extends Replicated>(
  resource: Resource<T>,
  owner: T,
  mine: readonly Pod[],
  related: () => Iterable<Pod>,
  nowMs: number,
  terminating = false,
): Steps => {
  const active = mine.filter(isActive)
  const missing = owner.metadata.deletionTimestamp === undefined ? (owner.spec.replicas ?? 1) - active.length : 0
  const changes =
    missing > 0
      ? times(Math.min(missing, burst), () =>
          createPod(owner, podFromTemplate(owner.spec.template, controlledBy(resource, owner), owner.metadata.namespace)),
        )
      : surplus(active, Math.min(-missing, burst), related, nowMs).map((pod) => removePod(owner, pod))
  const leaving = terminating ? { terminatingReplicas: mine.filter(isTerminating).length } : {}
  const finish = (failure: unknown): Steps => [
    ...statusIfChanged(resource, owner, { ...statusOf(owner, active, failure, missing, nowMs), ...leaving }),
    ...(failure === undefined ? [] : [fail(failure)]),
    ...recheck(owner, active, nowMs),
  ]
  if (changes.length === 0) return finish(undefined)
  return [together(changes, { slowStart: missing > 0, after: (outcomes) => finish(firstFailure(outcomes)) })]
}

const isTerminating = (pod: Pod): boolean => !isFinished(pod) && pod.metadata.deletionTimestamp !== undefined

const times = (count: number, make: () => Step): Step[] => Array.from({ length: count }, make)

const firstFailure = (outcomes: readonly Outcome[]): unknown => outcomes.find((outcome) => outcome.error !== undefined)?.error

const surplus = (active: readonly Pod[], count: number, related: () => Iterable<Pod>, nowMs: number): readonly Pod[] => {
  if (count <= 0) return []
  if (count >= active.length) return active
  const onNode = new Map<string, number>()
  for (const pod of related()) {
    const node = pod.spec.nodeName
    if (node && isActive(pod)) onNode.set(node, (onNode.get(node) ?? 0) + 1)
  }
  return leastUseful(active, (pod) => onNode.get(pod.spec.nodeName ?? '') ?? 0, nowMs).slice(0, count)
}

const statusOf = (owner: Replicated, active: readonly Pod[], failure: unknown, missing: number, nowMs: number): ReplicaStatus => {
  const labels = owner.spec.template?.metadata?.labels ?? {}
  const held = owner.status?.conditions
  const failed = conditionOf(held, 'ReplicaFailure')
  const conditions =
    failure === undefined
      ? withoutCondition(held, 'ReplicaFailure')
      : failed
        ? held
        : withCondition(held, {
            type: 'ReplicaFailure',
            status: 'True',
            lastTransitionTime: rfc3339(nowMs),
            reason: missing > 0 ? 'FailedCreate' : 'FailedDelete',
            message: `${missing > 0 ? '' : 'unable to delete pods: '}${reasonOf(failure)}`,
          })
  return {
    replicas: active.length,
    fullyLabeledReplicas: active.filter((pod) => hasLabels(pod.metadata.labels, labels)).length,
    readyReplicas: active.filter(isReady).length,
    availableReplicas: active.filter((pod) => isAvailable(pod, owner.spec.minReadySeconds ?? 0, nowMs)).length,
    observedGeneration: owner.metadata.generation ?? 0,
    ...(conditions?.length ? { conditions } : {}),
  }
}

const numbers = ['replicas', 'fullyLabeledReplicas', 'readyReplicas', 'availableReplicas', 'observedGeneration'] as const

const statusIfChanged = <T extends Replicated>(resource: Resource<T>, owner: T, next: ReplicaStatus): Steps => {
  const held = owner.status
  const isSame = held && numbers.every((name) => (held[name] ?? 0) === (next[name] ?? 0)) && same(held.conditions, next.conditions)
  if (isSame && held.terminatingReplicas === next.terminatingReplicas) return []
  // Zeros are left out as Go's encoder leaves them out; replicas is always written.
  const { replicas, conditions, terminatingReplicas } = next
  const leaving = terminatingReplicas === undefined ? {} : { terminatingReplicas }
  const rest = Object.fromEntries(numbers.filter((name) => name !== 'replicas' && next[name] !== 0).map((name) => [name, next[name]]))
  return [updateStatus(resource, { ...owner, status: { replicas, ...rest, ...leaving, ...(conditions ? { conditions } : {}) } })]
}

/** Pods that are ready but not long enough become available without any change that would wake us. */
const recheck = (owner: Replicated, active: readonly Pod[], nowMs: number): Steps => {
  const minReadyMs = (owner.spec.minReadySeconds ?? 0) * 1_000
  const waits = active.map((pod) => (readySinceMs(pod) ?? 0) + minReadyMs - nowMs).filter((waitMs) => waitMs > 0)
  return waits.length > 0 ? [requeue(Math.min(...waits))] : []
}
