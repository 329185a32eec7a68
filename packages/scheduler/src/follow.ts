import { isDeepStrictEqual } from 'node:util'
import {
  csiDriver,
  csiNode,
  csiStorageCapacity,
  type Node,
  namespace,
  node as nodes,
  type Pod,
  persistentVolume,
  persistentVolumeClaim,
  pod as pods,
  type Resource,
  storageClass,
  volumeAttachment,
} from '@skiff/api'
import type { ViewChange, Views } from '@skiff/client'
import type { Assumed } from './cycle/assumed.ts'
import { isFinished, type NodeChange, type OwnChange, type StorageResource } from './cycle/framework.ts'
import { nobody, type WaitingPods } from './cycle/waiting-pods.ts'
import type { Nominations } from './preempt/nominations.ts'
import { isScaledDown } from './queue/event-label.ts'
import type { SchedulingQueue } from './queue/scheduling-queue.ts'
import { type PodInfo, podInfoOf } from './snapshot/pod-info.ts'
import type { Snapshot } from './snapshot/snapshot.ts'

export interface FollowParts {
  readonly views: Views
  readonly snapshot: Snapshot
  readonly queue: SchedulingQueue
  readonly assumed: Assumed
  readonly nominations: Nominations
  readonly waitingPods: WaitingPods
  /** Whether a profile schedules the pods of this scheduler name. */
  readonly schedules: (schedulerName: string) => boolean
}

/** What plugins ask about the storage of pods. */
export const storage = [
  persistentVolume,
  persistentVolumeClaim,
  storageClass,
  csiNode,
  csiDriver,
  csiStorageCapacity,
  volumeAttachment,
] as const

/** Brings what the views show into the snapshot and the queue; returns the function that ends it. */
export const follow = (parts: FollowParts): (() => void) => {
  const { views, queue } = parts
  const stops = [
    views.view(nodes).subscribe((change) => nodeChanged(parts, change)),
    views.view(pods).subscribe(createPodFollower(parts)),
    views.view(namespace).subscribe(({ before, after }) => {
      if (!isDeepStrictEqual(before?.metadata.labels, after?.metadata.labels)) queue.happened({ on: 'namespace' })
    }),
    ...storage.map((resource) =>
      views
        .view(resource as Resource)
        .subscribe(({ before, after }) => queue.happened({ on: 'storage', resource: resource.plural as StorageResource, before, after })),
    ),
  ]
  return () => {
    for (const stop of stops) stop()
  }
}

const conditionsOf = ({ status }: Node): string => status?.conditions?.map((each) => `${each.type}=${each.status}`).join() ?? ''

const nodeChanged = ({ snapshot, queue }: FollowParts, { before, after, key }: ViewChange<Node>): void => {
  if (!after) {
    snapshot.removeNode(key)
    // The emptiest domain of a spreading may be gone with it.
    if (before) queue.happened({ on: 'node-removed', node: before })
    return
  }
  if (!before) {
    snapshot.setNode(after)
    queue.happened({ on: 'node-added', node: after })
    return
  }
  const changed: NodeChange = {
    allocatable: !isDeepStrictEqual(before.status?.allocatable, after.status?.allocatable),
    labels: !isDeepStrictEqual(before.metadata.labels, after.metadata.labels),
    taints: !isDeepStrictEqual(before.spec?.taints, after.spec?.taints) || before.spec?.unschedulable !== after.spec?.unschedulable,
    // No plugin of ours looks at these, but others may.
    annotations: !isDeepStrictEqual(before.metadata.annotations, after.metadata.annotations),
    conditions: conditionsOf(before) !== conditionsOf(after),
  }
  const matters = changed.allocatable || changed.labels || changed.taints || changed.annotations || changed.conditions
  // Heartbeats change nothing here.
  if (!matters && isDeepStrictEqual(before.status?.images, after.status?.images)) return
  snapshot.setNode(after)
  if (matters) queue.happened({ on: 'node-updated', before, node: after, changed })
}

/** What of a status decides how much room a pod takes. */
const grantedOf = ({ status }: Pod) => {
  const amounts = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])]
  const isStuck = status?.conditions?.some((each) => each.type === 'PodResizePending' && each.reason === 'Infeasible')
  return [
    isStuck ?? false,
    ...amounts.flatMap((each) => (each.resources ? [each.name, each.resources.requests, each.allocatedResources] : [])),
  ]
}

