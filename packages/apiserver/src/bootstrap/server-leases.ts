import type { Env } from '@skiff/machinery'
import type { Store } from '@skiff/store'

/** Which API servers of a store live: each holds a key under its address. */
export interface ServerLeases {
  /** One look: renews the own lease where others watch it, forgets those that ended. Addresses in order, the own among them. */
  addresses(): Promise<readonly string[]>
  /** The own lease goes; the addresses that are left. */
  end(): Promise<readonly string[]>
}

const prefix = '/registry/masterleases/'
/** A server that was not heard of for so long is gone: longer than the time between two looks. */
const lifeMs = 15_000

/**
 * What tells a lease that lives is that it changes, seen by the clock of who looks: no clocks are compared. A server that is alone
 * writes its lease once; it renews it only while there are others, so that a cluster of one is quiet.
 */
export const createServerLeases = (store: Store, address: string, env: Env): ServerLeases => {
  const seen = new Map<string, { readonly revision: number; readonly sinceMs: number }>()
  const own = `${prefix}${address}`
  const others = async (): Promise<readonly string[]> => {
    const { rows } = await store.range({ prefix })
    const nowMs = env.monotonicMs()
    const alive: string[] = []
    for (const { key, revision } of rows) {
      if (key === own) continue
      const known = seen.get(key)
      if (known?.revision !== revision) seen.set(key, { revision, sinceMs: nowMs })
      else if (nowMs - known.sinceMs > lifeMs) {
        seen.delete(key)
        await store.commit({ key, value: null, expect: revision })
        continue
      }
      alive.push(key.slice(prefix.length))
    }
    return alive.sort()
  }
  return {
    addresses: async () => {
      const alive = await others()
      const held = alive.length === 0 ? await store.read(own) : undefined
      if (!held) await store.commit({ key: own, value: Buffer.from('{}'), expect: 'any' })
      return [...alive, address].sort()
    },
    end: async () => {
      await store.commit({ key: own, value: null, expect: 'any' })
      return others()
    },
  }
}
