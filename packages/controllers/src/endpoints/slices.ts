import type { Endpoint, EndpointPort, EndpointSlice, Node, Pod, Service } from '@skiff/api'
import { endpointSlice as endpointSlices, node as nodes, pod as pods, service as services } from '@skiff/api'
import type { Views } from '@skiff/client'
import { keyOf } from '@skiff/machinery'
import { controlledBy } from '../ownership.ts'
import { isFinished, isReady } from '../pods.ts'
import { type Controller, objectController, watching } from '../runner/controller.ts'
import { create, event, fail, type Outcome, reasonOf, remove, requeue, type Step, type Steps, together, update } from '../runner/step.ts'
import { canonical, same } from '../same.ts'
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
import { layOut } from './slice-layout.ts'
import { autoHints, wantsAutoHints, zoneFacts } from './zone-hints.ts'

export const serviceLabel = 'kubernetes.io/service-name'
export const managedByLabel = 'endpointslice.kubernetes.io/managed-by'
const managedBy = 'endpointslice-controller.k8s.io'
const mostEndpoints = 100
const reserved = new Set([serviceLabel, managedByLabel, headlessLabel])

type AddressType = EndpointSlice['addressType']

const families = (service: Service): readonly AddressType[] => {
  const named = service.spec.ipFamilies ?? []
  if (named.length > 0) return named.map((family) => family as AddressType)
  const { clusterIP = '' } = service.spec
  return [isIPv6(clusterIP) ? 'IPv6' : 'IPv4']
}

const portsOf = (service: Service, pod: Pod): EndpointPort[] =>
  (service.spec.ports ?? []).flatMap((port): EndpointPort[] => {
    const number = targetPort(pod, port)
    if (number === undefined) return []
    const { name = '', protocol = 'TCP', appProtocol } = port
    return [{ name, port: number, protocol, ...(appProtocol ? { appProtocol } : {}) } as EndpointPort]
  })
const portsKey = (ports: readonly EndpointPort[]): string => ports.map(canonical).sort().join()

const endpointOf = (pod: Pod, service: Service, zone: string | undefined, addresses: readonly string[]): Endpoint => {
  const serving = isReady(pod)
  const terminating = pod.metadata.deletionTimestamp !== undefined
  const ready = service.spec.publishNotReadyAddresses === true || (serving && !terminating)
  const { namespace, name, uid } = pod.metadata
  const hostname = hostnameFor(pod, service)
  const hints = ready ? nearHints(service, zone, pod.spec.nodeName) : undefined
  return {
    addresses,
    conditions: { ready, serving, terminating },
    ...(hostname !== undefined ? { hostname } : {}),
    targetRef: { kind: 'Pod', ...(namespace ? { namespace } : {}), name, uid },
    ...(pod.spec.nodeName ? { nodeName: pod.spec.nodeName } : {}),
    ...(zone !== undefined ? { zone } : {}),
    ...(hints ? { hints } : {}),
  }
}

/** Who an endpoint serves first by the Service's wish; its own heuristics go before. */
const nearHints = (service: Service, zone: string | undefined, nodeName: string | undefined): Endpoint['hints'] | undefined => {
  const { trafficDistribution } = service.spec
  if (trafficDistribution === undefined || wantsAutoHints(service)) return undefined
  const forNodes = trafficDistribution === 'PreferSameNode' && nodeName ? { forNodes: [{ name: nodeName }] } : {}
  const hints = { ...(zone === undefined ? {} : { forZones: [{ name: zone }] }), ...forNodes }
  return Object.keys(hints).length > 0 ? hints : undefined
}

const labelsFor = (service: Service): Record<string, string> => ({
  ...Object.fromEntries(Object.entries(service.metadata.labels ?? {}).filter(([name]) => !reserved.has(name))),
  ...(isHeadless(service) ? { [headlessLabel]: '' } : {}),
  [serviceLabel]: service.metadata.name,
  [managedByLabel]: managedBy,
})

interface Group {
  readonly ports: readonly EndpointPort[]
  readonly endpoints: Endpoint[]
}
interface Wanted {
  readonly groups: Map<string, Group>
  /** A pod names a node that nobody knows (yet): it is left out, and looked for again. */
  readonly isIncomplete: boolean
}

