import type { Service } from '@skiff/api'
import type { EventRecorder } from '@skiff/client'
import type { Env } from '@skiff/machinery'
import type { Cache } from '../registry/cache.ts'
import { entriesOf } from '../registry/tree.ts'
import { portsHeld } from './node-ports.ts'
import { type PortClaims, portRangeText } from './port-claims.ts'

export interface PortRepairOptions {
  readonly recorder: EventRecorder
  readonly services: Cache
  readonly claims: PortClaims
  readonly env: Env
}

/** Rounds in which a port must be found unused before it is given back: a Service that is being made has it before it is there. */
const roundsBeforeRelease = 3

/**
 * Each call is one round: every node port of a Service is claimed, and what no Service has is given back in the end. True while there is
 * something that no Service has.
 */
export const createPortRepair = ({ recorder, services, claims, env }: PortRepairOptions): (() => Promise<boolean>) => {
  const unused = new Map<number, number>()
  const { range } = claims
  const claimAll = async (): Promise<ReadonlySet<number>> => {
    const used = new Set<number>()
    for (const { object } of entriesOf(services.tree)) {
      const service = object as Service
      const tell = (reason: string, message: string) => recorder.event(service, 'Warning', reason, message)
      for (const port of portsHeld(service)) {
        if (port < range.first || port > range.last)
          tell('PortOutOfRange', `Port ${port} is not within the port range ${portRangeText(range)}; please recreate service`)
        else if (used.has(port)) tell('PortAlreadyAllocated', `Port ${port} was assigned to multiple services; please recreate service`)
        else if (!claims.has(port)) {
          tell('PortNotAllocated', `Port ${port} is not allocated; repairing`)
          await claims.take(port)
        }
        used.add(port)
      }
    }
    return used
  }
  return async () => {
    // Before the Services are looked at: a port taken meanwhile is not among these.
    const claimed = claims.all()
    const used = await claimAll()
    for (const port of unused.keys()) if (used.has(port) || !claimed.includes(port)) unused.delete(port)
    for (const port of claimed) {
      if (used.has(port)) continue
      const rounds = (unused.get(port) ?? 0) + 1
      unused.set(port, rounds)
      if (rounds < roundsBeforeRelease) continue
      env.log.warn('a node port that no service has is given back', { port })
      await claims.release(port)
      unused.delete(port)
    }
    return unused.size > 0
  }
}
