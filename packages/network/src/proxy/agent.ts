import type { Env } from '@skiff/machinery'
import { keyOf } from '@skiff/machinery'
import type { EndpointSliceObject, ServiceObject } from '../objects.ts'
import { indexSlices } from '../slice-index.ts'
import type { Watched } from '../watched.ts'
import { type CompileOptions, compileService } from './compile.ts'
import type { Dataplane } from './dataplanes/nftables/dataplane.ts'

export interface ProxyOptions extends CompileOptions {
  readonly services: Watched<ServiceObject>
  readonly slices: Watched<EndpointSliceObject>
  /** One per address family. */
  readonly dataplanes: readonly Dataplane[]
  readonly env: Env
  /** How often the kernel's table is looked at, for those who flush rule sets; 30 s by default. */
  readonly verifyEveryMs?: number
}

export interface ServiceProxy {
  /** Resolves when every change that was announced before the call is in the kernel. */
  settled(): Promise<void>
  /** Stops following changes. The rules stay, so that traffic flows while Skiff restarts; the data plane's remove() takes them away. */
  stop(): Promise<void>
}

const RETRY_MS = 1_000
/** Services compiled before other work gets its turn. */
const YIELD_EVERY = 200

/**
 * Keeps a node's service rules as its services and slices are. A change costs its own service only; changes during an update share the
 * next. Both sources must have been read in full before: the first update removes the rules of every service that is not listed.
 */
export const startProxy = (options: ProxyOptions): ServiceProxy => {
  const { services, slices, dataplanes, env } = options
  const index = indexSlices(slices)
  const dirty = new Set<string>()
  const stopping = new AbortController()
  let busy = true

  const compile = async () => {
    const keys = [...dirty]
    dirty.clear()
    for (const [at, key] of keys.entries()) {
      if (at % YIELD_EVERY === YIELD_EVERY - 1) await env.sleep(0)
      const service = services.get(key)
      const routes = service === undefined ? [] : compileService(service, index.of(key), options)
      for (const plane of dataplanes) plane.set(key, routes)
    }
  }

  const work = async (first: boolean) => {
    // One turn of the event loop, so that the changes of one commit go together.
    await env.sleep(0)
    // Also without any service the table must come to be, since it refuses traffic to addresses that nobody holds.
    let pending = first
    while (!stopping.signal.aborted && (pending || dirty.size > 0)) {
      await compile()
      pending = !(await flushed(dataplanes, env))
      if (pending) await env.sleep(RETRY_MS, stopping.signal)
    }
    busy = false
  }

  const touch = (key: string) => {
    dirty.add(key)
    if (busy) return
    busy = true
    working = work(false)
  }

  const ends = [services.subscribe(({ key }) => touch(key)), slices.subscribe(({ key }) => index.update(key).forEach(touch))]
  for (const service of services.list()) dirty.add(keyOf(service))
  let working = work(true)
  const verifying = verifyLoop(dataplanes, env, options.verifyEveryMs ?? 30_000, stopping.signal)

  return {
    settled: async () => {
      while (busy && !stopping.signal.aborted) await working
    },
    stop: async () => {
      stopping.abort()
      for (const end of ends) end()
      await Promise.all([working, verifying])
    },
  }
}

const flushed = async (dataplanes: readonly Dataplane[], env: Env): Promise<boolean> => {
  try {
    await Promise.all(dataplanes.map((plane) => plane.flush()))
    return true
  } catch (error) {
    env.log.error('service rules could not be applied; trying again', { error: String(error) })
    return false
  }
}

const verifyLoop = async (dataplanes: readonly Dataplane[], env: Env, everyMs: number, signal: AbortSignal): Promise<void> => {
  for (;;) {
    await env.sleep(everyMs, signal)
    if (signal.aborted) return
    for (const plane of dataplanes) {
      const repaired = await plane.verify().catch((error: unknown) => env.log.warn('service rules not verified', { error: String(error) }))
      if (repaired) env.log.warn('the service rules had been removed or replaced; they are in place again')
    }
  }
}
