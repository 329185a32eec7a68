import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Env } from '@skiff/machinery'
import { createDecoder } from './decoder.ts'
import type { SpdyHeaders } from './header-block.ts'
import { createLifecycle } from './lifecycle.ts'
import { createOutput } from './output.ts'
import { createPings } from './pings.ts'
import { createReceiver } from './receive.ts'
import type { SpdyStream } from './stream.ts'
import { createStreams } from './streams.ts'
import { createWindows } from './windows.ts'

/** A SPDY/3.1 connection. It owns the socket it was given. */
export interface SpdySession {
  /** Opens a stream; writes wait until the other side has answered. Throws when the connection is closed. */
  open(headers: SpdyHeaders): SpdyStream
  /** Resolves when the other side has answered, or the session is over. */
  ping(): Promise<void>
  /** Resets what is still open, says GOAWAY and closes. Whoever wants their bytes to arrive waits for 'finish' of their streams first. */
  close(): void
  /** Ends at once; open streams fail with `error`. */
  destroy(error?: Error): void
  /** Resolves when no more frames will pass: with the error that ended the session, or without one after a goodbye. */
  readonly closed: Promise<Error | undefined>
}

export interface SessionOptions {
  readonly role: 'client' | 'server'
  readonly env: Pick<Env, 'after'>
  /** Bytes of the connection that were read with the upgrade's head. */
  readonly head?: Uint8Array
  /** A stream that the other side opens: return false to refuse it. Absent: all are refused. */
  readonly onStream?: (stream: SpdyStream) => boolean
  /** Streams open at once. */
  readonly maxStreams?: number
  /**
   * Bytes a stream buffers for its reader. Past it the whole connection waits, since Kubernetes' SPDY (spdystream) knows no
   * windows; from another side that does, only this stream waits.
   */
  readonly windowBytes?: number
}

/** Speaks SPDY/3.1 over `socket`. */
export const createSpdySession = (socket: Duplex, options: SessionOptions): SpdySession => {
  const windowBytes = options.windowBytes ?? 262_144
  const firstId = options.role === 'client' ? 1 : 2
  let nextId = firstId
  const decode = createDecoder()
  const output = createOutput(socket)
  const windows = createWindows(output, windowBytes)
  const pings = createPings(output, firstId)
  const life = createLifecycle({
    socket,
    env: options.env,
    output,
    streams: () => streams,
    lastSeenId: () => receiver.lastSeenId(),
    onOver: pings.end,
  })
  const streams = createStreams({ socket, output, windows, limitBytes: windowBytes, onForgotten: life.endIfIdle })
  const receiver = createReceiver({
    ownParity: options.role === 'client' ? 1 : 0,
    maxStreams: options.maxStreams ?? 1_024,
    onStream: options.onStream,
    output,
    streams,
    windows,
    nextId: () => nextId,
    isOpen: life.isOpen,
    onPong: pings.answered,
    onGoAway: life.heardGoodbye,
  })
  const onChunk = (chunk: Buffer): void => {
    if (life.isOver()) return
    try {
      for (const frame of decode(chunk)) if (!life.isOver()) receiver.frame(frame)
      if (streams.congested() && !life.isOver()) socket.pause()
    } catch (error) {
      life.fail(error)
    }
  }
  if (socket instanceof Socket) socket.setNoDelay(true) // keys and window updates do not wait for company
  socket.on('error', (error) => life.lost(error, true))
  socket.on('end', () => life.lost(undefined, false))
  socket.on('close', () => life.lost(undefined, true))
  windows.announce()
  if (options.head && options.head.length > 0) onChunk(Buffer.from(options.head))
  socket.on('data', onChunk)

  return {
    open(headers) {
      if (!life.isOpen()) throw new Error('the connection is closed')
      const id = nextId
      nextId += 2
      const stream = streams.add(id, headers)
      output.frame({ type: 'syn-stream', streamId: id, associatedTo: 0, priority: 0, fin: false, unidirectional: false, headers })
      return stream.duplex
    },
    ping: pings.send,
    close: life.sayGoodbye,
    destroy(error) {
      life.lost(error, true)
      socket.destroy()
    },
    closed: life.closed,
  }
}