/** What of a pod on a node is counted. */
const countsAlike = (a: Pod, b: Pod): boolean =>
  a.metadata.deletionTimestamp === b.metadata.deletionTimestamp &&
  isDeepStrictEqual(a.metadata.labels, b.metadata.labels) &&
  isDeepStrictEqual(a.spec, b.spec) &&
  isDeepStrictEqual(grantedOf(a), grantedOf(b))

/** What of a waiting pod changed, in upstream's order. */
const ownChanges = (before: Pod, after: Pod, info: PodInfo): readonly OwnChange[] => {
  const isRelabelled = !isDeepStrictEqual(before.metadata.labels, after.metadata.labels)
  // Most often it is the status, which is none of these.
  if (!isRelabelled && isDeepStrictEqual(before.spec, after.spec)) return []
  const changes: OwnChange[] = isRelabelled ? ['labels'] : []
  if (isScaledDown(podInfoOf(before), info)) changes.push('scaled-down')
  if (before.spec.schedulingGates?.length && !after.spec.schedulingGates?.length) changes.push('gates-gone')
  if (before.spec.tolerations?.length !== after.spec.tolerations?.length) changes.push('tolerations')
  return changes.length === 0 ? ['other'] : changes
}

const createPodFollower = (parts: FollowParts): ((change: ViewChange<Pod>) => void) => {
  const { snapshot, queue, assumed, nominations, waitingPods, schedules } = parts
  const placed = new Map<string, { readonly info: PodInfo; readonly nodeName: string; readonly pod: Pod }>()

  /** Room that was promised to a pod is free: only pods that are not more important were kept out of it. */
  const promiseEnded = (pod: PodInfo): void =>
    queue.happened({ on: 'pod-removed', pod }, (queued) => queued.pod.uid !== pod.uid && queued.pod.priority <= pod.priority)
  const gone = (uid: string): void => {
    queue.remove(uid)
    const promised = nominations.on(nominations.nodeOf(uid) ?? '').find((each) => each.uid === uid)
    nominations.clear(uid)
    if (promised) promiseEnded(promised)
    const held = placed.get(uid)
    if (!held) {
      waitingPods.get(uid)?.reject(nobody, 'removed')
      assumed.forget(uid)
      return
    }
    placed.delete(uid)
    snapshot.removePod(held.info, held.nodeName)
    queue.happened({ on: 'pod-removed', pod: held.info })
  }
  const onNode = (pod: Pod, nodeName: string): void => {
    const { uid } = pod.metadata
    const held = placed.get(uid)
    if (held && countsAlike(held.pod, pod)) return
    const confirmed = held ? undefined : assumed.confirm(pod, nodeName)
    const info = confirmed ?? podInfoOf(pod)
    const wasAssumed = confirmed !== undefined || assumed.has(uid)
    if (!confirmed) {
      assumed.forget(uid)
      if (held) snapshot.removePod(held.info, held.nodeName)
      snapshot.addPod(info, nodeName)
    }
    placed.set(uid, { info, nodeName, pod })
    queue.remove(uid)
    nominations.clear(uid)
    if (held) queue.happened({ on: 'pod-updated', before: held.info, pod: info })
    else if (!wasAssumed) queue.happened({ on: 'pod-assigned', pod: info })
  }
  const waiting = (before: Pod | undefined, pod: Pod): void => {
    if (!schedules(pod.spec.schedulerName ?? 'default-scheduler') || assumed.has(pod.metadata.uid)) return
    if (pod.metadata.deletionTimestamp) {
      gone(pod.metadata.uid)
      return
    }
    const info = podInfoOf(pod)
    const nominated = pod.status?.nominatedNodeName
    const wasNominated = before?.status?.nominatedNodeName
    // Only what is new: an older one may have been taken back since.
    if (nominated && nominated !== wasNominated) nominations.set(info, nominated)
    if (wasNominated && nominated !== wasNominated) promiseEnded(info)
    if (!queue.has(info.uid)) {
      queue.add(info)
      return
    }
    queue.update(info, before ? ownChanges(before, pod, info) : true)
  }
  return ({ before, after }) => {
    // Another pod under the same name: the old one went unseen.
    if (before && before.metadata.uid !== after?.metadata.uid) gone(before.metadata.uid)
    if (!after) return
    if (isFinished(after)) gone(after.metadata.uid)
    else if (after.spec.nodeName) onNode(after, after.spec.nodeName)
    else waiting(before?.metadata.uid === after.metadata.uid ? before : undefined, after)
  }
}
