import {
  addFaults,
  duplicate,
  isDns1123Label,
  isIpv4Address,
  isIpv6Address,
  isQualifiedName,
  nameIsDnsSubdomain,
  required,
  tooMany,
} from '@skiff/machinery'
import { ipWarnings } from '../checks/address-warnings.ts'
import { addInvalid, checkImmutable, checkOneOf, checkSupported, collect, type Faults, same } from '../checks/faults.ts'
import { fqdnFaults } from '../checks/fqdn.ts'
import { checkReachableIp } from '../checks/ip.ts'
import { checkLabels } from '../checks/label-selector.ts'
import { protocols } from '../checks/ports.ts'
import { endpointSlice as endpointSliceResource } from '../generated/resources.ts'
import type { Endpoint, EndpointPort, EndpointSlice } from '../generated/types.ts'
import { defineKind } from '../kind.ts'

const mostEndpoints = 1000
const mostAddresses = 100
const mostPorts = 20_000
const mostTopologyLabels = 16
const mostHints = 8

const checkAddress = (faults: Faults, address: string, type: string | undefined, path: string): void => {
  if (type === 'IPv4' || type === 'IPv6') {
    addInvalid(faults, type === 'IPv4' ? isIpv4Address(address) : isIpv6Address(address), address, path)
    checkReachableIp(faults, address, path)
  } else if (type === 'FQDN') addFaults(faults, fqdnFaults(address, path))
}

const checkEndpoint = (faults: Faults, endpoint: Endpoint, type: string | undefined, path: string): void => {
  const addresses = endpoint.addresses ?? []
  if (addresses.length === 0) faults.push(required(`${path}.addresses`, 'must contain at least 1 address'))
  else if (addresses.length > mostAddresses) faults.push(tooMany(`${path}.addresses`, addresses.length, mostAddresses))
  addresses.forEach((address, index) => {
    checkAddress(faults, address, type, `${path}.addresses[${index}]`)
  })
  const { nodeName, hostname, deprecatedTopology: topology } = endpoint
  if (nodeName !== undefined) addInvalid(faults, nameIsDnsSubdomain(nodeName, false), nodeName, `${path}.nodeName`)
  const labels = Object.keys(topology ?? {}).length
  if (labels > mostTopologyLabels) faults.push(tooMany(`${path}.deprecatedTopology`, labels, mostTopologyLabels))
  checkLabels(faults, topology, `${path}.deprecatedTopology`)
  if (hostname !== undefined) addInvalid(faults, isDns1123Label(hostname), hostname, `${path}.hostname`)
  checkHints(faults, endpoint, `${path}.hints`)
}

const checkHints = (faults: Faults, { hints }: Endpoint, path: string): void => {
  const zones = hints?.forZones ?? []
  if (zones.length > mostHints) {
    faults.push(tooMany(`${path}.forZones`, zones.length, mostHints))
    return
  }
  const seen = new Set<string>()
  zones.forEach(({ name = '' }, index) => {
    const at = `${path}.forZones[${index}].name`
    if (seen.has(name)) faults.push(duplicate(at, name))
    else if (name === '') faults.push(required(at))
    seen.add(name)
  })
}

const checkPorts = (faults: Faults, ports: readonly EndpointPort[]): void => {
  if (ports.length > mostPorts) {
    faults.push(tooMany('ports', ports.length, mostPorts))
    return
  }
  const names = new Set<string>()
  ports.forEach(({ name = '', protocol, appProtocol }, index) => {
    const at = `ports[${index}]`
    if (name !== '') addInvalid(faults, isDns1123Label(name), name, `${at}.name`)
    if (names.has(name)) faults.push(duplicate(`${at}.name`, name))
    names.add(name)
    if (protocol === undefined) faults.push(required(`${at}.protocol`))
    else checkSupported(faults, protocol, protocols, `${at}.protocol`)
    if (appProtocol !== undefined) addInvalid(faults, isQualifiedName(appProtocol), appProtocol, `${at}.appProtocol`)
  })
}

const checkSlice = (faults: Faults, slice: EndpointSlice): void => {
  checkOneOf(faults, slice.addressType, ['FQDN', 'IPv4', 'IPv6'], 'addressType')
  const endpoints = slice.endpoints ?? []
  if (endpoints.length > mostEndpoints) faults.push(tooMany('endpoints', endpoints.length, mostEndpoints))
  else
    endpoints.forEach((endpoint, index) => {
      checkEndpoint(faults, endpoint, slice.addressType, `endpoints[${index}]`)
    })
  checkPorts(faults, slice.ports ?? [])
}

/** Controllers write addresses as they should be; their own writes are not looked at. */
const managers = ['endpointslice-controller.k8s.io', 'endpointslicemirroring-controller.k8s.io']
const warningsOf = ({ metadata, addressType, endpoints }: EndpointSlice): readonly string[] => {
  if (managers.includes(metadata.labels?.['endpointslice.kubernetes.io/managed-by'] ?? '')) return []
  if (addressType === 'FQDN') return ['spec.addressType: FQDN endpoints are deprecated']
  return (endpoints ?? []).flatMap(({ addresses = [] }, at) =>
    addresses.flatMap((address, index) => ipWarnings(`endpoints[${at}].addresses[${index}]`, address)),
  )
}

export const endpointSlice = defineKind<EndpointSlice>(endpointSliceResource, {
  generationChanged: (next, old) =>
    !same([next.endpoints ?? [], next.ports ?? [], next.addressType], [old.endpoints ?? [], old.ports ?? [], old.addressType]) ||
    !same(next.metadata.labels, old.metadata.labels),
  warnings: warningsOf,
  validate: (next) => collect((faults) => checkSlice(faults, next)),
  validateUpdate: (next, old) =>
    collect((faults) => {
      checkSlice(faults, next)
      checkImmutable(faults, next.addressType, old.addressType, 'addressType')
    }),
})
