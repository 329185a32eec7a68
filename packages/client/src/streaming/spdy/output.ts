import type { Duplex } from 'node:stream'
import { encodeDataHead, encodeFrame, type SpdyFrame } from './frames.ts'
import { createHeaderWriter } from './header-block.ts'

/** Bytes of one DATA frame: small enough that streams take turns. */
export const sliceBytes = 65_536
/** Answers (pings, resets) that the other side has not read. */
const unreadAnswersBytes = 1_048_576

/** The sending half of a connection. */
export interface Output {
  frame(frame: SpdyFrame): void
  /** An answer to a frame of the other side. False: it sends without reading, and would fill our memory. */
  answer(frame: SpdyFrame): boolean
  /** One DATA frame. Call it only when `full` is false. */
  data(streamId: number, bytes: Buffer): void
  full(): boolean
  /** Calls `act` when the socket takes bytes again, or when the output is closed. */
  whenDrained(act: () => void): void
  /** Writes nothing more and lets go of all who wait. */
  close(): void
}

/** Writes frames to `socket`. */
export const createOutput = (socket: Duplex): Output => {
  const compress = createHeaderWriter()
  const waiters: (() => void)[] = []
  let closed = false
  const full = (): boolean => !closed && socket.writableNeedDrain
  // One waiter at a time, until the socket is full again: so few bytes wait in it, whatever the number of streams.
  const release = (): void => {
    while (waiters.length > 0 && !full()) waiters.shift()?.()
  }
  const frame = (next: SpdyFrame): void => {
    if (!closed && socket.writable) socket.write(encodeFrame(next, compress))
  }
  socket.on('drain', release)
  return {
    frame,
    answer(next) {
      frame(next)
      return socket.writableLength <= unreadAnswersBytes
    },
    data(streamId, bytes) {
      if (closed || !socket.writable) return
      socket.cork()
      socket.write(encodeDataHead(streamId, false, bytes.length))
      socket.write(bytes)
      socket.uncork()
    },
    full,
    whenDrained: (act) => void waiters.push(act),
    close() {
      closed = true
      release()
    },
  }
}
