import type { Taint, Toleration } from '@skiff/api'

export const tolerates = (toleration: Toleration, taint: Taint): boolean => {
  if (toleration.effect && toleration.effect !== taint.effect) return false
  if (toleration.key && toleration.key !== taint.key) return false
  // An empty key with Exists tolerates everything; an absent operator is Equal.
  return toleration.operator === 'Exists' || (toleration.value ?? '') === (taint.value ?? '')
}

export const tolerated = (taint: Taint, tolerations: readonly Toleration[] | undefined): boolean =>
  tolerations?.some((each) => tolerates(each, taint)) ?? false

/** The first taint that keeps a pod off a node. */
export const untolerated = (taints: readonly Taint[] | undefined, tolerations: readonly Toleration[] | undefined): Taint | undefined =>
  taints?.find((taint) => taint.effect !== 'PreferNoSchedule' && !tolerated(taint, tolerations))
