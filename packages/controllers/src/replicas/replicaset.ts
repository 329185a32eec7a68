import type { Pod, ReplicaSet } from '@skiff/api'
import { pod as pods, replicaSet as replicaSets } from '@skiff/api'
import type { Views } from '@skiff/client'
import { controllerOf, keyOf } from '@skiff/machinery'
import { candidatePods, orphanIndex } from '../pods.ts'
import { type Controller, objectController, owned } from '../runner/controller.ts'
import type { Steps } from '../runner/step.ts'
import { selectorOf, selects } from '../selector.ts'
import { claimActive } from './claim-active.ts'
import { planReplicas } from './plan.ts'

export const planReplicaSet = (set: ReplicaSet, views: Views, nowMs: number, terminating = false): Steps => {
  const candidates = candidatePods(views, set.metadata.namespace ?? '', set.metadata.uid)
  const matches = selectorOf(set.spec.selector)
  const { mine, steps } = claimActive(replicaSets, set, candidates, (pod) => matches(pod.metadata.labels))
  // Adopted pods come back as changes; planning on with half of them would make too many.
  if (steps.length > 0) return steps
  return planReplicas(replicaSets, set, mine, () => relatedPods(set, views), nowMs, terminating)
}

/** The pods of all sets of one Deployment: a node that holds many of them is freed first. A set of its own has none. */
function* relatedPods(set: ReplicaSet, views: Views): Iterable<Pod> {
  const owner = controllerOf(set)
  const sets = owner ? views.view(replicaSets).ownedBy(owner.uid) : []
  for (const one of sets) yield* views.view(pods).ownedBy(one.metadata.uid)
}

/** `terminating`: pods on their way out are counted in the status. */
export const replicaSetController = (terminating = false): Controller =>
  objectController({
    name: 'replicaset-controller',
    account: 'replicaset-controller',
    resource: replicaSets,
    watches: [
      owned(pods, replicaSets, {
        indexes: orphanIndex,
        orphans: ({ after }, views) =>
          [...views.view(replicaSets).list(after?.metadata.namespace ?? '')]
            .filter((set) => selects(set.spec.selector, after?.metadata.labels))
            .map(keyOf),
      }),
    ],
    plan: (set, views, nowMs) => planReplicaSet(set, views, nowMs, terminating),
  })
