import { settingInitialWindowSize } from './frames.ts'
import type { Output } from './output.ts'
import type { StreamState } from './stream.ts'

/** SPDY/3.1's windows before any SETTINGS or WINDOW_UPDATE. */
export const initialWindowBytes = 65_536
const widestBytes = 0x7fffffff
const sessionCreditBytes = 0x10000000

/**
 * Flow control. Kubernetes' SPDY (spdystream) neither keeps nor announces windows, and would stall for ever if we kept to
 * them; so they count from the start, but bind our sending only once the other side has announced its own by SETTINGS.
 */
export interface Windows {
  /** Tells the other side our window for each stream, and opens the one of the session. */
  announce(): void
  /** How much may be sent on `stream` now. */
  allowedBytes(stream: StreamState): number
  sent(stream: StreamState, bytes: number): void
  /** The reader has taken bytes: gives them back when that is worth a frame. */
  taken(stream: StreamState, bytes: number): void
  /** Bytes for a stream that is over: they count for the session alone. */
  dropped(bytes: number): void
  /** The other side's initial window for streams. */
  settings(sizeBytes: number, streams: Iterable<StreamState>): void
  /** Stream undefined: the session's window. */
  update(stream: StreamState | undefined, deltaBytes: number): void
  /** What a new stream may send. */
  fresh(): number
}

export const createWindows = (output: Output, ownBytes: number): Windows => {
  let announcedBytes: number | undefined
  let sessionBytes = initialWindowBytes
  let uncreditedBytes = 0
  const creditSession = (bytes: number): void => {
    uncreditedBytes += bytes
    if (announcedBytes === undefined || uncreditedBytes < sessionCreditBytes) return // who keeps no windows needs no such frames
    output.frame({ type: 'window-update', streamId: 0, deltaBytes: uncreditedBytes })
    uncreditedBytes = 0
  }
  return {
    announce() {
      output.frame({ type: 'settings', values: new Map([[settingInitialWindowSize, ownBytes]]) })
      output.frame({ type: 'window-update', streamId: 0, deltaBytes: widestBytes - initialWindowBytes })
    },
    allowedBytes: (stream) => (announcedBytes === undefined ? Number.POSITIVE_INFINITY : Math.min(stream.windowBytes, sessionBytes)),
    sent(stream, bytes) {
      stream.windowBytes -= bytes
      sessionBytes -= bytes
    },
    taken(stream, bytes) {
      stream.uncreditedBytes += bytes
      if (announcedBytes !== undefined && stream.uncreditedBytes >= ownBytes / 2 && !stream.remoteEnded) {
        output.frame({ type: 'window-update', streamId: stream.id, deltaBytes: stream.uncreditedBytes })
        stream.uncreditedBytes = 0
      }
      creditSession(bytes)
    },
    dropped: (bytes) => creditSession(bytes),
    settings(sizeBytes, streams) {
      const before = announcedBytes ?? initialWindowBytes
      announcedBytes = sizeBytes
      for (const stream of streams) stream.windowBytes += sizeBytes - before
    },
    update(stream, deltaBytes) {
      if (stream === undefined) sessionBytes += deltaBytes
      else stream.windowBytes += deltaBytes
    },
    fresh: () => announcedBytes ?? initialWindowBytes,
  }
}
