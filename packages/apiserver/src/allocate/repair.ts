import { type Client, createRecorder } from '@skiff/client'
import type { Env } from '@skiff/machinery'
import type { Cache } from '../registry/cache.ts'
import type { AddressPool } from './address-pool.ts'
import type { PortClaims } from './port-claims.ts'
import { repairAddresses } from './repair-addresses.ts'
import { createPortRepair } from './repair-ports.ts'

export interface RepairOptions {
  readonly client: Client
  readonly services: Cache
  readonly addresses: Cache
  readonly pool: AddressPool
  readonly claims: PortClaims
  readonly env: Env
}

const intervalMs = 3 * 60_000

/** Repairs addresses and ports once, then every three minutes until stopped. Resolves after the first round. */
export const startRepair = async (options: RepairOptions): Promise<{ stop(): Promise<void> }> => {
  const { client, services, claims, env } = options
  const stopping = new AbortController()
  const addressRecorder = createRecorder(client, env, { component: 'ipallocator-repair-controller' })
  const portRecorder = createRecorder(client, env, { component: 'portallocator-repair-controller' })
  const repairPorts = createPortRepair({ recorder: portRecorder, services, claims, env })
  const round = async (): Promise<void> => {
    for (const repair of [() => repairAddresses({ ...options, recorder: addressRecorder }), repairPorts])
      try {
        await repair()
      } catch (error) {
        env.log.warn('the repair of allocated addresses and ports failed, and is tried again', { error: String(error) })
      }
  }
  await round()
  const loop = (async () => {
    for (;;) {
      await env.sleep(intervalMs, stopping.signal)
      if (stopping.signal.aborted) return
      await round()
    }
  })()
  return {
    stop: async () => {
      stopping.abort()
      await Promise.all([loop, addressRecorder.close(), portRecorder.close()])
    },
  }
}
