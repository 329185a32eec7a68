import type { EndpointAddress, Endpoints, Pod, Service } from '@skiff/api'
import { endpoints as endpointsResource, pod as pods, service as services } from '@skiff/api'
import type { ViewChange, Views } from '@skiff/client'
import { isFinished, isReady } from '../pods.ts'
import { type Controller, objectController, watching } from '../runner/controller.ts'
import { create, event, fail, isNamespaceTerminating, reasonOf, remove, type Steps, update } from '../runner/step.ts'
import { same } from '../same.ts'
import {
  hasSelector,
  headlessLabel,
  hostnameFor,
  isHeadless,
  isIPv6,
  selectedPods,
  servicesOfPod,
  targetPort,
  triggerTime,
  withTrigger,
} from './service-pods.ts'
import { type Found, packSubsets, truncated } from './subsets.ts'

const mostAddresses = 1_000
const capacityAnnotation = 'endpoints.kubernetes.io/over-capacity'
const managedLabel = 'endpoints.kubernetes.io/managed-by'
const managedBy = 'endpoint-controller'

/** The pod's address in the Service's first family. */
const addressOf = (pod: Pod, service: Service): EndpointAddress | undefined => {
  const { podIP = '', podIPs = [] } = pod.status ?? {}
  if (!podIP) return undefined
  const { clusterIP = '', ipFamilies } = service.spec
  const guess = clusterIP && clusterIP !== 'None' ? clusterIP : podIP
  const wantsIPv6 = ipFamilies?.[0] ? ipFamilies[0] === 'IPv6' : isIPv6(guess)
  const ip = podIPs.find((one) => isIPv6(one.ip) === wantsIPv6)?.ip
  if (ip === undefined) return undefined
  const hostname = hostnameFor(pod, service)
  const { namespace, name, uid } = pod.metadata
  return {
    ip,
    ...(hostname !== undefined ? { hostname } : {}),
    ...(pod.spec.nodeName ? { nodeName: pod.spec.nodeName } : {}),
    targetRef: { kind: 'Pod', ...(namespace ? { namespace } : {}), name, uid },
  }
}

const findAddresses = (service: Service, selected: readonly Pod[]): Found[] =>
  selected.flatMap((pod): Found[] => {
    const publishAll = service.spec.publishNotReadyAddresses === true
    // A pod that ended is no endpoint, whatever its conditions still say.
    if (isFinished(pod)) return []
    if (!publishAll && pod.metadata.deletionTimestamp !== undefined) return []
    const ready = publishAll || isReady(pod)
    const address = addressOf(pod, service)
    if (!address) return []
    const ports = service.spec.ports ?? []
    if (ports.length === 0) return isHeadless(service) ? [{ address, port: undefined, ready }] : []
    return ports.flatMap((port): Found[] => {
      const number = targetPort(pod, port)
      if (number === undefined) return []
      const { name, protocol = 'TCP', appProtocol } = port
      return [{ address, ready, port: { ...(name ? { name } : {}), port: number, protocol, ...(appProtocol ? { appProtocol } : {}) } }]
    })
  })

const shownIn = ({ subsets = [] }: Endpoints): ReadonlyMap<string | undefined, boolean> =>
  new Map(
    subsets.flatMap(({ addresses = [], notReadyAddresses = [] }) => [
      ...notReadyAddresses.map(({ targetRef }) => [targetRef?.uid, false] as const),
      ...addresses.map(({ targetRef }) => [targetRef?.uid, true] as const),
    ]),
  )

/** The Endpoints object of a Service with a selector; without one it is the user's. */
export const planEndpoints = (service: Service, views: Views): Steps => {
  if (!hasSelector(service) || service.metadata.deletionTimestamp !== undefined) return []
  const { namespace = '', name } = service.metadata
  const selected = selectedPods(service, views)
  const packed = packSubsets(findAddresses(service, selected))
  const fitting = truncated(packed, mostAddresses)
  const subsets = fitting ?? packed
  const held = views.view(endpointsResource).get(`${namespace}/${name}`)
  const labels = { ...service.metadata.labels, ...(isHeadless(service) ? { [headlessLabel]: '' } : {}), [managedLabel]: managedBy }
  const isMarked = held?.metadata.annotations?.[capacityAnnotation] === 'truncated'
  if (held && same(held.subsets, subsets) && same(held.metadata.labels, labels) && isMarked === (fitting !== undefined)) return []
  const { [capacityAnnotation]: _capacity, ...kept } = held?.metadata.annotations ?? {}
  const annotations = {
    ...withTrigger(kept, triggerTime(service, selected, held && shownIn(held))),
    ...(fitting ? { [capacityAnnotation]: 'truncated' } : {}),
  }
  const about = { kind: 'Endpoints', apiVersion: 'v1', namespace, name }
  if (!held)
    return [
      create(
        endpointsResource,
        { metadata: { namespace, name, labels, annotations }, ...(subsets.length ? { subsets } : {}) },
        {
          failed: (error) =>
            isNamespaceTerminating(error)
              ? []
              : [
                  event(
                    about,
                    'Warning',
                    'FailedToCreateEndpoint',
                    `Failed to create endpoint for service ${namespace}/${name}: ${reasonOf(error)}`,
                  ),
                  fail(error),
                ],
        },
      ),
    ]
  const next: Endpoints = { ...held, metadata: { ...held.metadata, labels, annotations }, subsets }
  const failed = (error: unknown): Steps => [
    event(held, 'Warning', 'FailedToUpdateEndpoint', `Failed to update endpoint ${namespace}/${name}: ${reasonOf(error)}`),
    fail(error),
  ]
  return [update(endpointsResource, next, { failed })]
}

/** Endpoints share their Service's name and go with it. Some of old are locks of leader elections: those are no endpoints. */
const planGone = (key: string, views: Views): Steps => {
  const held = views.view(endpointsResource).get(key)
  if (!held || held.metadata.annotations?.['control-plane.alpha.kubernetes.io/leader'] !== undefined) return []
  return held.metadata.deletionTimestamp === undefined ? [remove(endpointsResource, held, { sameVersion: true })] : []
}

/** Endpoints that somebody makes before their Service are not taken for what a Service left behind. */
const serviceOfEndpoints = ({ key, after }: ViewChange<Endpoints>, views: Views): readonly string[] =>
  after && after.metadata.labels?.[managedLabel] !== managedBy && !views.view(services).get(key) ? [] : [key]

export const endpointsController = (): Controller =>
  objectController({
    name: 'endpoints-controller',
    account: 'endpoint-controller',
    component: 'endpoint-controller',
    resource: services,
    watches: [watching({ resource: pods, keys: servicesOfPod }), watching({ resource: endpointsResource, keys: serviceOfEndpoints })],
    plan: planEndpoints,
    gone: planGone,
  })
