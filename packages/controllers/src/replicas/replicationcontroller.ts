import type { ReplicationController } from '@skiff/api'
import { pod as pods, replicationController as replicationControllers } from '@skiff/api'
import type { Views } from '@skiff/client'
import { keyOf } from '@skiff/machinery'
import { candidatePods, orphanIndex } from '../pods.ts'
import { type Controller, objectController, owned } from '../runner/controller.ts'
import type { Steps } from '../runner/step.ts'
import { hasLabels } from '../selector.ts'
import { claimActive } from './claim-active.ts'
import { planReplicas } from './plan.ts'

export const planReplicationController = (owner: ReplicationController, views: Views, nowMs: number): Steps => {
  const selector = owner.spec.selector ?? {}
  const candidates = candidatePods(views, owner.metadata.namespace ?? '', owner.metadata.uid)
  const { mine, steps } = claimActive(replicationControllers, owner, candidates, (pod) => hasLabels(pod.metadata.labels, selector))
  if (steps.length > 0) return steps
  return planReplicas(replicationControllers, owner, mine, () => [], nowMs)
}

export const replicationControllerController = (): Controller =>
  objectController({
    name: 'replicationcontroller-controller',
    account: 'replication-controller',
    component: 'replication-controller',
    resource: replicationControllers,
    watches: [
      owned(pods, replicationControllers, {
        indexes: orphanIndex,
        orphans: ({ after }, views) =>
          [...views.view(replicationControllers).list(after?.metadata.namespace ?? '')]
            .filter((one) => hasLabels(after?.metadata.labels, one.spec.selector ?? {}))
            .map(keyOf),
      }),
    ],
    plan: planReplicationController,
  })
