import type { ServedFrame } from './frame.ts'

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
  let waiting: (readonly ServedFrame[])[] = []
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
    const batch = waiting.shift() as readonly ServedFrame[]
    if (waiting.length === 0) {
      events = 0
      bytes = 0
    }
    return { done: false, value: batch }
  }
  return {
    begin: (frames) => {
      if (frames.length > 0) waiting.push(frames)
      wake?.()
    },
    push: (frames) => {
      if (ended || frames.length === 0) return
      waiting.push(frames)
      for (const frame of frames) bytes += frame.entry?.bytes.length ?? 0
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
