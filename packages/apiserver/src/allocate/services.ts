import type { Kind, Service, ServicePort } from '@skiff/api'
import { type FieldError, internalError, invalid, invalidValue, ipBits, ipText, type KubeObject, parseCidr } from '@skiff/machinery'
import type { Cache } from '../registry/cache.ts'
import { entriesOf } from '../registry/tree.ts'
import type { WriteHooks } from '../rest/context.ts'
import { createRange, type Range } from './ranges.ts'

export interface ServiceAllocatorOptions {
  /** IPv4 CIDR of cluster addresses. */
  readonly serviceCidr: string
  /** Node ports, both ends included. */
  readonly nodePorts: { readonly first: number; readonly last: number }
  readonly services: Cache
}

interface Allocator {
  readonly addresses: Range
  readonly ports: Range
  readonly base: bigint
  readonly cidr: string
}

/** Upstream keeps the lower part of a range for those who name their address: min(max(16, size/16), 256). */
const reservedOf = (size: number): number => Math.min(Math.max(16, Math.floor(size / 16)), 256)

/**
 * Cluster addresses and node ports of Services, taken before the write and given back when it fails or the Service goes. What is
 * in use is read from the Services themselves, so a restart repairs it.
 */
export const createServiceAllocator = (options: ServiceAllocatorOptions): WriteHooks => {
  const cidr = parseCidr(options.serviceCidr)
  if (!cidr) throw new Error(`${options.serviceCidr} is no CIDR`)
  const size = 2 ** (32 - cidr.prefixLength)
  const { first, last } = options.nodePorts
  const allocator: Allocator = {
    addresses: createRange(1, size - 2, reservedOf(size)),
    ports: createRange(first, last, Math.min(Math.max(16, Math.floor((last - first + 1) / 32)), 128)),
    base: ipBits(options.serviceCidr.split('/')[0] as string),
    cidr: options.serviceCidr,
  }
  for (const { object } of entriesOf(options.services.tree)) hold(allocator, object as Service)
  const isService = (kind: Kind) => kind.group === '' && kind.kind === 'Service'
  return {
    beforeWrite: (kind, next, old) =>
      isService(kind) ? allocate(allocator, kind, next as Service, old as Service | undefined) : { object: next },
    afterWrite: (kind, next, old) => {
      if (isService(kind) && old) release(allocator, old as Service, next as Service | undefined)
    },
  }
}

const offsetOf = ({ base }: Allocator, address: string): number => Number(ipBits(address) - base)
const addressAt = ({ base }: Allocator, offset: number): string => ipText(base + BigInt(offset), 4)

const addressesOf = (service: Service | undefined): readonly string[] => {
  const all = service?.spec.clusterIPs ?? (service?.spec.clusterIP ? [service.spec.clusterIP] : [])
  return all.filter((address) => address !== 'None' && address !== '')
}
const portsOf = (service: Service | undefined): readonly number[] => {
  const ports = (service?.spec.ports ?? []).map((port) => port.nodePort ?? 0)
  return [...ports, service?.spec.healthCheckNodePort ?? 0].filter((port) => port > 0)
}

const hold = (allocator: Allocator, service: Service): void => {
  for (const address of addressesOf(service)) allocator.addresses.take(offsetOf(allocator, address))
  for (const port of portsOf(service)) allocator.ports.take(port)
}

const release = (allocator: Allocator, old: Service, next: Service | undefined): void => {
  const kept = new Set<string | number>([...addressesOf(next), ...portsOf(next)])
  for (const address of addressesOf(old)) if (!kept.has(address)) allocator.addresses.free(offsetOf(allocator, address))
  for (const port of portsOf(old)) if (!kept.has(port)) allocator.ports.free(port)
}

/** Takes what a Service needs; the undo gives back just that. */
const allocate = (allocator: Allocator, kind: Kind, next: Service, old: Service | undefined): { object: KubeObject; undo: () => void } => {
  const taken: (() => void)[] = []
  const undo = () => {
    for (const back of taken.splice(0)) back()
  }
  try {
    const addressed = withAddress(allocator, kind, next, old, taken)
    return { object: withNodePorts(allocator, kind, addressed, old, taken), undo }
  } catch (error) {
    undo()
    throw error
  }
}

const refuse = (kind: Kind, service: Service, error: FieldError) => invalid(kind, service.metadata.name, [error])

