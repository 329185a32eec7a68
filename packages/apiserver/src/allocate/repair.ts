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

/**
 * Repairs addresses and ports once, then every three minutes as long as something changed, or waits to be confirmed, until stopped.
 * Resolves after the first round.
 */
export const startRepair = async (options: RepairOptions): Promise<{ stop(): Promise<void> }> => {
  const { client, services, addresses, claims, env } = options
  const addressRecorder = createRecorder(client, env, { component: 'ipallocator-repair-controller' })
  const portRecorder = createRecorder(client, env, { component: 'portallocator-repair-controller' })
  const repairPorts = createPortRepair({ recorder: portRecorder, services, claims, env })
  let cancel: (() => void) | undefined
  let working: Promise<void> = Promise.resolve()
  let stopped = false

  /** Each tells whether it has to look again. */
  const round = async (): Promise<void> => {
    for (const repair of [() => repairAddresses({ ...options, recorder: addressRecorder }), repairPorts])
      try {
        if (await repair()) plan()
      } catch (error) {
        env.log.warn('the repair of allocated addresses and ports failed, and is tried again', { error: String(error) })
        plan()
      }
  }
  const plan = (): void => {
    if (stopped || cancel) return
    cancel = env.after(intervalMs, () => {
      cancel = undefined
      working = round()
    })
  }
  for (const cache of [services, addresses]) cache.listeners.add(plan)
  await round()
  return {
    stop: async () => {
      stopped = true
      cancel?.()
      for (const cache of [services, addresses]) cache.listeners.delete(plan)
      await working
      await Promise.all([addressRecorder.close(), portRecorder.close()])
    },
  }
}
