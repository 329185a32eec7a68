import type { Kind } from '@skiff/api'
import type { Call, Handler, Identity } from '@skiff/client'
import type { Env } from '@skiff/machinery'
import type { Registry } from '../registry/registry.ts'
import type { Storage } from '../registry/storage.ts'
import { createFlows } from './flows.ts'
import { followFairness } from './follow.ts'
import { createGate } from './gate.ts'
import { createInFlightLimiter } from './in-flight.ts'
import type { Level } from './level.ts'
import type { Flow, Limiter, RefusedWhy } from './limiter.ts'

/** How many requests the server works on at a time; upstream's flags and what they are without. */
export interface RequestLimits {
  /** --max-requests-inflight */
  readonly readOnly?: number
  /** --max-mutating-requests-inflight */
  readonly mutating?: number
  /** --enable-priority-and-fairness */
  readonly fair?: boolean
}

const defaults = { readOnly: 400, mutating: 200, fair: true }
/** A quarter of the time that a request has. */
const longestWaitMs = 15_000

export interface StartFairnessOptions {
  readonly limits: RequestLimits | undefined
  readonly registry: Registry
  readonly storage: Storage
  readonly handler: Handler
  /** Who writes the objects. */
  readonly identity: Identity
  readonly env: Env
  /** Hears how long requests waited. */
  readonly waited?: (seconds: number, execute: string, schema: string, level: string) => void
}

export interface Fairness {
  readonly limiter: Limiter
  /** Absent where fairness is off. */
  readonly levels?: () => Iterable<Level>
  readonly flows?: () => readonly Flow[]
  /** How many were refused, by schema, level and reason with spaces between. */
  readonly refused: ReadonlyMap<string, number>
  stop(): void
}

/** The server's limiter, with the objects that it goes by. */
export const startFairness = async (options: StartFairnessOptions): Promise<Fairness> => {
  const { registry, storage, handler, identity, env } = options
  const limits = { ...defaults, ...options.limits }
  if (!limits.fair) return { limiter: createInFlightLimiter(limits), refused: new Map(), stop: () => {} }
  const cacheOf = (plural: string) => storage.cache(registry.find('flowcontrol.apiserver.k8s.io', 'v1', plural) as Kind)
  const [schemas, levels] = await Promise.all([cacheOf('flowschemas'), cacheOf('prioritylevelconfigurations')])
  const flows = createFlows(limits.readOnly + limits.mutating)
  const following = await followFairness({ flows, schemas, levels, handler, identity, env })
  const refused = new Map<string, number>()
  const levelsNow = () => flows.levels.values()
  const onRefused = ({ schema, level }: Flow, why: RefusedWhy): void => {
    const key = `${schema.name} ${level.name} ${why}`
    refused.set(key, (refused.get(key) ?? 0) + 1)
  }
  const onWaited = ({ schema, level }: Flow, seconds: number, served: boolean): void =>
    options.waited?.(seconds, String(served), schema.name, level.name)
  const limiter = createGate({ env, longestWaitMs, flowOf: flows.flowOf, levels: levelsNow, onRefused, onWaited })
  return { limiter, levels: levelsNow, flows: flows.all, refused, stop: following.stop }
}

const objectsPerSeat = 100
const mostSeats = 10

/** How many seats a list takes: by the objects that it looks through or hands out. */
export const listWidth =
  (registry: Registry, storage: Storage) =>
  (call: Call): number => {
    const kind = registry.find(call.group, call.version, call.resource)
    const size = kind ? (storage.loaded(registry.stored(kind))?.tree.size ?? 0) : 0
    const { limit, labelSelector, fieldSelector } = call.query
    const page = Number(limit ?? 0)
    const touched = page > 0 && !labelSelector && !fieldSelector ? Math.min(page, size) : size
    return Math.min(Math.max(1, Math.ceil(touched / objectsPerSeat)), mostSeats)
  }
