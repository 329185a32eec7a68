import type { Job, Pod } from '@skiff/api'
import { isActive } from '../pods.ts'
import { matchPolicy } from './failure-policy.ts'
import { indexOf } from './indexes.ts'

export const failureCountAnnotation = 'batch.kubernetes.io/job-index-failure-count'
const ignoredCountAnnotation = 'batch.kubernetes.io/job-index-ignored-failure-count'

const countOf = (pod: Pod, annotation: string): number => Number(pod.metadata.annotations?.[annotation] ?? 0) || 0
/** Failures before this pod's own, those included that the failure policy ignored. */
const triesBefore = (pod: Pod): number => countOf(pod, failureCountAnnotation) + countOf(pod, ignoredCountAnnotation)

/** Whether this failure is the one too many of its index. */
export const failsIndex = (job: Job, pod: Pod, limit: number): boolean => {
  const action = pod.status?.phase === 'Failed' ? matchPolicy(job, pod)?.action : undefined
  if (action === 'FailIndex') return true
  return action !== 'Ignore' && countOf(pod, failureCountAnnotation) >= limit
}

/**
 * For each index that is to be tried again, the pod that failed last. It carries how often the index failed, so it is kept until its
 * successor carries that on.
 */
export const lastFailures = (
  failed: readonly Pod[],
  mine: readonly Pod[],
  isOver: (index: number) => boolean,
): ReadonlyMap<number, Pod> => {
  const busy = new Set(mine.filter(isActive).map(indexOf))
  const last = new Map<number, Pod>()
  for (const pod of failed) {
    const index = indexOf(pod)
    if (index === undefined || isOver(index) || busy.has(index)) continue
    const held = last.get(index)
    if (!held || triesBefore(held) <= triesBefore(pod)) last.set(index, pod)
  }
  return last
}

/** What the next pod of an index is told of the failures so far. */
export const failureAnnotations = (job: Job, replaced: Pod | undefined): Record<string, string> => {
  if (!replaced) return { [failureCountAnnotation]: '0' }
  const ignored = replaced.status?.phase === 'Failed' && matchPolicy(job, replaced)?.action === 'Ignore'
  const counted = countOf(replaced, failureCountAnnotation) + (ignored ? 0 : 1)
  const left = countOf(replaced, ignoredCountAnnotation) + (ignored ? 1 : 0)
  return { [failureCountAnnotation]: String(counted), ...(left > 0 ? { [ignoredCountAnnotation]: String(left) } : {}) }
}

/** How many times the index has failed with this pod. */
export const triesWith = (pod: Pod): number => triesBefore(pod) + 1
