import { type Diagnosis, preemptionText } from '../cycle/fit-error.ts'
import type { PodInfo } from '../snapshot/pod-info.ts'

export interface Attempt {
  /** For the end of the pod's condition; '' when preemption succeeded. */
  readonly text: string
  /** Undefined leaves the pod's nomination as it is. */
  readonly nominate?: string
  readonly victims?: readonly PodInfo[]
}
export interface Preempt {
  find(pod: PodInfo, diagnosis: Diagnosis): Attempt
  evict(pod: PodInfo, attempt: Attempt): Promise<void>
}
export const noPreemption: Preempt = {
  find: (_pod, diagnosis) => ({ text: preemptionText(diagnosis, new Map()) }),
  evict: async () => {},
}
