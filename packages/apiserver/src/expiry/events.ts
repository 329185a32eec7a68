import type { Kind } from '@skiff/api'
import type { Env, KubeObject } from '@skiff/machinery'
import type { CacheEvent } from '../registry/cache.ts'
import type { Entry } from '../registry/entry.ts'
import type { Storage } from '../registry/storage.ts'
import { entriesOf } from '../registry/tree.ts'

/** How long an event is kept after it was last written: upstream's --event-ttl. */
export const eventTtlMs = 60 * 60 * 1000
/** Between two sweeps, so that events which end one after the other end together. */
const restMs = 1000
/** Deletions under way at a time, so that a sweep does not crowd out writers; they share one durable batch. */
const atOnce = 64

interface Dated extends KubeObject {
  readonly lastTimestamp?: string
  readonly eventTime?: string
  readonly series?: { readonly lastObservedTime?: string }
}

/** When an event found at the start was last written, as far as it tells: the newest of its own times, and not later than now. */
export const writtenMs = (event: KubeObject, nowMs: number): number => {
  const { metadata, lastTimestamp, eventTime, series } = event as Dated
  const times = [metadata.creationTimestamp, lastTimestamp, eventTime, series?.lastObservedTime]
  const known = times.map((text) => Date.parse(text ?? '')).filter((atMs) => !Number.isNaN(atMs))
  return Math.min(nowMs, Math.max(0, ...known))
}

/**
 * Deletes events an hour after their last write, whatever was written, until stopped. Writes come in the order of their time, so the
 * map's order is that of expiry, and a sweep looks only at what is over. The deletion expects the version seen: one that another
 * server renews meanwhile stays.
 */
export const expireEvents = (storage: Storage, kind: Kind, env: Env): { stop(): void } => {
  const written = new Map<string, { readonly revision: number; readonly atMs: number }>()
  let cancel: (() => void) | undefined
  let forget = (): unknown => undefined
  let stopped = false

  const note = ({ key, revision }: Entry, atMs: number): void => {
    written.delete(key)
    written.set(key, { revision, atMs })
  }
  const listen = (changes: readonly CacheEvent[]): void => {
    for (const { before, after } of changes)
      if (after) note(after, env.now())
      else if (before) written.delete(before.key)
    plan()
  }
  const removeOver = async (): Promise<void> => {
    const untilMs = env.now() - eventTtlMs
    let batch: Promise<unknown>[] = []
    for (const [key, { revision, atMs }] of written) {
      if (stopped || atMs > untilMs) break
      batch.push(storage.remove(kind, key, revision))
      if (batch.length < atOnce) continue
      await Promise.all(batch)
      batch = []
    }
    await Promise.all(batch)
  }
  const sweep = (): void => {
    removeOver()
      .catch((error: unknown) => env.log.warn('events could not be expired', { error: String(error) }))
      .finally(() => {
        cancel = undefined
        plan()
      })
  }
  /** One timer for the earliest expiry; none runs beside a sweep. */
  const plan = (): void => {
    const [earliest] = written.values()
    if (stopped || cancel || !earliest) return
    cancel = env.after(Math.max(restMs, earliest.atMs + eventTtlMs - env.now()), sweep)
  }

  const begin = async (): Promise<void> => {
    const cache = await storage.cache(kind)
    if (stopped) return
    const held = [...entriesOf(cache.tree, '')].map((entry) => ({ entry, atMs: writtenMs(entry.object, env.now()) }))
    for (const { entry, atMs } of held.sort((a, b) => a.atMs - b.atMs)) note(entry, atMs)
    cache.listeners.add(listen)
    forget = () => cache.listeners.delete(listen)
    plan()
  }
  begin().catch((error: unknown) => env.log.warn('events do not expire', { error: String(error) }))
  return {
    stop: () => {
      stopped = true
      forget()
      cancel?.()
    },
  }
}
