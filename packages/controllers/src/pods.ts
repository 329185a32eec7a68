import type { Pod, PodTemplateSpec } from '@skiff/api'
import { pod as pods } from '@skiff/api'
import type { Draft, Views } from '@skiff/client'
import type { OwnerReference } from '@skiff/machinery'
import { controllerOf } from '@skiff/machinery'

/** Neither ended nor being deleted: what counts as a replica. */
export const isActive = (pod: Pod): boolean => !isFinished(pod) && pod.metadata.deletionTimestamp === undefined
export const isFinished = (pod: Pod): boolean => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'

const readyCondition = (pod: Pod) => pod.status?.conditions?.find((condition) => condition.type === 'Ready')
export const isReady = (pod: Pod): boolean => readyCondition(pod)?.status === 'True'
/** When the pod became ready, in ms; undefined when it is not. */
export const readySinceMs = (pod: Pod): number | undefined => {
  const condition = readyCondition(pod)
  return condition?.status === 'True' && condition.lastTransitionTime ? Date.parse(condition.lastTransitionTime) : undefined
}
/** Ready for at least `minReadySeconds`. */
export const isAvailable = (pod: Pod, minReadySeconds: number, nowMs: number): boolean => {
  if (!isReady(pod)) return false
  if (minReadySeconds === 0) return true
  const sinceMs = readySinceMs(pod)
  return sinceMs !== undefined && sinceMs + minReadySeconds * 1_000 <= nowMs
}
/** The restarts of the container that restarted most, and of the sidecar that did. */
export const restartsOf = ({ spec, status }: Pod): { readonly most: number; readonly sidecars: number } => {
  const most = Math.max(0, ...(status?.containerStatuses ?? []).map((one) => one.restartCount))
  const sidecars = new Set((spec.initContainers ?? []).filter((one) => one.restartPolicy === 'Always').map(({ name }) => name))
  if (sidecars.size === 0) return { most, sidecars: 0 }
  const restarts = (status?.initContainerStatuses ?? []).filter(({ name }) => sidecars.has(name)).map((one) => one.restartCount)
  return { most, sidecars: Math.max(0, ...restarts) }
}

/** Pods without a controller, by namespace: candidates for adoption. */
export const orphanIndex = { orphans: (pod: Pod): readonly string[] => (controllerOf(pod) ? [] : [pod.metadata.namespace ?? '']) }

/** Pods that `uid` controls, and those of its namespace that nobody controls. Needs `orphanIndex`. */
export const candidatePods = (views: Views, namespace: string, uid: string): Pod[] => {
  const view = views.view(pods)
  return [...view.ownedBy(uid).filter((pod) => controllerOf(pod)?.uid === uid), ...view.indexed('orphans', namespace)]
}

/** A pod as its controller makes it of a template. */
export const podFromTemplate = (
  template: PodTemplateSpec | undefined,
  owner: OwnerReference,
  namespace: string | undefined,
): Draft<Pod> => ({
  metadata: {
    generateName: `${owner.name}-`,
    ...(namespace !== undefined ? { namespace } : {}),
    ...(template?.metadata?.labels ? { labels: template.metadata.labels } : {}),
    ...(template?.metadata?.annotations ? { annotations: template.metadata.annotations } : {}),
    ...(template?.metadata?.finalizers ? { finalizers: template.metadata.finalizers } : {}),
    ownerReferences: [owner],
  },
  spec: template?.spec ?? { containers: [] },
})
