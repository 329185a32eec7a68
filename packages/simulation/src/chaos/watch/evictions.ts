import type { Pod, PodDisruptionBudget } from '@skiff/api'
import { keyOf } from '@skiff/machinery'
import { isReady } from '../cluster-state.ts'
import type { OwnerParts } from './owners.ts'
import type { Moment } from './truth.ts'

const isEvicted = (pod: Pod | undefined): boolean =>
  pod?.status?.conditions?.some(({ reason, status }) => reason === 'EvictionByEvictionAPI' && status === 'True') ?? false

const isGuardedBy = ({ metadata, spec }: PodDisruptionBudget, pod: Pod): boolean =>
  metadata.namespace === pod.metadata.namespace && spec.selector?.matchLabels?.app === pod.metadata.labels?.app

/** How many pods of the budget must stay healthy. Its app is a Deployment's or a StatefulSet's of that name. */
export const neededBy = (
  { metadata, spec }: PodDisruptionBudget,
  { deployments, statefulSets }: Pick<Moment, 'deployments' | 'statefulSets'>,
) => {
  const key = `${metadata.namespace}/${spec.selector?.matchLabels?.app}`
  const owner = deployments.get(key) ?? statefulSets.get(key)
  const expected = owner ? (owner.spec.replicas ?? 1) : 0
  const { minAvailable, maxUnavailable } = spec
  return { expected, desired: minAvailable === undefined ? Math.max(0, expected - Number(maxUnavailable)) : Number(minAvailable) }
}

/** What a budget guards is evicted only while enough others are healthy: as far as could be known, and with all evictions before. */
export const watchEvictions = ({ truth, calm, env, wrong }: OwnerParts): { readonly count: number } => {
  const evicted = new Set<string>()
  let count = 0
  const judge = (pod: Pod): void => {
    const sinceMs = env.monotonicMs() - calm.lagMs('controllers')
    const gone = new Set(evicted)
    for (const [key, budget] of truth.now.budgets) {
      if (!isGuardedBy(budget, pod)) continue
      count += 1
      const isRight = (moment: Moment): boolean => {
        const then = moment.budgets.get(key)
        const self = moment.pods.get(keyOf(pod))
        if (!then || !self || !isReady(self)) return true
        const others = [...moment.pods.values()].filter(
          (other) =>
            isGuardedBy(then, other) &&
            isReady(other) &&
            !other.metadata.deletionTimestamp &&
            !gone.has(other.metadata.uid) &&
            other.metadata.uid !== pod.metadata.uid,
        )
        return others.length >= neededBy(then, moment).desired
      }
      if (!truth.ever(sinceMs, isRight)) wrong.push(`${keyOf(pod)} was evicted, though ${key} needed it`)
    }
    evicted.add(pod.metadata.uid)
  }
  truth.on('pods', ({ before, after }) => {
    const isSame = before?.metadata.uid === after?.metadata.uid
    if (after && isEvicted(after) && !(isSame && isEvicted(before))) judge(after)
  })
  return {
    get count() {
      return count
    },
  }
}
