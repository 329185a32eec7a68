import type { Frame } from '@skiff/client'
import type { KubeObject } from '@skiff/machinery'
import type { Cache, CacheEvent } from '../registry/cache.ts'
import { atRevision, type Entry } from '../registry/entry.ts'
import type { Match } from '../rest/list-options.ts'

/** A frame whose wire form is shared by all watchers of the same state. */
export interface ServedFrame extends Frame {
  /** The object in stored form, for other representations; absent for bookmarks and errors. */
  readonly entry?: Entry
  /** `{"type":…,"object":…}` and a newline, made once a state and type. */
  readonly encoded?: () => Buffer
}

/**
 * How much of what happened may wait for a reader before the watch is ended: a slow client lists again. What a watch begins with is not
 * counted, since the view holds those objects anyhow.
 */
const maxWaitingFrames = 20_000
const maxWaitingBytes = 16 * 1024 * 1024

export interface Feed {
  /** Takes what the watch begins with. */
  begin(frames: readonly ServedFrame[]): void
  /** Takes the frames of further events. */
  push(frames: readonly ServedFrame[]): void
  end(): void
  readonly frames: AsyncIterable<readonly ServedFrame[]>
}

/** A queue between the cache, which never waits, and one reader. `onEnd` runs once. */
export const createFeed = (onEnd: () => void): Feed => {
  let waiting: ServedFrame[] = []
  let events = 0
  let bytes = 0
  let ended = false
  let wake: (() => void) | undefined
  const end = () => {
    if (ended) return
    ended = true
    onEnd()
    wake?.()
  }
  const next = async (): Promise<IteratorResult<readonly ServedFrame[]>> => {
    while (waiting.length === 0) {
      if (ended) return { done: true, value: undefined }
      await new Promise<void>((resolve) => {
        wake = resolve
      })
      wake = undefined
    }
    const batch = waiting
    waiting = []
    events = 0
    bytes = 0
    return { done: false, value: batch }
  }
  return {
    begin: (frames) => {
      for (const frame of frames) waiting.push(frame)
      wake?.()
    },
    push: (frames) => {
      if (ended) return
      for (const frame of frames) {
        waiting.push(frame)
        bytes += frame.entry?.bytes.length ?? 0
      }
      events += frames.length
      // One event may be larger than the bound: alone it passes.
      if (events > maxWaitingFrames || (events > 1 && bytes > maxWaitingBytes)) {
        waiting = []
        end()
      }
      wake?.()
    },
    end,
    frames: {
      [Symbol.asyncIterator]: () => ({
        next,
        return: async () => {
          end()
          return { done: true, value: undefined }
        },
      }),
    },
  }
}

/** What a watcher sees of an event: a change of what it selects may be its beginning or its end there. */
export const frameOf = (cache: Cache, event: CacheEvent, prefix: string, match: Match | undefined): ServedFrame | undefined => {
  const key = (event.after ?? event.before)?.key
  if (key === undefined || !key.startsWith(prefix)) return undefined
  const was = event.before !== undefined && (match === undefined || match(event.before.object))
  const is = event.after !== undefined && (match === undefined || match(event.after.object))
  if (is) return shared(event, was ? 'MODIFIED' : 'ADDED', event.after as Entry)
  if (!was) return undefined
  const last = event.gone ?? atRevision(cache.kind, event.before as Entry, event.revision)
  return shared(event, 'DELETED', last)
}

const shared = (event: CacheEvent, type: Frame['type'], entry: Entry): ServedFrame => ({
  type,
  object: entry.object,
  entry,
  encoded: () => {
    const known = event.frames.get(type)
    if (known) return known
    const made = encodeFrame(type, entry.bytes)
    event.frames.set(type, made)
    return made
  },
})

const frameTail = Buffer.from('}\n')
/** Entry bytes end with a newline, which Go's encoder writes inside the event as well; it is left out as upstream's framer does. */
export const encodeFrame = (type: string, object: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`{"type":"${type}","object":`), object.subarray(0, -1), frameTail])

export const addedFrame = (entry: Entry): ServedFrame => ({
  type: 'ADDED',
  object: entry.object,
  entry,
  encoded: () => encodeFrame('ADDED', entry.bytes),
})

export const bookmarkFrame = (apiVersion: string, kind: string, revision: number): ServedFrame => {
  const object = { kind, apiVersion, metadata: { resourceVersion: String(revision), creationTimestamp: null } } as unknown as KubeObject
  return { type: 'BOOKMARK', object, encoded: () => encodeFrame('BOOKMARK', Buffer.from(`${JSON.stringify(object)}\n`)) }
}

export const errorFrame = (status: unknown): ServedFrame => ({
  type: 'ERROR',
  object: status as KubeObject,
  encoded: () => encodeFrame('ERROR', Buffer.from(`${JSON.stringify(status)}\n`)),
})
