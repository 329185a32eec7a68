import { isDns1123Label, isQualifiedName, nameIsDnsSubdomain, required } from '@skiff/machinery'
import { ipWarnings } from '../checks/address-warnings.ts'
import { addInvalid, checkOneOf, collect, type Faults } from '../checks/faults.ts'
import { checkIp, checkReachableIp } from '../checks/ip.ts'
import { checkPortNumber, protocols } from '../checks/ports.ts'
import { mapSame, withField } from '../defaults/patch.ts'
import { endpoints as endpointsResource } from '../generated/resources.ts'
import type { EndpointAddress, EndpointSubset, Endpoints } from '../generated/types.ts'
import { defineKind } from '../kind.ts'

type Port = NonNullable<EndpointSubset['ports']>[number]

const checkAddress = (faults: Faults, { ip = '', hostname, nodeName }: EndpointAddress, path: string): void => {
  checkIp(faults, ip, `${path}.ip`)
  if (hostname) addInvalid(faults, isDns1123Label(hostname), hostname, `${path}.hostname`)
  if (nodeName !== undefined) addInvalid(faults, nameIsDnsSubdomain(nodeName, false), nodeName, `${path}.nodeName`)
  checkReachableIp(faults, ip, `${path}.ip`)
}

const checkPort = (faults: Faults, port: Port, needsName: boolean, path: string): void => {
  if (port.name) addInvalid(faults, isDns1123Label(port.name), port.name, `${path}.name`)
  else if (needsName) faults.push(required(`${path}.name`))
  checkPortNumber(faults, port.port ?? 0, `${path}.port`)
  checkOneOf(faults, port.protocol, protocols, `${path}.protocol`)
  if (port.appProtocol !== undefined) addInvalid(faults, isQualifiedName(port.appProtocol), port.appProtocol, `${path}.appProtocol`)
}

const checkSubset = (faults: Faults, subset: EndpointSubset, path: string): void => {
  if (!subset.addresses?.length && !subset.notReadyAddresses?.length)
    faults.push(required(path, 'must specify `addresses` or `notReadyAddresses`'))
  for (const field of ['addresses', 'notReadyAddresses'] as const)
    subset[field]?.forEach((address, index) => {
      checkAddress(faults, address, `${path}.${field}[${index}]`)
    })
  subset.ports?.forEach((port, index) => {
    checkPort(faults, port, (subset.ports?.length ?? 0) > 1, `${path}.ports[${index}]`)
  })
}

const defaultSubset = (subset: EndpointSubset): EndpointSubset =>
  subset.ports === undefined
    ? subset
    : withField(
        subset,
        'ports',
        mapSame(subset.ports, (port) => (port.protocol === undefined ? { ...port, protocol: 'TCP' } : port)),
      )

/** The controller writes addresses as they should be; its own writes are not looked at. */
const managedLabel = 'endpoints.kubernetes.io/managed-by'
const warningsOf = ({ metadata, subsets }: Endpoints): readonly string[] =>
  metadata.labels?.[managedLabel] === 'endpoint-controller'
    ? []
    : (subsets ?? []).flatMap((subset, at) =>
        (['addresses', 'notReadyAddresses'] as const).flatMap((field) =>
          (subset[field] ?? []).flatMap(({ ip = '' }, index) => ipWarnings(`subsets[${at}].${field}[${index}].ip`, ip)),
        ),
      )

export const endpoints = defineKind<Endpoints>(endpointsResource, {
  generation: false,
  allowCreateOnUpdate: true,
  warnings: warningsOf,
  default: (object) => (object.subsets ? withField(object, 'subsets', mapSame(object.subsets, defaultSubset)) : object),
  validate: (next) =>
    collect((faults) => {
      next.subsets?.forEach((subset, index) => {
        checkSubset(faults, subset, `subsets[${index}]`)
      })
    }),
})
