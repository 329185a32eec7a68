import { invalidValue } from '@skiff/machinery'
import type { Faults } from '../checks/faults.ts'
import { checkCounts } from '../checks/workload.ts'
import type { ReplicaSetStatus, ReplicationControllerStatus } from '../generated/types.ts'

const counts = ['replicas', 'fullyLabeledReplicas', 'readyReplicas', 'availableReplicas', 'observedGeneration']

/** Of ReplicaSets and ReplicationControllers. */
export const checkReplicaStatus = (faults: Faults, status: ReplicaSetStatus | ReplicationControllerStatus | undefined): void => {
  checkCounts(faults, status, counts, ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'])
  const available = status?.availableReplicas ?? 0
  if (available > (status?.readyReplicas ?? 0))
    faults.push(invalidValue('status.availableReplicas', available, 'cannot be greater than readyReplicas'))
}
