import type { Client } from '@skiff/client'
import type { Env } from '@skiff/machinery'
import type { Store } from '@skiff/store'
import type { Cache } from '../registry/cache.ts'
import type { WriteHooks } from '../rest/context.ts'
import { createAddressPool } from './address-pool.ts'
import { addressRangeOf } from './address-range.ts'
import type { Family } from './families.ts'
import { openPortClaims, type PortRange } from './port-claims.ts'
import { startRepair } from './repair.ts'
import { createServiceAllocator } from './services.ts'

export interface AllocationOptions {
  readonly store: Store
  readonly env: Env
  /** Of one family or of two; the first is the default one's. */
  readonly cidrs: readonly string[]
  readonly nodePorts: PortRange
  readonly services: Cache
  readonly addresses: Cache
  readonly serviceCidrs: Cache
  /** The server itself, which is there once the hooks are. */
  readonly client: () => Client
}

export interface Allocation {
  readonly hooks: WriteHooks
  /** Before the server listens: what an unclean stop left is mended first. */
  startRepair(): Promise<void>
  close(): Promise<void>
}

/** Reads `a` or `a,b` as upstream's --service-cluster-ip-range; throws a sentence. */
export const parseServiceCidrs = (text: string): readonly string[] => {
  const cidrs = text.split(',').map((each) => each.trim())
  const families = cidrs.map((cidr) => {
    const range = addressRangeOf(cidr)
    if (!range) throw new Error(`${JSON.stringify(cidr)} is no range of addresses for services`)
    return range.family
  })
  if (cidrs.length > 2 || new Set(families).size < families.length)
    throw new Error(`${text}: services have one range of addresses, or one of each family`)
  return cidrs
}

/** Allocation of cluster addresses and node ports. */
export const openAllocation = async (options: AllocationOptions): Promise<Allocation> => {
  const { store, env, cidrs, nodePorts, services, addresses, serviceCidrs, client } = options
  const claims = await openPortClaims(store, nodePorts, env)
  const pool = createAddressPool({ client, serviceCidrs, addresses, env })
  const families = cidrs.map((cidr) => addressRangeOf(cidr)?.family as Family)
  let repair: Awaited<ReturnType<typeof startRepair>> | undefined
  return {
    hooks: createServiceAllocator({ families, pool, ports: claims, client, env }),
    startRepair: async () => {
      repair = await startRepair({ client: client(), services, addresses, pool, claims, env })
    },
    close: async () => {
      await repair?.stop()
      claims.close()
    },
  }
}
