import type { Pod } from '@skiff/api'

/** PreEnqueue: a pod with gates is not tried at all. The text for its condition, or undefined when the gate is open. */
export const gatesText = (pod: Pod): string | undefined => {
  const gates = pod.spec.schedulingGates ?? []
  return gates.length === 0 ? undefined : 'Scheduling is blocked due to non-empty scheduling gates'
}
