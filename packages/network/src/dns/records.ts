import { clusterIPsOf, type EndpointSliceObject, isHeadless, type ServiceObject } from '../objects.ts'
import type { Answer } from './reply.ts'
import { addressBytes, type Rr, soaRr } from './wire.ts'

/** One address under which a service, or one endpoint of it, answers on one port. `port` is undefined for an endpoint without ports. */
export interface Backing {
  readonly address: Buffer
  /** The endpoint's own label; '' for a cluster address. */
  readonly label: string
  readonly port?: NamedPort
}

export interface NamedPort {
  readonly name: string
  readonly protocol: string
  readonly port: number
}

/** What the cluster's names say of one service. */
export interface ServiceRecords {
  readonly kind: 'cluster' | 'headless' | 'external'
  /** Of an ExternalName service: the target, without its last dot. */
  readonly target: string
  /** At the service's cluster addresses. */
  readonly cluster: readonly Backing[]
  /** Its ready endpoints; read only when asked for, since most services are never asked for them. */
  endpoints(): readonly Backing[]
  /** Answers made before, by prefix and type. They die with this value, when the service changes. */
  readonly answers: Map<string, Answer>
}

/** The cluster's part of the name space, kept in step with services by set(). Reads are synchronous. */
export interface Records {
  readonly zone: string
  readonly ttlSeconds: number
  /** The addresses of the server itself, under ns.dns.ZONE. */
  readonly server: readonly Buffer[]
  readonly soa: Rr
  hasNamespace(name: string): boolean
  service(namespace: string, name: string): ServiceRecords | undefined
  /** The names that an address has, by the hex digits of its bytes. */
  pointers(hex: string): readonly string[]
  /** Whether an address lies in the cluster's ranges: nobody else can know its name. */
  owns(address: Buffer): boolean
}

export interface RecordsOptions {
  readonly zone?: string
  /** 30 s, as kubeadm configures CoreDNS. */
  readonly ttlSeconds?: number
  readonly server?: readonly string[]
  /** Pod and service ranges, `address/bits`. */
  readonly ranges?: readonly string[]
}

export interface WritableRecords extends Records {
  /** Replaces what is known of the service `namespace/name`. `nowMs` becomes the zone's serial, in seconds. */
  set(key: string, service: ServiceObject | undefined, slices: readonly EndpointSliceObject[], nowMs: number): void
  /** A namespace without services exists, too, once it is told here. */
  setNamespace(name: string, exists: boolean): void
}

export const createRecords = (options: RecordsOptions = {}): WritableRecords => {
  const { zone = 'cluster.local', ttlSeconds = 30 } = options
  const namespaces = new Set<string>()
  const services = new Map<string, Map<string, ServiceRecords>>()
  const pointers = pointerTable()
  const server = (options.server ?? []).flatMap((ip) => addressBytes(ip) ?? [])
  const inRanges = rangeTest(options.ranges ?? [])
  let serial = 0
  let soa: Rr | undefined

  return {
    zone,
    ttlSeconds,
    server,
    get soa() {
      soa ??= soaRr(zone, serial, ttlSeconds)
      return soa
    },
    hasNamespace: (name) => namespaces.has(name) || services.has(name),
    service: (namespace, name) => services.get(namespace)?.get(name),
    pointers: (hex) => pointers.of(hex),
    owns: inRanges,
    set(key, service, slices, nowMs) {
      const [namespace = '', name = ''] = key.split('/')
      const group = services.get(namespace) ?? new Map<string, ServiceRecords>()
      if (service === undefined) group.delete(name)
      else group.set(name, recordsOf(service, slices))
      if (group.size === 0) services.delete(namespace)
      else services.set(namespace, group)
      pointers.set(key, service === undefined ? [] : pointersOf(service, slices, `${name}.${namespace}.svc.${zone}`))
      serial = Math.floor(nowMs / 1_000)
      soa = undefined
    },
    setNamespace(name, exists) {
      if (exists) namespaces.add(name)
      else namespaces.delete(name)
    },
  }
}

