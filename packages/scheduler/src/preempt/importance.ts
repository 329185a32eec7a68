import type { PodInfo } from '../snapshot/pod-info.ts'

/** When the pod began to run; one that has not begun counts as younger than all others. */
export const startMs = ({ pod }: PodInfo): number => {
  const text = pod.status?.startTime
  return text === undefined ? Number.MAX_SAFE_INTEGER : Date.parse(text)
}

/** More important first: by priority, then by who runs longer. For sort. */
export const byImportance = (a: PodInfo, b: PodInfo): number => b.priority - a.priority || startMs(a) - startMs(b)