const wantedEndpoints = (service: Service, selected: readonly Pod[], type: AddressType, views: Views): Wanted => {
  const groups = new Map<string, Group>()
  let isIncomplete = false
  for (const pod of selected) {
    if (isFinished(pod) || !pod.status?.podIP) continue
    const { nodeName } = pod.spec
    const node = nodeName ? views.view(nodes).get(nodeName) : undefined
    if (nodeName && !node && !service.spec.publishNotReadyAddresses) {
      isIncomplete = true
      continue
    }
    const ips = (pod.status.podIPs ?? [{ ip: pod.status.podIP }]).map((one) => one.ip)
    const addresses = ips.filter((ip) => isIPv6(ip) === (type === 'IPv6'))
    const ports = portsOf(service, pod)
    const group: Group = groups.get(portsKey(ports)) ?? { ports, endpoints: [] }
    groups.set(portsKey(ports), group)
    const zone = node?.metadata.labels?.['topology.kubernetes.io/zone']
    if (addresses.length > 0) group.endpoints.push(endpointOf(pod, service, zone, addresses))
  }
  return { groups, isIncomplete }
}

/** Slices of one address family: what to make, change and remove. */
const planFamily = (
  service: Service,
  wanted: Wanted,
  type: AddressType,
  held: readonly EndpointSlice[],
  trigger: string | undefined,
): Step[] => {
  const labels = labelsFor(service)
  const relabel = (slice: EndpointSlice): EndpointSlice =>
    same(slice.metadata.labels, labels) ? slice : { ...slice, metadata: { ...slice.metadata, labels } }
  const own = held.filter((slice) => slice.metadata.ownerReferences?.some((owner) => owner.uid === service.metadata.uid))
  const surplus = held.filter((slice) => !own.includes(slice))
  const changed: EndpointSlice[] = []
  const fresh: { readonly ports: readonly EndpointPort[]; readonly endpoints: readonly Endpoint[] }[] = []
  for (const [key, { ports, endpoints }] of wanted.groups) {
    const layout = layOut(
      own.filter((slice) => portsKey(slice.ports ?? []) === key),
      endpoints,
      mostEndpoints,
      relabel,
    )
    changed.push(...layout.changed)
    surplus.push(...layout.emptied)
    fresh.push(...layout.added.map((added) => ({ ports, endpoints: added })))
  }
  surplus.push(...own.filter((slice) => !wanted.groups.has(portsKey(slice.ports ?? []))))
  // A Service without endpoints still has one slice, so that all may see that there are none.
  if (surplus.length === held.length && fresh.length === 0) {
    const [only] = surplus
    if (surplus.length === 1 && only && own.includes(only) && isPlaceholder(only) && relabel(only) === only) return []
    fresh.push({ ports: [], endpoints: [] })
  }

  // A slice that would be removed is rewritten where one would be made: one write instead of two, and no gap.
  const reusable = surplus.filter((slice) => own.includes(slice))
  const steps: Step[] = []
  for (const { ports, endpoints } of fresh) {
    const slice = reusable.pop()
    if (slice) {
      surplus.splice(surplus.indexOf(slice), 1)
      changed.push({ ...relabel(slice), ports, endpoints })
    } else if (service.metadata.deletionTimestamp === undefined)
      steps.push(creation(service, type, ports, endpoints, labels, withTrigger(undefined, trigger)))
  }
  for (const slice of changed)
    steps.push(
      update(endpointSlices, { ...slice, metadata: { ...slice.metadata, annotations: withTrigger(slice.metadata.annotations, trigger) } }),
    )
  return [...steps, ...surplus.map((slice) => remove(endpointSlices, slice))]
}

const isPlaceholder = (slice: EndpointSlice): boolean => (slice.ports ?? []).length === 0 && (slice.endpoints ?? []).length === 0
const creation = (
  service: Service,
  addressType: AddressType,
  ports: readonly EndpointPort[],
  endpoints: readonly Endpoint[],
  labels: Record<string, string>,
  annotations: Record<string, string>,
): Step => {
  const { namespace = '', name } = service.metadata
  const ownerReferences = [controlledBy(services, service)]
  const metadata = { namespace, generateName: `${name}-`, labels, annotations, ownerReferences }
  return create(endpointSlices, { metadata, addressType, ports, endpoints })
}

