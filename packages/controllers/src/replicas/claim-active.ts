import type { Pod, Resource } from '@skiff/api'
import { pod as pods } from '@skiff/api'
import { controllerOf, type KubeObject } from '@skiff/machinery'
import { type Claim, claim } from '../ownership.ts'
import { isActive } from '../pods.ts'

/** As upstream: pods that ended or go are neither adopted nor let go; those that `owner` has stay known for its status. */
export const claimActive = <O extends KubeObject>(
  resource: Resource<O>,
  owner: O,
  candidates: readonly Pod[],
  matches: (pod: Pod) => boolean,
): Claim<Pod> => {
  const { mine, steps } = claim(resource, owner, pods, candidates.filter(isActive), matches)
  const over = candidates.filter((pod) => !isActive(pod) && controllerOf(pod)?.uid === owner.metadata.uid && matches(pod))
  return { mine: [...mine, ...over], steps }
}
