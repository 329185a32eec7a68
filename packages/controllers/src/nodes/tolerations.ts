import type { Pod, Taint, Toleration } from '@skiff/api'

/** Whether a toleration covers a taint: an empty effect or key covers all, and Exists asks for no value. */
export const tolerates = (toleration: Toleration, taint: Taint): boolean => {
  if (toleration.effect && toleration.effect !== taint.effect) return false
  if (toleration.key && toleration.key !== taint.key) return false
  switch (toleration.operator ?? 'Equal') {
    case 'Exists':
      return true
    case 'Equal':
      return Boolean(toleration.key) && (toleration.value ?? '') === (taint.value ?? '')
    default:
      return false
  }
}

/**
 * When the pod has to leave, in ms: now for a taint that it does not tolerate, the earliest end of its tolerations otherwise,
 * undefined for never. `sinceMs` tells since when a taint counts.
 */
export const mustLeaveAtMs = (pod: Pod, taints: readonly Taint[], sinceMs: (taint: Taint) => number): number | undefined => {
  const ends = taints.map((taint): number => {
    const toleration = (pod.spec.tolerations ?? []).find((one) => tolerates(one, taint))
    if (!toleration) return 0
    const seconds = toleration.tolerationSeconds
    return seconds === undefined ? Number.POSITIVE_INFINITY : sinceMs(taint) + Math.max(0, seconds) * 1_000
  })
  const first = Math.min(...ends)
  return Number.isFinite(first) ? first : undefined
}