/** By upstream's heuristics, where the Service asks for them; `told` is what users should hear of them. */
const hintZones = (
  service: Service,
  groups: Wanted['groups'],
  held: readonly EndpointSlice[],
  type: AddressType,
  views: Views,
): { readonly groups: Wanted['groups']; readonly told: Steps } => {
  const before = new Map(
    held.flatMap(({ endpoints = [] }) => endpoints.flatMap(({ targetRef, hints }) => (hints ? [[targetRef?.uid, hints] as const] : []))),
  )
  const off = (why: string): Steps => [event(service, 'Warning', 'TopologyAwareHintsDisabled', `${why}, addressType: ${type}`)]
  if (!wantsAutoHints(service)) {
    const isOurs = before.size > 0 && service.spec.trafficDistribution === undefined
    return { groups, told: isOurs ? off('Topology Aware Hints was disabled') : [] }
  }
  const all = [...groups.values()].flatMap(({ endpoints }) => endpoints)
  const zones = autoHints(all, ({ targetRef }) => before.get(targetRef?.uid)?.forZones?.[0]?.name, views.view(nodes).list())
  if (typeof zones === 'string') return { groups, told: off(zones) }
  const withHint = (endpoint: Endpoint): Endpoint => {
    const zone = zones.get(endpoint)
    return zone === undefined ? endpoint : { ...endpoint, hints: { forZones: [{ name: zone }] } }
  }
  const on = `Topology Aware Hints has been enabled, addressType: ${type}`
  return {
    groups: new Map([...groups].map(([key, group]) => [key, { ...group, endpoints: group.endpoints.map(withHint) }])),
    told: before.size > 0 ? [] : [event(service, 'Normal', 'TopologyAwareHintsEnabled', on)],
  }
}

const shownIn = (slices: readonly EndpointSlice[]): ReadonlyMap<string | undefined, boolean> =>
  new Map(slices.flatMap(({ endpoints = [] }) => endpoints.map((one) => [one.targetRef?.uid, one.conditions?.ready === true] as const)))

export const planSlices = (service: Service, views: Views): Steps => {
  if (!hasSelector(service) || service.metadata.deletionTimestamp !== undefined) return []
  const key = `${service.metadata.namespace ?? ''}/${service.metadata.name}`
  const held = views
    .view(endpointSlices)
    .indexed('service', key)
    .filter((slice) => slice.metadata.labels?.[managedByLabel] === managedBy && slice.metadata.deletionTimestamp === undefined)
  const selected = selectedPods(service, views)
  const trigger = triggerTime(service, selected, held.length > 0 ? shownIn(held) : undefined)
  const types = families(service)
  let isIncomplete = false
  const steps = types.flatMap((type) => {
    const ofType = held.filter((slice) => slice.addressType === type)
    const found = wantedEndpoints(service, selected, type, views)
    isIncomplete ||= found.isIncomplete
    const hinted = hintZones(service, found.groups, ofType, type, views)
    const planned = planFamily(service, { ...found, groups: hinted.groups }, type, ofType, trigger)
    return planned.length > 0 ? [...planned, ...hinted.told] : []
  })
  const strays = held.filter((slice) => !types.includes(slice.addressType)).map((slice) => remove(endpointSlices, slice))
  const told = steps.filter((step) => step.do === 'event')
  const all = [...steps.filter((step) => step.do !== 'event'), ...strays]
  const again = isIncomplete ? [requeue(1_000)] : []
  if (all.length === 0) return again
  return [...told, together(all, { after: (outcomes) => [...report(service, outcomes), ...again] })]
}

const report = (service: Service, outcomes: readonly Outcome[]): Steps => {
  const error = outcomes.find((outcome) => outcome.error !== undefined)?.error
  if (error === undefined) return []
  const { namespace = '', name } = service.metadata
  const message = `Error updating Endpoint Slices for Service ${namespace}/${name}: ${reasonOf(error)}`
  return [event(service, 'Warning', 'FailedToUpdateEndpointSlices', message), fail(error)]
}

export const serviceOfSlice = (slice: EndpointSlice): string[] => {
  const name = slice.metadata.labels?.[serviceLabel]
  return name ? [`${slice.metadata.namespace ?? ''}/${name}`] : []
}

export const endpointSliceController = (): Controller =>
  objectController({
    name: 'endpointslice-controller',
    account: 'endpointslice-controller',
    component: 'endpoint-slice-controller',
    resource: services,
    watches: [
      watching({ resource: pods, keys: servicesOfPod }),
      watching({
        resource: endpointSlices,
        keys: ({ before, after }) => [before, after].flatMap((slice) => (slice ? serviceOfSlice(slice) : [])),
        indexes: { service: serviceOfSlice },
      }),
      watching<Node>({
        resource: nodes,
        // Zones and processors decide over hints alone; that a pod's node appears is looked for by the plan itself.
        keys: ({ before, after }, views) =>
          same(zoneFacts(before), zoneFacts(after)) ? [] : [...views.view(services).list()].filter(wantsAutoHints).map(keyOf),
      }),
    ],
    plan: planSlices,
  })
