import type { Kind } from '@skiff/api'
import type { Env, KubeObject } from '@skiff/machinery'
import type { Entry } from '../registry/entry.ts'
import type { Storage } from '../registry/storage.ts'
import { entriesOf } from '../registry/tree.ts'

/** How long an event is kept after it was last written: upstream's --event-ttl. */
export const eventTtlMs = 60 * 60 * 1000
/** How often events are looked through. */
const sweepMs = 60 * 1000
/** Deletions under way at a time, so that a sweep does not crowd out writers. */
const atOnce = 16

interface Dated extends KubeObject {
  readonly firstTimestamp?: string
  readonly lastTimestamp?: string
  readonly eventTime?: string
  readonly series?: { readonly lastObservedTime?: string }
}

/** The newest time that an event speaks of, in milliseconds: about when it was last written. */
const writtenMs = ({ metadata, lastTimestamp, eventTime, series }: Dated): number => {
  let newest = 0
  for (const text of [metadata.creationTimestamp, lastTimestamp, eventTime, series?.lastObservedTime]) {
    const at = text ? Date.parse(text) : Number.NaN
    if (at > newest) newest = at
  }
  return newest
}

/** The events whose time is over. */
export const expiredEvents = (entries: Iterable<Entry>, nowMs: number): readonly Entry[] => {
  const over: Entry[] = []
  for (const entry of entries) if (writtenMs(entry.object as Dated) + eventTtlMs <= nowMs) over.push(entry)
  return over
}

/** Deletes events an hour after their last write, until stopped. */
export const expireEvents = (storage: Storage, kind: Kind, env: Env): { stop(): void } => {
  let cancel = () => {}
  let stopped = false
  const sweep = async (): Promise<void> => {
    const cache = await storage.cache(kind)
    const over = expiredEvents(entriesOf(cache.tree, ''), env.now())
    for (let at = 0; at < over.length && !stopped; at += atOnce)
      await Promise.all(over.slice(at, at + atOnce).map((entry) => storage.remove(kind, entry.key, entry.revision)))
  }
  const again = (): void => {
    cancel = env.after(sweepMs, () => {
      void sweep()
        .catch((error: unknown) => env.log.warn('events could not be expired', { error: String(error) }))
        .finally(() => {
          if (!stopped) again()
        })
    })
  }
  again()
  return {
    stop: () => {
      stopped = true
      cancel()
    },
  }
}
