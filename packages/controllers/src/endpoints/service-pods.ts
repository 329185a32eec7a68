import type { Pod, Service, ServicePort } from '@skiff/api'
import { pod as pods, service as services } from '@skiff/api'
import type { ViewChange, Views } from '@skiff/client'
import { keyOf } from '@skiff/machinery'
import { isActive, isFinished, isReady } from '../pods.ts'
import { same } from '../same.ts'
import { hasLabels } from '../selector.ts'

/** A Service whose endpoints are made of pods: by a selector, and not a name outside of the cluster. */
export const hasSelector = (service: Service): boolean =>
  service.spec.selector !== undefined && Object.keys(service.spec.selector).length > 0 && service.spec.type !== 'ExternalName'
export const isHeadless = (service: Service): boolean => service.spec.clusterIP === 'None' || !service.spec.clusterIP

export const selectedPods = (service: Service, views: Views): Pod[] => {
  const selector = service.spec.selector ?? {}
  const found: Pod[] = []
  for (const pod of views.view(pods).list(service.metadata.namespace ?? '')) if (hasLabels(pod.metadata.labels, selector)) found.push(pod)
  return found
}

/** Whether endpoints show two states of a pod alike. */
const showsTheSame = (a: Pod, b: Pod): boolean =>
  a.spec.nodeName === b.spec.nodeName &&
  a.spec.hostname === b.spec.hostname &&
  a.spec.subdomain === b.spec.subdomain &&
  (a.metadata.deletionTimestamp === undefined) === (b.metadata.deletionTimestamp === undefined) &&
  isFinished(a) === isFinished(b) &&
  isReady(a) === isReady(b) &&
  same(a.status?.podIPs ?? a.status?.podIP, b.status?.podIPs ?? b.status?.podIP) &&
  same(a.metadata.labels, b.metadata.labels)

/** The Services that a change of a pod concerns: those that select it now or did before. A heartbeat concerns none. */
export const servicesOfPod = ({ before, after }: ViewChange<Pod>, views: Views): string[] => {
  if (before && after && showsTheSame(before, after)) return []
  const namespace = (after ?? before)?.metadata.namespace ?? ''
  const keys: string[] = []
  for (const service of views.view(services).list(namespace)) {
    if (!hasSelector(service)) continue
    const selector = service.spec.selector ?? {}
    const selects = (pod: Pod | undefined): boolean => pod !== undefined && hasLabels(pod.metadata.labels, selector)
    if (selects(before) || selects(after)) keys.push(keyOf(service))
  }
  return keys
}

/** The number of the container's port that a Service's port means; undefined when the pod has none of that name. */
export const targetPort = (pod: Pod, port: ServicePort): number | undefined => {
  const target = port.targetPort
  if (target === undefined || target === 0 || target === '') return port.port
  if (typeof target === 'number') return target
  const sidecars = (pod.spec.initContainers ?? []).filter((container) => container.restartPolicy === 'Always')
  for (const container of [...pod.spec.containers, ...sidecars])
    for (const one of container.ports ?? [])
      if (one.name === target && (one.protocol ?? 'TCP') === (port.protocol ?? 'TCP')) return one.containerPort
  return undefined
}

/** A pod that names itself under this Service is found by that name. */
export const hostnameFor = (pod: Pod, service: Service): string | undefined =>
  pod.spec.hostname && pod.spec.subdomain === service.metadata.name && pod.metadata.namespace === service.metadata.namespace
    ? pod.spec.hostname
    : undefined

export const isIPv6 = (address: string): boolean => address.includes(':')

/**
 * When what is about to change in the endpoints came about, for latency metrics of proxies; undefined where nothing tells, as for a pod
 * that goes. `shown`: how pods were shown so far, by uid, as ready or not; undefined where nothing was.
 */
export const triggerTime = (
  service: Service,
  selected: readonly Pod[],
  shown: ReadonlyMap<string | undefined, boolean> | undefined,
): string | undefined => {
  if (!shown) return service.metadata.creationTimestamp
  const publishAll = service.spec.publishNotReadyAddresses === true
  const times = selected.flatMap((pod) => {
    const ready = pod.status?.conditions?.find((one) => one.type === 'Ready')
    const isNew = isActive(pod) && shown.get(pod.metadata.uid) !== (publishAll || ready?.status === 'True')
    return isNew && ready?.lastTransitionTime ? [ready.lastTransitionTime] : []
  })
  return times.sort()[0]
}
/** The annotations with the trigger time of this change in the place of the last one's. */
export const withTrigger = (annotations: Readonly<Record<string, string>> | undefined, trigger: string | undefined) => {
  const { [triggerAnnotation]: _last, ...rest } = annotations ?? {}
  return { ...rest, ...(trigger === undefined ? {} : { [triggerAnnotation]: trigger }) }
}

export const triggerAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time'
export const headlessLabel = 'service.kubernetes.io/headless'