const withAddress = (allocator: Allocator, kind: Kind, next: Service, old: Service | undefined, taken: (() => void)[]): Service => {
  const { spec } = next
  if (spec.type === 'ExternalName') return next
  const families = {
    ipFamilyPolicy: spec.ipFamilyPolicy ?? ('SingleStack' as const),
    ipFamilies: spec.ipFamilies?.length ? spec.ipFamilies : (['IPv4'] as const),
  }
  if (spec.clusterIP === 'None') return { ...next, spec: { ...spec, clusterIPs: ['None'], ...families } }
  const wanted = spec.clusterIP || spec.clusterIPs?.[0] || ''
  const address = addressesOf(old).includes(wanted) ? wanted : takeAddress(allocator, kind, next, wanted, taken)
  return { ...next, spec: { ...spec, clusterIP: address, clusterIPs: [address], ...families } }
}

const takeAddress = (allocator: Allocator, kind: Kind, next: Service, wanted: string, taken: (() => void)[]): string => {
  const { addresses, cidr } = allocator
  if (wanted === '') {
    const offset = addresses.next()
    if (offset === undefined) throw internalError('failed to allocate a serviceIP: range is full')
    taken.push(() => addresses.free(offset))
    return addressAt(allocator, offset)
  }
  const offset = offsetOf(allocator, wanted)
  const failed = (why: string) =>
    refuse(kind, next, {
      reason: 'FieldValueInvalid',
      field: 'spec.clusterIPs',
      body: `Invalid value: []string{${JSON.stringify(wanted)}}: failed to allocate IP ${wanted}: ${why}`,
    })
  if (!addresses.contains(offset)) throw failed(`the provided IP (${wanted}) is not in the valid range. The range of valid IPs is ${cidr}`)
  if (!addresses.take(offset)) throw failed('provided IP is already allocated')
  taken.push(() => addresses.free(offset))
  return wanted
}

const wantsNodePorts = ({ spec }: Service): boolean =>
  spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false)

const withNodePorts = (allocator: Allocator, kind: Kind, next: Service, old: Service | undefined, taken: (() => void)[]): Service => {
  const typed = next.spec.type === 'NodePort' || next.spec.type === 'LoadBalancer'
  if (!typed) return next
  const held = new Set(portsOf(old))
  // A TCP and a UDP port of one Service may share a node port.
  const own = new Set<number>()
  const ports = (next.spec.ports ?? []).map((port, index) => {
    const given = port.nodePort ?? 0
    if (given > 0) {
      if (!held.has(given) && !own.has(given)) takePort(allocator, kind, next, given, index, taken)
      own.add(given)
      return port
    }
    if (!wantsNodePorts(next)) return port
    const found = earlierPort(port, next.spec.ports ?? [], old) ?? nextPort(allocator, taken)
    own.add(found)
    return { ...port, nodePort: found }
  })
  return { ...next, spec: { ...next.spec, ports, ...healthCheckPort(allocator, next, held, taken) } }
}

/** The node port that the old Service had for the same port, unless another entry asks for it now. */
const earlierPort = (port: ServicePort, all: readonly ServicePort[], old: Service | undefined): number | undefined => {
  const same = old?.spec.ports?.find((each) => each.port === port.port && (each.protocol ?? 'TCP') === (port.protocol ?? 'TCP'))?.nodePort
  return same && !all.some((each) => each.nodePort === same) ? same : undefined
}

const nextPort = ({ ports }: Allocator, taken: (() => void)[]): number => {
  const port = ports.next()
  if (port === undefined) throw internalError('failed to allocate a nodePort: range is full')
  taken.push(() => ports.free(port))
  return port
}

const takePort = ({ ports }: Allocator, kind: Kind, next: Service, port: number, index: number, taken: (() => void)[]): void => {
  const field = `spec.ports[${index}].nodePort`
  if (!ports.contains(port))
    throw refuse(kind, next, invalidValue(field, port, 'provided port is not in the valid range. The range of valid ports is 30000-32767'))
  if (!ports.take(port)) throw refuse(kind, next, invalidValue(field, port, 'provided port is already allocated'))
  taken.push(() => ports.free(port))
}

const healthCheckPort = (
  allocator: Allocator,
  { spec }: Service,
  held: ReadonlySet<number>,
  taken: (() => void)[],
): { healthCheckNodePort?: number } => {
  const wants = spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local'
  if (!wants) return {}
  const given = spec.healthCheckNodePort ?? 0
  if (given > 0 && !held.has(given)) allocator.ports.take(given)
  return { healthCheckNodePort: given > 0 ? given : nextPort(allocator, taken) }
}
