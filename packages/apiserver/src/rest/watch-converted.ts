import type { Kind } from '@skiff/api'
import { internalError, isRefusal } from '@skiff/machinery'
import type { Cache, CacheEvent } from '../registry/cache.ts'
import { prepareServed } from '../registry/converting.ts'
import type { Entry } from '../registry/entry.ts'
import type { Feed } from '../watch/feed.ts'
import { errorFrame, type ServedFrame } from '../watch/frame.ts'
import { framesOf } from '../watch/hub.ts'
import { type Match, matchServed } from './list-options.ts'

/** How many events may wait for a webhook before the watch is ended: its client lists again. */
const maxWaitingEvents = 20_000

export interface ConvertedWatch {
  readonly kind: Kind
  readonly feed: Feed
  readonly prefix: string
  readonly match: Match | undefined
}

/** A watch of a version that a webhook converts: what it tells waits for the webhook, one batch of events after the other. */
export interface Turns {
  begin(entries: readonly Entry[], frames: () => readonly ServedFrame[]): void
  events(cache: Cache, events: readonly CacheEvent[]): void
  /** Behind all that waits. */
  push(frames: () => readonly ServedFrame[]): void
}

export const convertedTurns = ({ kind, feed, prefix, match }: ConvertedWatch): Turns => {
  let last = Promise.resolve()
  let waiting = 0
  const shown = match && matchServed(kind, match)
  const turn = (toMatch: readonly Entry[], make: () => readonly ServedFrame[], push: (frames: readonly ServedFrame[]) => void) => {
    last = last
      .then(async () => {
        if (shown) await prepareServed(kind, toMatch)
        const frames = make()
        await prepareServed(
          kind,
          frames.flatMap(({ entry }) => entry ?? []),
        )
        push(frames)
      })
      .catch((error) => {
        feed.push([errorFrame((isRefusal(error) ? error : internalError(String(error))).status)])
        feed.end()
      })
  }
  return {
    begin: (entries, frames) => turn(entries, frames, feed.begin),
    events: (cache, events) => {
      waiting += events.length
      if (waiting > maxWaitingEvents) return feed.end()
      const own = events.filter(({ before, after }) => (after ?? before)?.key.startsWith(prefix))
      turn(
        own.flatMap(({ before, after }) => [before, after].flatMap((entry) => entry ?? [])),
        () => {
          waiting -= events.length
          return framesOf(cache, own, prefix, shown)
        },
        feed.push,
      )
    },
    push: (frames) => turn([], frames, feed.push),
  }
}