const recordsOf = (service: ServiceObject, slices: readonly EndpointSliceObject[]): ServiceRecords => {
  const spec = service.spec ?? {}
  const external = spec.type === 'ExternalName'
  let endpoints: readonly Backing[] | undefined
  const ports = (spec.ports ?? []).map((port) => ({
    name: port.name ?? '',
    protocol: (port.protocol ?? 'TCP').toLowerCase(),
    port: port.port,
  }))
  const addresses = clusterIPsOf(spec).flatMap((ip) => addressBytes(ip) ?? [])
  return {
    kind: external ? 'external' : isHeadless(spec) ? 'headless' : 'cluster',
    target: external ? (spec.externalName ?? '').replace(/\.$/, '').toLowerCase() : '',
    cluster: ports.flatMap((port) => addresses.map((address) => ({ address, label: '', port }))),
    endpoints: () => (endpoints ??= endpointsOf(slices)),
    answers: new Map(),
  }
}

/** An endpoint has a name of its own: its hostname, or its address with dashes. Only ready ones have records; nil means ready. */
const endpointsOf = (slices: readonly EndpointSliceObject[]): Backing[] =>
  slices.flatMap((slice) => {
    const ports: (NamedPort | undefined)[] = (slice.ports ?? []).flatMap((port) =>
      port.port === undefined ? [] : { name: port.name ?? '', protocol: (port.protocol ?? 'TCP').toLowerCase(), port: port.port },
    )
    if (ports.length === 0) ports.push(undefined)
    return (slice.endpoints ?? []).flatMap((endpoint) => {
      const ip = endpoint.addresses[0] ?? ''
      const address = addressBytes(ip)
      if (address === undefined || endpoint.conditions?.ready === false) return []
      const label = endpoint.hostname ? endpoint.hostname.toLowerCase() : ip.replaceAll(/[.:]/g, '-')
      return ports.map((port) => ({ address, label, ...(port && { port }) }))
    })
  })

/** Who has a name to be found by address: cluster addresses, and endpoints that have a hostname. */
const pointersOf = (service: ServiceObject, slices: readonly EndpointSliceObject[], name: string): [hex: string, name: string][] => {
  const found = clusterIPsOf(service.spec ?? {}).map((ip): [string, string] => [hexOf(ip), name])
  for (const slice of slices)
    for (const endpoint of slice.endpoints ?? [])
      if (endpoint.hostname && endpoint.conditions?.ready !== false)
        found.push([hexOf(endpoint.addresses[0] ?? ''), `${endpoint.hostname.toLowerCase()}.${name}`])
  return found.filter(([hex]) => hex !== '')
}

const hexOf = (ip: string): string => addressBytes(ip)?.toString('hex') ?? ''

/** Names by address, with who gave them. */
const pointerTable = () => {
  const byOwner = new Map<string, readonly [string, string][]>()
  const byHex = new Map<string, string[]>()
  return {
    of: (hex: string): readonly string[] => byHex.get(hex) ?? [],
    set(owner: string, entries: readonly [string, string][]) {
      for (const [hex, name] of byOwner.get(owner) ?? []) {
        const left = (byHex.get(hex) ?? []).filter((one) => one !== name)
        if (left.length === 0) byHex.delete(hex)
        else byHex.set(hex, left)
      }
      if (entries.length === 0) byOwner.delete(owner)
      else byOwner.set(owner, entries)
      for (const [hex, name] of entries) {
        const names = byHex.get(hex) ?? []
        if (!names.includes(name)) byHex.set(hex, [...names, name])
      }
    },
  }
}

const rangeTest = (ranges: readonly string[]): ((address: Buffer) => boolean) => {
  const parsed = ranges.flatMap((range) => {
    const [ip = '', bits = ''] = range.split('/')
    const base = addressBytes(ip)
    return base === undefined ? [] : [{ base, bits: Number(bits) }]
  })
  return (address) => parsed.some(({ base, bits }) => base.length === address.length && samePrefix(base, address, bits))
}

const samePrefix = (a: Buffer, b: Buffer, bits: number): boolean => {
  for (let at = 0; at * 8 < bits; at++) {
    const mask = bits - at * 8 >= 8 ? 255 : (0xff00 >> (bits - at * 8)) & 255
    if (((a[at] ?? 0) ^ (b[at] ?? 0)) & mask) return false
  }
  return true
}
