import type { Kind, Service } from '@skiff/api'
import { endpoints } from '@skiff/api'
import type { Client } from '@skiff/client'
import { type Env, internalError, isRefusal } from '@skiff/machinery'
import type { WriteHooks } from '../rest/context.ts'
import type { AddressPool } from './address-pool.ts'
import { addressesStay, type Family, initFamilies, invalidList, refuseService } from './families.ts'
import { allocatePorts, portsHeld } from './node-ports.ts'
import type { PortClaims } from './port-claims.ts'
import { beginDryPorts, beginPorts } from './port-operation.ts'

export interface ServiceAllocatorOptions {
  /** Of cluster addresses; the first is what a Service gets that names none. */
  readonly families: readonly Family[]
  readonly pool: AddressPool
  readonly ports: PortClaims
  readonly client: () => Client
  readonly env: Env
}

/** What a write took, to be given back when it fails, and what goes once it is done. */
interface Taken {
  readonly addresses: string[]
  readonly leaving: string[]
}

/**
 * Cluster addresses and node ports of Services: taken before the write is validated, given back when it fails or the Service goes.
 * Each is an object or a key of the store of its own, so what a crash leaves is never used twice, and the repair loops end it.
 */
export const createServiceAllocator = (options: ServiceAllocatorOptions): WriteHooks => {
  const isService = (kind: Kind) => kind.group === '' && kind.kind === 'Service'
  return {
    beforeWrite: (kind, next, old, dryRun) =>
      // One without a name is about to be refused.
      isService(kind) && next.metadata.name ? allocate(options, next as Service, old as Service | undefined, dryRun) : undefined,
    afterRemove: (kind, gone) => (isService(kind) ? releaseAll(options, gone as Service) : undefined),
  }
}

const allocate = async (options: ServiceAllocatorOptions, next: Service, old: Service | undefined, dryRun: boolean) => {
  const { pool, ports, families } = options
  const operation = dryRun ? beginDryPorts(ports) : beginPorts(ports)
  const taken: Taken = { addresses: [], leaving: [] }
  const giveBack = async (addresses: string[]): Promise<void> => {
    if (!dryRun) await Promise.all(addresses.splice(0).map((address) => pool.release(next, address)))
  }
  const undo = async (): Promise<void> => {
    await Promise.all([operation.revert(), giveBack(taken.addresses)])
  }
  try {
    const addressed = await withAddresses(pool, initFamilies(next, old, families), old, dryRun, taken)
    const object = await allocatePorts(addressed, old, operation)
    return {
      object,
      undo,
      done: async () => {
        await Promise.all([operation.commit(), giveBack(taken.leaving)])
      },
    }
  } catch (error) {
    await undo()
    throw error
  }
}

const withAddresses = async (
  pool: AddressPool,
  next: Service,
  old: Service | undefined,
  dryRun: boolean,
  taken: Taken,
): Promise<Service> => {
  if (old && addressesStay(next, old)) return next
  const held = old?.spec.clusterIPs ?? []
  const hadNone = old === undefined || old.spec.type === 'ExternalName'
  if (next.spec.type === 'ExternalName') {
    if (!hadNone && held[0] !== 'None') taken.leaving.push(...held)
    return next
  }
  if (next.spec.clusterIPs?.[0] === 'None' || (!hadNone && held[0] === 'None')) return next
  const families = next.spec.ipFamilies ?? []
  if (hadNone) return takeAddresses(pool, next, 0, dryRun, taken)
  const before = old.spec.ipFamilies ?? []
  if (before.length === 1 && families.length === 2) return takeAddresses(pool, next, 1, dryRun, taken)
  if (before.length === 2 && families.length === 1 && held[1] !== undefined) taken.leaving.push(held[1])
  return next
}

/** Takes the addresses of the families from `from` on: those that are named, any for the others. */
const takeAddresses = async (pool: AddressPool, next: Service, from: number, dryRun: boolean, taken: Taken): Promise<Service> => {
  const families = next.spec.ipFamilies ?? []
  const asked = Array.from(
    { length: Math.max(families.length, next.spec.clusterIPs?.length ?? 0) },
    (_, at) => next.spec.clusterIPs?.[at] ?? '',
  )
  const addresses = [...asked]
  for (const [index, family] of families.entries()) {
    if (index < from) continue
    const named = asked[index] as string
    if (named !== '') {
      const why = await pool.take(next, named, dryRun)
      if (why !== undefined) throw refuseService(next, [invalidList('spec.clusterIPs', asked, `failed to allocate IP ${named}: ${why}`)])
      taken.addresses.push(named)
      continue
    }
    const found = await pool.next(next, family as Family, dryRun)
    if ('why' in found) throw internalError(`failed to allocate a serviceIP: ${found.why}`)
    taken.addresses.push(found.address)
    addresses[index] = found.address
  }
  return { ...next, spec: { ...next.spec, ...(addresses[0] ? { clusterIP: addresses[0] } : {}), clusterIPs: addresses } }
}

/** A Service that is gone: its addresses, its ports, and the Endpoints of its name, which a Service made anew must not meet. */
const releaseAll = async ({ pool, ports, client, env }: ServiceAllocatorOptions, gone: Service): Promise<void> => {
  const { spec, metadata } = gone
  const addresses = spec.type === 'ExternalName' ? [] : (spec.clusterIPs ?? []).filter((each) => each !== '' && each !== 'None')
  const target = { ...(metadata.namespace ? { namespace: metadata.namespace } : {}), name: metadata.name }
  const removed = client()
    .remove(endpoints, target)
    .catch((error: unknown) => {
      if (!isRefusal(error, 404)) env.log.warn('the endpoints of a service that is gone stay', { ...target, error: String(error) })
    })
  await Promise.all([
    removed,
    ...addresses.map((address) => pool.release(gone, address)),
    ...[...new Set(portsHeld(gone))].map(ports.release),
  ])
}
