import type { Env } from '@skiff/machinery'
import type { CacheEvent } from '../../registry/cache.ts'
import type { Storage } from '../../registry/storage.ts'
import { find } from '../../registry/tree.ts'
import type { AdmissionRequest } from '../admission.ts'

/** Writes that take longer are taken for lost. */
const longestMs = 10_000
/** Whoever counts learns of a write a little after it can be read here. */
const learnedMs = 250

interface Flight {
  readonly request: AdmissionRequest
  untilMs: number
  landed: boolean
  /** Stops looking out for the object. */
  stop: () => void
}

/** Writes that were charged and that not everybody can have seen yet, by namespace. */
export interface Flights {
  /** The answer ends the flight of a write that failed; one that succeeds ends it by being seen. */
  begin(request: AdmissionRequest): () => void
  any(namespace: string): boolean
}

export const createFlights = (storage: Storage, env: Env): Flights => {
  const flights = new Map<string, Set<Flight>>()
  const seen = ({ kind, namespace, object, old, dryRun }: AdmissionRequest): boolean => {
    if (dryRun || old || !object) return true
    const cache = storage.loaded(kind)
    return cache !== undefined && find(cache.tree, `${namespace}/${object.metadata.name}`) !== undefined
  }
  const land = (flight: Flight): void => {
    if (flight.landed) return
    flight.stop()
    flight.landed = true
    flight.untilMs = env.monotonicMs() + learnedMs
  }
  /** Lands a flight when its object comes by: it may be gone again before anybody asks. */
  const lookOut = (flight: Flight): void => {
    const { kind, namespace, object } = flight.request
    const cache = storage.loaded(kind)
    if (!cache || !object) return
    const key = `${namespace}/${object.metadata.name}`
    const listen = (events: readonly CacheEvent[]): void => {
      if (events.some((event) => event.after?.key === key)) land(flight)
    }
    cache.listeners.add(listen)
    flight.stop = () => cache.listeners.delete(listen)
  }
  const drop = (namespace: string, flight: Flight): void => {
    flight.stop()
    const held = flights.get(namespace)
    held?.delete(flight)
    if (held?.size === 0) flights.delete(namespace)
  }
  const sweep = (namespace: string): void => {
    const now = env.monotonicMs()
    for (const flight of flights.get(namespace) ?? []) {
      if (seen(flight.request)) land(flight)
      if (now > flight.untilMs) drop(namespace, flight)
    }
  }
  return {
    begin: (request) => {
      const namespace = request.namespace as string
      const flight: Flight = { request, untilMs: env.monotonicMs() + longestMs, landed: false, stop: () => {} }
      const held = flights.get(namespace) ?? new Set()
      flights.set(namespace, held)
      held.add(flight)
      if (!seen(request)) lookOut(flight)
      if (held.size > 64) sweep(namespace)
      return () => drop(namespace, flight)
    },
    any: (namespace) => {
      sweep(namespace)
      return flights.has(namespace)
    },
  }
}
