import { type IPAddress, ipAddress, type Service, type ServiceCIDR } from '@skiff/api'
import type { Client } from '@skiff/client'
import { canonicalIp, type Env, isRefusal } from '@skiff/machinery'
import type { Cache } from '../registry/cache.ts'
import { entriesOf, find } from '../registry/tree.ts'
import { type AddressRange, addressRangeOf, isWithin } from './address-range.ts'
import { type Family, familyOfAddress } from './families.ts'

export interface AddressPoolOptions {
  /** The server itself: each address in use is an IPAddress that it makes, and the store decides who was first. */
  readonly client: () => Client
  readonly serviceCidrs: Cache
  readonly addresses: Cache
  readonly env: Env
}

/** Cluster addresses of Services, out of all ServiceCIDRs that are ready. */
export interface AddressPool {
  /** Takes the address named; answers why not. */
  take(service: Service, address: string, dryRun: boolean): Promise<string | undefined>
  /** Takes a free one. */
  next(service: Service, family: Family, dryRun: boolean): Promise<{ readonly address: string } | { readonly why: string }>
  /** Gives back what is the Service's; another one's address stays. */
  release(service: Service, address: string): Promise<void>
  /** Some ServiceCIDR holds it, ready or not. */
  holds(address: string): boolean
}

export const managedByLabel = 'ipaddress.kubernetes.io/managed-by'
export const familyLabel = 'ipaddress.kubernetes.io/ip-family'
export const allocatorName = 'ipallocator.k8s.io'

/** The object that stands for an address in use. Its name is the canonical form. */
export const addressObject = (address: string, { metadata }: Service) => ({
  metadata: { name: address, labels: { [familyLabel]: familyOfAddress(address), [managedByLabel]: allocatorName } },
  spec: { parentRef: { resource: 'services', name: metadata.name, ...(metadata.namespace ? { namespace: metadata.namespace } : {}) } },
})

/** Whether the object says that its address is the Service's. */
export const isOf = ({ spec }: IPAddress, { metadata }: Service): boolean => {
  const { group, resource, namespace, name } = spec.parentRef
  return !group && resource === 'services' && (namespace ?? '') === (metadata.namespace ?? '') && name === metadata.name
}

const isReady = ({ metadata, status }: ServiceCIDR): boolean =>
  metadata.deletionTimestamp === undefined && (status?.conditions?.find(({ type }) => type === 'Ready')?.status ?? 'True') === 'True'

interface Listed {
  readonly range: AddressRange
  readonly ready: boolean
}

/** The ranges of all ServiceCIDRs; worked out again when one of these changed. */
const rangesOf = (cache: Cache): (() => readonly Listed[]) => {
  let tree: Cache['tree'] | undefined
  let listed: readonly Listed[] = []
  return () => {
    if (cache.tree === tree) return listed
    tree = cache.tree
    const byCidr = new Map<string, Listed>()
    for (const { object } of entriesOf(tree, '')) {
      const cidrs = (object as ServiceCIDR).spec.cidrs ?? []
      for (const cidr of cidrs) {
        const range = addressRangeOf(cidr)
        // Two objects may name one range: it is usable while one of them is.
        if (range) byCidr.set(cidr, { range, ready: isReady(object as ServiceCIDR) || byCidr.get(cidr)?.ready === true })
      }
    }
    listed = [...byCidr.values()]
    return listed
  }
}

const allocated = 'provided IP is already allocated'
const mismatched = 'the provided network does not match the current range'
const full = 'range is full'
/** Addresses looked at between two rests of the event loop, in a range that is nearly full. */
const probesAtOnce = 2048

export const createAddressPool = ({ client, serviceCidrs, addresses, env }: AddressPoolOptions): AddressPool => {
  const ranges = rangesOf(serviceCidrs)

  /** Undefined when it is the Service's now. */
  const claim = async (service: Service, address: string): Promise<string | undefined> => {
    try {
      await client().create(ipAddress, addressObject(canonicalIp(address), service))
      return undefined
    } catch (error) {
      if (!isRefusal(error)) throw error
      return error.code === 409 ? allocated : error.message
    }
  }

  const below = (size: bigint): bigint =>
    (BigInt(Math.floor(env.random() * 2 ** 32)) * 2n ** 32n + BigInt(Math.floor(env.random() * 2 ** 32))) % size

  /** From a random start once around, so that several servers seldom meet; what another one took meanwhile is passed over. */
  const search = async (
    service: Service,
    range: AddressRange,
    first: bigint,
    last: bigint,
  ): Promise<string | { why: string } | undefined> => {
    const size = last - first + 1n
    if (size <= 0n) return undefined
    const start = below(size)
    for (let probe = 0n; probe < size; probe++) {
      if (probe > 0n && probe % BigInt(probesAtOnce) === 0n) await env.sleep(0)
      const address = range.text(first + ((start + probe) % size))
      if (find(addresses.tree, address)) continue
      const why = await claim(service, address)
      if (why === undefined) return address
      if (why !== allocated) return { why }
    }
    return undefined
  }

  return {
    take: async (service, address, dryRun) => {
      if (dryRun) {
        // Upstream looks at any one range and at no address that is taken.
        const range = ranges().find((each) => each.range.family === familyOfAddress(address))?.range
        if (range && isWithin(range, address)) return undefined
        return range ? `the provided IP (${address}) is not in the valid range. The range of valid IPs is ${range.cidr}` : mismatched
      }
      if (!ranges().some(({ range, ready }) => ready && isWithin(range, address))) return mismatched
      return claim(service, address)
    },
    next: async (service, family, dryRun) => {
      const usable = ranges().filter(({ range, ready }) => ready && range.family === family)
      if (dryRun) return usable[0] ? { address: usable[0].range.network } : { why: full }
      for (const { range } of usable) {
        const found =
          (await search(service, range, range.dynamicFrom, range.last)) ??
          (await search(service, range, range.first, range.dynamicFrom - 1n))
        if (found !== undefined) return typeof found === 'string' ? { address: found } : found
      }
      return { why: full }
    },
    release: async (service, given) => {
      const address = canonicalIp(given)
      const held = find(addresses.tree, address)?.object as IPAddress | undefined
      if (held && !isOf(held, service)) return
      try {
        await client().remove(ipAddress, { name: address })
      } catch (error) {
        if (!isRefusal(error)) throw error
        // The repair loop finds what stays; a Service that is gone is not held up by it.
        if (error.code !== 404) env.log.warn('an address could not be released', { address, error: error.message })
      }
    },
    holds: (address) => ranges().some(({ range }) => isWithin(range, address)),
  }
}
