import { expired } from '@skiff/machinery'
import { entriesOf } from '../registry/tree.ts'
import { createFeed } from '../watch/feed.ts'
import { addedFrame, bookmarkFrame, errorFrame, type ServedFrame } from '../watch/frame.ts'
import { framesOf, hubOf } from '../watch/hub.ts'
import type { Request, Rest } from './context.ts'
import { listOptions } from './list-options.ts'

/** How often a quiet watch that asked for it hears of the newest revision, in milliseconds. */
const bookmarkMs = 60_000

/** Begins a watch: the current objects unless a version is named, then every change. Ends by its timeout, its signal, or when its reader is too slow. */
export const watch = async (rest: Rest, { call, kind }: Request): Promise<AsyncIterable<readonly ServedFrame[]>> => {
  const options = listOptions(kind, call)
  const cache = await rest.storage.cache(rest.registry.stored(kind))
  const prefix = kind.namespaced && call.namespace !== undefined ? `${call.namespace}/` : ''
  const stops: (() => void)[] = []
  const feed = createFeed(() => {
    for (const stop of stops) stop()
  })
  const version = options.resourceVersion
  if (version === '') await rest.storage.fresh()
  // From here to the subscription nothing waits, so that no event falls between.
  if (version === '' || version === '0') {
    const frames: ServedFrame[] = []
    for (const entry of entriesOf(cache.tree, prefix)) if (!options.match || options.match(entry.object)) frames.push(addedFrame(entry))
    feed.begin(frames)
  } else if (Number(version) < cache.recentAfter) {
    feed.push([errorFrame(expired(`too old resource version: ${version} (${cache.recentAfter})`).status)])
    feed.end()
    return feed.frames
  } else {
    const after = Number(version)
    feed.push(
      framesOf(
        cache,
        cache.recent.filter((event) => event.revision > after),
        prefix,
        options.match,
      ),
    )
  }
  const hub = hubOf(rest.env, cache)
  stops.push(hub.subscribe({ prefix, match: options.match, after: Number(version), push: feed.push }))
  cache.closers.add(feed.end)
  stops.push(() => cache.closers.delete(feed.end))
  const seconds = options.timeoutSeconds || 1800 * (1 + rest.env.random())
  stops.push(rest.env.after(seconds * 1000, feed.end))
  if (options.allowBookmarks)
    stops.push(
      every(rest, bookmarkMs, () => {
        hub.flush()
        feed.push([bookmarkFrame(kind.apiVersion, kind.kind, rest.storage.seen)])
      }),
    )
  call.signal?.addEventListener('abort', feed.end, { once: true })
  stops.push(() => call.signal?.removeEventListener('abort', feed.end))
  return feed.frames
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
