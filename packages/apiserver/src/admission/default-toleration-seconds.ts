import type { Pod, Toleration } from '@skiff/api'
import type { AdmissionPlugin } from './admission.ts'
import { createdPod, updatedPod } from './pod-request.ts'

/** How long pods that say nothing stay on a node, as upstream's --default-not-ready-toleration-seconds and --default-unreachable-toleration-seconds. */
export interface NodePatience {
  readonly notReadySeconds?: number
  readonly unreachableSeconds?: number
}

const usualSeconds = 300

const tolerates = (pod: Pod, key: string): boolean =>
  pod.spec.tolerations?.some((each) => (each.key === key || !each.key) && (each.effect === 'NoExecute' || !each.effect)) ?? false

/** Five minutes of patience with a node that is not ready or unreachable, where the pod says nothing. */
export const defaultTolerationSeconds = ({ notReadySeconds, unreachableSeconds }: NodePatience = {}): AdmissionPlugin => {
  const conditions = [
    ['node.kubernetes.io/not-ready', notReadySeconds ?? usualSeconds],
    ['node.kubernetes.io/unreachable', unreachableSeconds ?? usualSeconds],
  ] as const
  return {
    name: 'DefaultTolerationSeconds',
    mutate: (request) => {
      const pod = createdPod(request) ?? updatedPod(request)
      if (!pod) return request.object
      const missing = conditions
        .filter(([key]) => !tolerates(pod, key))
        .map(([key, tolerationSeconds]): Toleration => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds }))
      return missing.length === 0 ? pod : { ...pod, spec: { ...pod.spec, tolerations: [...(pod.spec.tolerations ?? []), ...missing] } }
    },
  }
}
