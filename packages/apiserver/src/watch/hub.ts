import type { Frame } from '@skiff/client'
import type { Env } from '@skiff/machinery'
import type { Cache, CacheEvent } from '../registry/cache.ts'
import { atRevision, type Entry } from '../registry/entry.ts'
import type { Match } from '../rest/list-options.ts'
import { encodeFrame, type ServedFrame } from './frame.ts'

/** One watch as the hub sees it. */
export interface Watcher {
  /** `namespace/`, or '' for all namespaces. */
  readonly prefix: string
  readonly match: Match | undefined
  /** Revisions up to this one are not told. */
  readonly after: number
  /** Takes the frames of events; an array may be shared with other watchers and is never changed. */
  push(frames: readonly ServedFrame[]): void
}

/**
 * Between a kind's cache and its watches. A few watches hear of each event at once. Many would cost a write a watch and event, so they hear
 * of events together, a short while after each other: what is written to each is then made once, and one write carries several events.
 */
export interface WatchHub {
  /** From the cache's present state on; the returned function ends it. */
  subscribe(watcher: Watcher): () => void
  /** Hands out what waits, so that a bookmark may follow. */
  flush(): void
}

/** What handing an event to one watch may cost, in milliseconds: so long a pause keeps watches from taking more than half of the time. */
const pausePerWatcherMs = 0.02
const maxPauseMs = 20
/** Below this a pause is not worth its timer. */
const minPauseMs = 1

const hubs = new WeakMap<Cache, WatchHub>()

export const hubOf = (env: Env, cache: Cache): WatchHub => {
  const known = hubs.get(cache)
  if (known) return known
  const made = createHub(env, cache)
  hubs.set(cache, made)
  return made
}

const createHub = (env: Env, cache: Cache): WatchHub => {
  /** With the revision up to which each has heard. */
  const watchers = new Map<Watcher, number>()
  let waiting: CacheEvent[] = []
  let flushedMs = Number.NEGATIVE_INFINITY
  let cancel: (() => void) | undefined

  const flush = () => {
    cancel?.()
    cancel = undefined
    if (waiting.length === 0) return
    const events = waiting
    waiting = []
    flushedMs = env.monotonicMs()
    const plain = new Map<string, readonly ServedFrame[]>()
    const first = (events[0] as CacheEvent).revision
    for (const [watcher, after] of watchers) {
      const { prefix, match } = watcher
      const shares = match === undefined && after < first
      const known = shares ? plain.get(prefix) : undefined
      const frames = known ?? framesOf(cache, after < first ? events : events.filter(({ revision }) => revision > after), prefix, match)
      if (shares && !known) plain.set(prefix, frames)
      if (frames.length > 0) watcher.push(frames)
    }
  }
  const listen = (events: readonly CacheEvent[]) => {
    for (const event of events) waiting.push(event)
    if (cancel) return
    const pauseMs = Math.min(watchers.size * pausePerWatcherMs, maxPauseMs)
    const leftMs = pauseMs < minPauseMs ? 0 : flushedMs + pauseMs - env.monotonicMs()
    if (leftMs <= 0) flush()
    else cancel = env.after(leftMs, flush)
  }
  return {
    subscribe: (watcher) => {
      if (watchers.size === 0) cache.listeners.add(listen)
      watchers.set(watcher, Math.max(watcher.after, cache.revision))
      return () => {
        watchers.delete(watcher)
        if (watchers.size > 0) return
        cache.listeners.delete(listen)
        waiting = []
        cancel?.()
        cancel = undefined
      }
    },
    flush,
  }
}

/** What a watcher sees of events. */
export const framesOf = (cache: Cache, events: readonly CacheEvent[], prefix: string, match: Match | undefined): readonly ServedFrame[] => {
  const frames: ServedFrame[] = []
  for (const event of events) {
    const frame = frameOf(cache, event, prefix, match)
    if (frame) frames.push(frame)
  }
  return frames
}

/** What a watcher sees of an event: a change of what it selects may be its beginning or its end there. */
const frameOf = (cache: Cache, event: CacheEvent, prefix: string, match: Match | undefined): ServedFrame | undefined => {
  const key = (event.after ?? event.before)?.key
  if (key === undefined || !key.startsWith(prefix)) return undefined
  const was = event.before !== undefined && (match === undefined || match(event.before.object))
  const is = event.after !== undefined && (match === undefined || match(event.after.object))
  if (is) return shared(event, was ? 'MODIFIED' : 'ADDED', event.after as Entry)
  if (!was) return undefined
  const known = event.frames.DELETED
  if (known) return known
  return shared(event, 'DELETED', event.gone ?? atRevision(cache.kind, event.before as Entry, event.revision))
}

const shared = (event: CacheEvent, type: Frame['type'], entry: Entry): ServedFrame => {
  const known = event.frames[type]
  if (known) return known
  let encoded: Buffer | undefined
  const made: ServedFrame = {
    type,
    object: entry.object,
    entry,
    encoded: () => {
      encoded ??= encodeFrame(type, entry.bytes)
      return encoded
    },
  }
  event.frames[type] = made
  return made
}
