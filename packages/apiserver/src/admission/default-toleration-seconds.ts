import type { Pod, Toleration } from '@skiff/api'
import type { AdmissionPlugin } from './admission.ts'
import { createdPod, updatedPod } from './pod-request.ts'

const conditions = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']

const tolerates = (pod: Pod, key: string): boolean =>
  pod.spec.tolerations?.some((each) => (each.key === key || !each.key) && (each.effect === 'NoExecute' || !each.effect)) ?? false

/** Five minutes of patience with a node that is not ready or unreachable, where the pod says nothing. */
export const defaultTolerationSeconds: AdmissionPlugin = {
  name: 'DefaultTolerationSeconds',
  mutate: (request) => {
    const pod = createdPod(request) ?? updatedPod(request)
    if (!pod) return request.object
    const missing = conditions
      .filter((key) => !tolerates(pod, key))
      .map((key): Toleration => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 }))
    return missing.length === 0 ? pod : { ...pod, spec: { ...pod.spec, tolerations: [...(pod.spec.tolerations ?? []), ...missing] } }
  },
}
