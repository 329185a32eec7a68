import type { Kind } from '@skiff/api'
import { expired, isRefusal } from '@skiff/machinery'
import type { Cache, CacheEvent } from '../registry/cache.ts'
import { entriesOf } from '../registry/tree.ts'
import { bookmarkFrame } from '../watch/bookmark.ts'
import { createFeed, type Feed } from '../watch/feed.ts'
import { addedFrame, errorFrame, type ServedFrame } from '../watch/frame.ts'
import { framesOf, hubOf } from '../watch/hub.ts'
import type { Request, Rest } from './context.ts'
import { type ListOptions, listOptions, matchServed } from './list-options.ts'
import { waitFor } from './read.ts'
import { convertedTurns } from './watch-converted.ts'

/** How often a quiet watch that asked for it hears of the newest revision, in milliseconds. */
const bookmarkMs = 60_000
/** How long before its end it hears of it once more. */
const farewellMs = 2_000

/** Begins a watch: the current objects where they are asked for, then every change. Ends by its timeout, its signal, or when its reader is too slow. */
export const watch = async (rest: Rest, { call, kind }: Request): Promise<AsyncIterable<readonly ServedFrame[]>> => {
  const options = listOptions(kind, call, rest.gates)
  const cache = await rest.storage.cache(rest.registry.stored(kind))
  const prefix = kind.namespaced && call.namespace !== undefined ? `${call.namespace}/` : ''
  const stops: (() => void)[] = []
  const feed = createFeed(() => {
    for (const stop of stops) stop()
  })
  const { after, refusal } = await startOf(rest, cache, options)
  // From here to the subscription nothing waits, so that no event falls between.
  if (refusal) {
    feed.push([errorFrame(refusal)])
    feed.end()
    return feed.frames
  }
  const source = (kind.conversion?.prepare ? convertedSource : plainSource)(rest, cache, { kind, feed, prefix, options, after })
  stops.push(source.stop)
  cache.closers.add(feed.end)
  stops.push(() => cache.closers.delete(feed.end))
  const endMs = (options.timeoutSeconds || 1800 * (1 + rest.env.random())) * 1000
  stops.push(rest.env.after(endMs, feed.end))
  if (options.allowBookmarks) {
    const mark = () => source.push(() => [bookmarkFrame(kind, rest.storage.seen)])
    stops.push(every(rest, bookmarkMs, mark))
    if (endMs > farewellMs) stops.push(rest.env.after(endMs - farewellMs, mark))
  }
  call.signal?.addEventListener('abort', feed.end, { once: true })
  stops.push(() => call.signal?.removeEventListener('abort', feed.end))
  return feed.frames
}

interface Start {
  /** Only what comes after this revision is told; undefined: the current objects come first. */
  readonly after: number | undefined
  /** The Status of a version that cannot be watched from. */
  readonly refusal?: unknown
}

/**
 * Without a version, or with 0, a watch begins with the present, unless initial events are refused. With a version it begins behind it,
 * unless initial events are asked for: then the version is only how new they must be.
 */
const startOf = async (rest: Rest, cache: Cache, { resourceVersion, sendInitialEvents }: ListOptions): Promise<Start> => {
  const asked = Number(resourceVersion)
  if (resourceVersion === '') await rest.storage.fresh()
  if (asked === 0) return { after: sendInitialEvents === false ? rest.storage.seen : undefined }
  if (sendInitialEvents) {
    try {
      await waitFor(rest, asked)
    } catch (error) {
      if (!isRefusal(error)) throw error
      return { after: undefined, refusal: error.status }
    }
    return { after: undefined }
  }
  if (asked >= cache.recentAfter) return { after: asked }
  return { after: asked, refusal: expired(`too old resource version: ${resourceVersion} (${cache.recentAfter})`).status }
}

interface Beginning {
  readonly kind: Kind
  readonly feed: Feed
  readonly prefix: string
  readonly options: ListOptions
  readonly after: number | undefined
}

/** Where the frames of a watch come from. */
interface Source {
  /** Tells a bookmark behind all that happened. */
  push(frames: () => readonly ServedFrame[]): void
  stop(): void
}

const plainSource = (rest: Rest, cache: Cache, beginning: Beginning): Source => {
  const { feed, prefix, options, after } = beginning
  beginWatch(rest, cache, beginning)
  const hub = hubOf(rest.env, cache)
  const stop = hub.subscribe({ prefix, match: options.match, after: after ?? 0, push: feed.push })
  const push: Source['push'] = (frames) => {
    hub.flush()
    feed.push(frames())
  }
  return { push, stop }
}

const convertedSource = (rest: Rest, cache: Cache, { kind, feed, prefix, options, after }: Beginning): Source => {
  const { match } = options
  const turns = convertedTurns({ kind, feed, prefix, match })
  if (after !== undefined)
    turns.events(
      cache,
      cache.recent.filter((event) => event.revision > after),
    )
  else {
    const entries = [...entriesOf(cache.tree, prefix)]
    const { seen } = rest.storage
    const marks = options.sendInitialEvents && options.allowBookmarks ? [bookmarkFrame(kind, seen, true)] : []
    const shown = match && matchServed(kind, match)
    turns.begin(entries, () => [...entries.filter(({ object }) => !shown || shown(object)).map(addedFrame), ...marks])
  }
  const listen = (events: readonly CacheEvent[]) =>
    turns.events(cache, after === undefined ? events : events.filter(({ revision }) => revision > after))
  cache.listeners.add(listen)
  return { push: turns.push, stop: () => cache.listeners.delete(listen) }
}

/** What happened since the version, or all that is there. */
const beginWatch = (rest: Rest, cache: Cache, { kind, feed, prefix, options, after }: Beginning): void => {
  if (after !== undefined) {
    const events = cache.recent.filter((event) => event.revision > after)
    feed.push(framesOf(cache, events, prefix, options.match))
    return
  }
  const frames: ServedFrame[] = []
  for (const entry of entriesOf(cache.tree, prefix)) if (!options.match || options.match(entry.object)) frames.push(addedFrame(entry))
  if (options.sendInitialEvents && options.allowBookmarks) frames.push(bookmarkFrame(kind, rest.storage.seen, true))
  feed.begin(frames)
}

const every = (rest: Rest, ms: number, act: () => void): (() => void) => {
  let cancel = () => {}
  const again = () => {
    cancel = rest.env.after(ms, () => {
      act()
      again()
    })
  }
  again()
  return () => cancel()
}
