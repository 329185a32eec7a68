import type { Duplex } from 'node:stream'
import { resetStatus } from './frames.ts'
import type { SpdyHeaders } from './header-block.ts'
import { type Output, sliceBytes } from './output.ts'
import { createStream, proceed, type StreamLink, type StreamState } from './stream.ts'
import type { Windows } from './windows.ts'

/** The open streams of a session, and the backpressure between them and the socket. */
export interface Streams {
  readonly open: ReadonlyMap<number, StreamState>
  add(id: number, headers: SpdyHeaders): StreamState
  /** Bytes for the reader. */
  deliver(stream: StreamState, bytes: Buffer): void
  /** The other side sends no more. */
  remoteEnd(stream: StreamState): void
  /** The other side reads no more. */
  discardWrites(stream: StreamState): void
  /** Forgets a stream without a word to the other side. */
  drop(stream: StreamState): void
  /** Whether some reader is behind. */
  congested(): boolean
}

export interface StreamsOptions {
  readonly socket: Duplex
  readonly output: Output
  readonly windows: Windows
  /** Bytes that wait for a reader before the whole connection waits. */
  readonly limitBytes: number
  /** A stream was forgotten. */
  readonly onForgotten: () => void
}

/** Bytes that wait for readers in all streams together, before the connection waits whatever its windows say. */
const sessionBytes = 16_777_216

const sender = (output: Output, windows: Windows): StreamLink['send'] => {
  const send: StreamLink['send'] = (stream, bytes, done) => {
    let rest = bytes
    while (rest.length > 0 && !stream.discards && !stream.localEnded) {
      const again = () => send(stream, rest, done)
      if (output.full()) return output.whenDrained(again)
      const allowedBytes = windows.allowedBytes(stream)
      if (allowedBytes <= 0) {
        stream.proceed = again
        return
      }
      const slice = rest.subarray(0, Math.min(sliceBytes, allowedBytes))
      rest = rest.subarray(slice.length)
      windows.sent(stream, slice.length)
      output.data(stream.id, slice)
    }
    if (output.full()) output.whenDrained(done)
    else done()
  }
  return send
}

export const createStreams = ({ socket, output, windows, limitBytes, onForgotten }: StreamsOptions): Streams => {
  const open = new Map<number, StreamState>()
  const behind = new Set<StreamState>()
  let waitingBytes = 0
  const congested = (): boolean => behind.size > 0 || waitingBytes > sessionBytes
  const resumeIfClear = (): void => {
    if (!congested() && socket.isPaused()) socket.resume()
  }
  const caughtUp = (stream: StreamState): void => {
    behind.delete(stream)
    resumeIfClear()
  }
  const drop = (stream: StreamState): void => {
    caughtUp(stream)
    if (open.delete(stream.id)) onForgotten()
  }
  const link: StreamLink = {
    send: sender(output, windows),
    fin(stream) {
      if (stream.localEnded) return
      stream.localEnded = true
      output.frame({ type: 'data', streamId: stream.id, fin: true, bytes: Buffer.alloc(0) })
      if (stream.remoteEnded) drop(stream)
    },
    taken(stream, bytes) {
      waitingBytes -= bytes
      if (stream.inbox.bytes() <= limitBytes) caughtUp(stream)
      windows.taken(stream, bytes)
    },
    gone(stream, status) {
      if (open.has(stream.id)) output.frame({ type: 'rst-stream', streamId: stream.id, status })
      stream.refuse(new Error('the stream was closed before it was accepted'))
      stream.remoteEnded = true
      stream.localEnded = true
      drop(stream)
    },
  }
  return {
    open,
    add(id, headers) {
      const stream = createStream(link, { id, headers, windowBytes: windows.fresh() })
      open.set(id, stream)
      return stream
    },
    deliver(stream, bytes) {
      waitingBytes += bytes.length
      stream.inbox.put(bytes)
      if (stream.inbox.bytes() > limitBytes) behind.add(stream)
    },
    remoteEnd(stream) {
      if (stream.remoteEnded) return
      stream.remoteEnded = true
      stream.inbox.end()
      caughtUp(stream) // no more will come for it, so it need not hold back the others
      if (stream.localEnded) drop(stream)
    },
    discardWrites(stream) {
      stream.discards = true
      stream.localEnded = true
      proceed(stream)
    },
    drop,
    congested,
  }
}

/** What the other side is told when a stream is not taken. */
export const refusal = (streamId: number) => ({ type: 'rst-stream', streamId, status: resetStatus.refusedStream }) as const
