import type { Env } from '@skiff/machinery'
import { parseTimeMs } from '@skiff/machinery'
import { type Dynamic, listAt, mapAt, textAt } from '../objects/fields.ts'

/** What drain may do, as its flags say. */
export interface DrainRules {
  readonly force: boolean
  readonly ignoreDaemonSets: boolean
  readonly deleteEmptyDirData: boolean
  /** A pod whose deletion began longer ago is passed over; 0 is never. */
  readonly skipDeletedSeconds: number
}

/** A pod goes or stays, with a warning or an error for the reason. */
interface Verdict {
  readonly goes: boolean
  readonly warning?: string
  readonly error?: string
}

export interface DrainPlan {
  readonly goes: readonly Dynamic[]
  /** `ignoring DaemonSet-managed Pods: kube-system/a, kube-system/b; …` or ''. */
  readonly warnings: string
  readonly errors: readonly string[]
}

const ok: Verdict = { goes: true }
const isOver = (pod: Dynamic): boolean => ['Succeeded', 'Failed'].includes(textAt(pod, 'status.phase'))
export const controllerOf = (pod: Dynamic) => pod.metadata.ownerReferences?.find(({ controller }) => controller === true)

const daemonSet = (pod: Dynamic, rules: DrainRules, lacks: (pod: Dynamic) => string | undefined): Verdict => {
  if (controllerOf(pod)?.kind !== 'DaemonSet' || isOver(pod)) return ok
  const missing = lacks(pod)
  if (missing !== undefined) return rules.force ? { goes: true, warning: missing } : { goes: false, error: missing }
  return rules.ignoreDaemonSets
    ? { goes: false, warning: 'ignoring DaemonSet-managed Pods' }
    : { goes: false, error: 'cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore)' }
}

const localStorage = (pod: Dynamic, rules: DrainRules): Verdict => {
  if (isOver(pod) || !listAt(pod, 'spec.volumes').some((volume) => volume.emptyDir !== undefined)) return ok
  return rules.deleteEmptyDirData
    ? { goes: true, warning: 'deleting Pods with local storage' }
    : { goes: false, error: 'cannot delete Pods with local storage (use --delete-emptydir-data to override)' }
}

const unmanaged = (pod: Dynamic, rules: DrainRules): Verdict => {
  if (isOver(pod) || controllerOf(pod)) return ok
  // "cannot delete" twice is kubectl's own slip, and scripts may look for it.
  return rules.force
    ? { goes: true, warning: 'deleting Pods that declare no controller' }
    : { goes: false, error: 'cannot delete cannot delete Pods that declare no controller (use --force to override)' }
}

/** Seconds since the pod's deletion was asked for exceed the limit. */
export const passedOver = (pod: Dynamic, limitSeconds: number, nowMs: number): boolean =>
  limitSeconds > 0 &&
  pod.metadata.deletionTimestamp !== undefined &&
  (nowMs - parseTimeMs(pod.metadata.deletionTimestamp)) / 1000 > limitSeconds

const verdictOn = (pod: Dynamic, rules: DrainRules, lacks: (pod: Dynamic) => string | undefined, nowMs: number): Verdict => {
  let last = ok
  const tests = [
    (): Verdict => ({ goes: !passedOver(pod, rules.skipDeletedSeconds, nowMs) }),
    () => daemonSet(pod, rules, lacks),
    (): Verdict => ({ goes: !Object.hasOwn(mapAt(pod, 'metadata.annotations'), 'kubernetes.io/config.mirror') }),
    () => localStorage(pod, rules),
    () => unmanaged(pod, rules),
  ]
  // Only the last verdict's warning counts, and the first refusal ends it, as in kubectl.
  for (const test of tests) {
    last = test()
    if (!last.goes) return last
  }
  return last
}

const grouped = (pairs: readonly (readonly [string, Dynamic])[]): string[] => {
  const groups = new Map<string, string[]>()
  for (const [text, { metadata }] of pairs) groups.set(text, [...(groups.get(text) ?? []), `${metadata.namespace}/${metadata.name}`])
  return [...groups].map(([text, names]) => `${text}: ${names.join(', ')}`)
}

/** Which of a node's pods go. `lacks` tells why a pod's DaemonSet could not be read. */
export const planDrain = (
  pods: readonly Dynamic[],
  rules: DrainRules,
  lacks: (pod: Dynamic) => string | undefined,
  env: Pick<Env, 'now'>,
): DrainPlan => {
  const judged = pods.map((pod) => [pod, verdictOn(pod, rules, lacks, env.now())] as const)
  return {
    goes: judged.filter(([, { goes }]) => goes).map(([pod]) => pod),
    warnings: grouped(judged.flatMap(([pod, { warning }]) => (warning === undefined ? [] : [[warning, pod] as const]))).join('; '),
    errors: grouped(judged.flatMap(([pod, { error }]) => (error === undefined ? [] : [[error, pod] as const]))),
  }
}
