import type { DaemonSet, Deployment, Pod, ReplicaSet } from '@skiff/api'
import { controllerOf, type Env, keyOf } from '@skiff/machinery'
import { isOver, isReady } from '../cluster-state.ts'
import type { Calm } from './calm.ts'
import type { Moment, Truth } from './truth.ts'

export interface OwnerParts {
  readonly truth: Truth
  readonly calm: Calm
  readonly env: Env
  readonly wrong: string[]
}

const share = (of: number, value: number | string | undefined, isUp: boolean): number => {
  if (typeof value !== 'string') return value ?? 0
  const part = (of * Number.parseInt(value, 10)) / 100
  return isUp ? Math.ceil(part) : Math.floor(part)
}
const isActive = (pod: Pod): boolean => !isOver(pod) && !pod.metadata.deletionTimestamp
const ownedBy = <T extends Pod | ReplicaSet>(objects: Iterable<T>, uid: string): T[] =>
  [...objects].filter((each) => controllerOf(each)?.uid === uid)

/** How many pods the Deployment may have asked its ReplicaSets for. */
const mostOf = ({ spec }: Deployment): number => {
  const replicas = spec.replicas ?? 1
  if (spec.strategy?.type === 'Recreate') return replicas
  const { maxSurge = '25%', maxUnavailable = '25%' } = spec.strategy?.rollingUpdate ?? {}
  const surge = share(replicas, maxSurge, true)
  // Of both none would be no rollout at all; then one is unavailable.
  return replicas + (surge === 0 && share(replicas, maxUnavailable, false) === 0 ? 0 : surge)
}

/** The node that a DaemonSet's pod is meant for, whether or not it is there yet. */
const placeOf = ({ spec }: Pod): string | undefined =>
  spec.nodeName ??
  spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
    .flatMap(({ matchFields = [] }) => matchFields)
    .find(({ key }) => key === 'metadata.name')?.values?.[0]

const surgesOf = ({ spec }: DaemonSet): number => (share(1, spec.updateStrategy?.rollingUpdate?.maxSurge, true) > 0 ? 1 : 0)
const revisionOf = ({ metadata }: Pod): string | undefined => metadata.labels?.['controller-revision-hash']

/** Nobody who owns pods ever makes more than was asked for, whatever it has missed: each look is at what it may have known then. */
export const watchOwners = ({ truth, calm, env, wrong }: OwnerParts): void => {
  const { now } = truth
  const unlessEver = (isRight: (moment: Moment) => boolean, what: string): void => {
    const sinceMs = env.monotonicMs() - calm.lagMs('controllers')
    if (isRight(now)) return
    calm.later(() => {
      if (!truth.ever(sinceMs, isRight)) wrong.push(what)
    })
  }
  const ofReplicaSet = (pod: Pod, uid: string): void => {
    const beside = ownedBy(now.pods.values(), uid).filter(isActive)
    const wanted = (moment: Moment) => [...moment.replicaSets.values()].find(({ metadata }) => metadata.uid === uid)?.spec.replicas ?? 0
    unlessEver((moment) => beside.length <= wanted(moment), `${keyOf(pod)} is pod ${beside.length} of a ReplicaSet of ${wanted(now)}`)
  }
  const ofDaemonSet = (pod: Pod, uid: string): void => {
    const set = [...now.daemonSets.values()].find(({ metadata }) => metadata.uid === uid)
    if (!set) return
    const there = ownedBy(now.pods.values(), uid).filter((each) => isActive(each) && placeOf(each) === placeOf(pod))
    const revisions = new Set(there.map(revisionOf))
    if (there.length > revisions.size || there.length > 1 + surgesOf(set))
      wrong.push(`${keyOf(pod)} is pod ${there.length} of its DaemonSet on ${placeOf(pod)}`)
  }
  const ofStatefulSet = (pod: Pod, uid: string): void => {
    const set = [...now.statefulSets.values()].find(({ metadata }) => metadata.uid === uid)
    if (!set || set.spec.podManagementPolicy === 'Parallel') return
    const first = set.spec.ordinals?.start ?? 0
    const ordinal = Number(pod.metadata.name.slice(set.metadata.name.length + 1))
    const isStanding = (moment: Moment, at: number) => {
      const before = moment.pods.get(`${pod.metadata.namespace}/${set.metadata.name}-${at}`)
      return before !== undefined && isReady(before) && !before.metadata.deletionTimestamp
    }
    const earlier = Array.from({ length: Math.max(0, ordinal - first) }, (_, at) => first + at)
    // Each by itself: the controller looks at one after the other.
    for (const at of earlier) unlessEver((moment) => isStanding(moment, at), `${keyOf(pod)} came before ordinal ${at} stood`)
  }
  const makers = new Map([
    ['ReplicaSet', ofReplicaSet],
    ['DaemonSet', ofDaemonSet],
    ['StatefulSet', ofStatefulSet],
  ])
  truth.on('pods', ({ before, after }) => {
    if (!after || before?.metadata.uid === after.metadata.uid) return
    const owner = controllerOf(after)
    if (owner) makers.get(owner.kind)?.(after, owner.uid)
  })
  truth.on('replicaSets', ({ before, after }) => {
    const owner = after && controllerOf(after)
    if (!owner || (after.spec.replicas ?? 1) <= (before?.spec.replicas ?? 0)) return
    const own = ownedBy(now.replicaSets.values(), owner.uid)
    const sum = own.reduce((all, { spec }) => all + (spec.replicas ?? 1), 0)
    const most = (moment: Moment) => {
      const deployment = [...moment.deployments.values()].find(({ metadata }) => metadata.uid === owner.uid)
      return deployment ? mostOf(deployment) : 0
    }
    unlessEver((moment) => sum <= most(moment), `the ReplicaSets of ${owner.name} are to have ${sum} pods of at most ${most(now)}`)
  })
}
