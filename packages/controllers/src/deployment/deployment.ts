import type { Pod, ReplicaSet } from '@skiff/api'
import { deployment as deployments, pod as pods, replicaSet as replicaSets } from '@skiff/api'
import type { ViewChange, Views } from '@skiff/client'
import { controllerOf, keyOf } from '@skiff/machinery'
import { isFinished } from '../pods.ts'
import { type Controller, controllerKey, objectController, owned, watching } from '../runner/controller.ts'
import { selects } from '../selector.ts'
import { isRolling } from './limits.ts'
import { planDeployment } from './plan.ts'

/** Recreate waits for old pods to go, which its sets need not tell: a pod that is being deleted is no replica any more. */
const recreated = ({ before, after }: ViewChange<Pod>, views: Views): string[] => {
  if (after && !isFinished(after)) return []
  const object = after ?? before
  const owner = object && controllerKey(object, replicaSets)
  const set = owner === undefined ? undefined : views.view(replicaSets).get(owner)
  const key = set && controllerKey(set, deployments)
  const deployment = key === undefined ? undefined : views.view(deployments).get(key)
  return key !== undefined && deployment && !isRolling(deployment) ? [key] : []
}

const matching = ({ after }: ViewChange<ReplicaSet>, views: Views): string[] =>
  [...views.view(deployments).list(after?.metadata.namespace ?? '')]
    .filter((deployment) => selects(deployment.spec.selector, after?.metadata.labels))
    .map(keyOf)

export const deploymentController = (): Controller =>
  objectController({
    name: 'deployment-controller',
    account: 'deployment-controller',
    resource: deployments,
    watches: [
      owned(replicaSets, deployments, {
        indexes: { orphans: (set) => (controllerOf(set) ? [] : [set.metadata.namespace ?? '']) },
        orphans: matching,
      }),
      watching({ resource: pods, keys: recreated }),
    ],
    plan: planDeployment,
  })
