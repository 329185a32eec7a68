import type { Endpoint, EndpointAddress, EndpointPort, EndpointSlice, Endpoints } from '@skiff/api'
import { endpointSlice as endpointSlices, endpoints as endpointsResource, service as services } from '@skiff/api'
import type { Views } from '@skiff/client'
import { controlledBy } from '../ownership.ts'
import { type Controller, objectController, watching } from '../runner/controller.ts'
import { create, event, remove, type Step, type Steps, together, update } from '../runner/step.ts'
import { canonical, same } from '../same.ts'
import { isIPv6 } from './service-pods.ts'
import { layOut } from './slice-layout.ts'
import { managedByLabel, serviceLabel, serviceOfSlice } from './slices.ts'

const managedBy = 'endpointslicemirroring-controller.k8s.io'
const mostPerSubset = 1_000
const skipLabel = 'endpointslice.kubernetes.io/skip-mirror'
const notCopied = new Set(['kubectl.kubernetes.io/last-applied-configuration', 'endpoints.kubernetes.io/last-change-trigger-time'])

/** A Service of the same name that selects no pods: its endpoints are the user's, and proxies read slices only. */
const isMirrored = (object: Endpoints, views: Views): boolean => {
  const { labels, annotations, namespace = '', name } = object.metadata
  if (labels?.[skipLabel] === 'true' || annotations?.['control-plane.alpha.kubernetes.io/leader'] !== undefined) return false
  const service = views.view(services).get(`${namespace}/${name}`)
  return service !== undefined && Object.keys(service.spec.selector ?? {}).length === 0
}

interface Wanted {
  readonly type: 'IPv4' | 'IPv6'
  readonly ports: readonly EndpointPort[]
  readonly endpoints: Endpoint[]
}

const endpointOf = (address: EndpointAddress, ready: boolean): Endpoint => ({
  addresses: [address.ip],
  conditions: { ready },
  ...(address.hostname ? { hostname: address.hostname } : {}),
  ...(address.nodeName ? { nodeName: address.nodeName } : {}),
  ...(address.targetRef ? { targetRef: address.targetRef } : {}),
})
const keyFor = (type: string, ports: readonly EndpointPort[]): string => `${type}|${ports.map(canonical).sort().join()}`

const wantedSlices = (object: Endpoints): Map<string, Wanted> => {
  const wanted = new Map<string, Wanted>()
  for (const { addresses = [], notReadyAddresses = [], ports = [] } of object.subsets ?? []) {
    const slicePorts = ports.map((port) => ({ ...port, name: port.name ?? '', protocol: port.protocol ?? 'TCP' }) as EndpointPort)
    const all = [...addresses.map((one) => endpointOf(one, true)), ...notReadyAddresses.map((one) => endpointOf(one, false))]
    for (const endpoint of all.slice(0, mostPerSubset)) {
      const type = isIPv6(endpoint.addresses[0] ?? '') ? 'IPv6' : 'IPv4'
      const key = keyFor(type, slicePorts)
      const entry = wanted.get(key) ?? { type, ports: slicePorts, endpoints: [] }
      wanted.set(key, entry)
      entry.endpoints.push(endpoint)
    }
  }
  return wanted
}

const metadataFor = ({ metadata }: Endpoints) => ({
  labels: { ...metadata.labels, [serviceLabel]: metadata.name, [managedByLabel]: managedBy },
  annotations: Object.fromEntries(Object.entries(metadata.annotations ?? {}).filter(([name]) => !notCopied.has(name))),
})

export const planMirror = (object: Endpoints, views: Views): Steps => {
  const { namespace = '', name } = object.metadata
  const held = mirrorsOf(`${namespace}/${name}`, views)
  const isWanted = isMirrored(object, views) && object.metadata.deletionTimestamp === undefined
  const wanted = isWanted ? wantedSlices(object) : new Map<string, Wanted>()
  const { labels, annotations } = metadataFor(object)
  const relabel = (slice: EndpointSlice): EndpointSlice =>
    same(slice.metadata.labels, labels) && same(slice.metadata.annotations, annotations)
      ? slice
      : { ...slice, metadata: { ...slice.metadata, labels, annotations } }
  const steps: Step[] = []
  for (const [key, { type, ports, endpoints }] of wanted) {
    const own = held.filter((slice) => keyFor(slice.addressType, slice.ports ?? []) === key)
    const layout = layOut(own, endpoints, mostPerSubset, relabel)
    const metadata = {
      namespace,
      generateName: `${name}-`,
      labels,
      annotations,
      ownerReferences: [controlledBy(endpointsResource, object)],
    }
    for (const added of layout.added) steps.push(create(endpointSlices, { metadata, addressType: type, ports, endpoints: added }))
    for (const slice of layout.changed) steps.push(update(endpointSlices, slice))
    for (const slice of layout.emptied) steps.push(remove(endpointSlices, slice))
  }
  for (const slice of held) if (!wanted.has(keyFor(slice.addressType, slice.ports ?? []))) steps.push(remove(endpointSlices, slice))
  return [...(isWanted ? tooMany(object) : []), ...(steps.length === 0 ? [] : [together(steps)])]
}

const tooMany = (object: Endpoints): Steps => {
  const skipped = (object.subsets ?? []).map(
    ({ addresses = [], notReadyAddresses = [] }) => addresses.length + notReadyAddresses.length - mostPerSubset,
  )
  const count = skipped.reduce((total, each) => total + Math.max(0, each), 0)
  const text = `A max of ${mostPerSubset} addresses can be mirrored to EndpointSlices per Endpoints subset. ${count} addresses were skipped`
  return count === 0 ? [] : [event(object, 'Warning', 'TooManyAddressesToMirror', text)]
}

const mirrorsOf = (key: string, views: Views): readonly EndpointSlice[] =>
  views
    .view(endpointSlices)
    .indexed('service', key)
    .filter((slice) => slice.metadata.labels?.[managedByLabel] === managedBy && slice.metadata.deletionTimestamp === undefined)

export const endpointSliceMirroringController = (): Controller =>
  objectController({
    name: 'endpointslice-mirroring-controller',
    account: 'endpointslicemirroring-controller',
    component: 'endpoint-slice-mirroring-controller',
    resource: endpointsResource,
    watches: [
      watching({ resource: services, keys: ({ key }) => [key] }),
      watching({
        resource: endpointSlices,
        keys: ({ before, after }) => [before, after].flatMap((slice) => (slice ? serviceOfSlice(slice) : [])),
        indexes: { service: serviceOfSlice },
      }),
    ],
    plan: planMirror,
    gone: (key, views) => mirrorsOf(key, views).map((slice) => remove(endpointSlices, slice)),
  })
