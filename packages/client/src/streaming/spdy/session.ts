import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Env } from '@skiff/machinery'
import { closeGently } from '../close-gently.ts'
import { createDecoder } from './decoder.ts'
import { SpdyError } from './error.ts'
import { goAwayStatus } from './frames.ts'
import type { SpdyHeaders } from './header-block.ts'
import { createOutput } from './output.ts'
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

/** How long a side that broke the protocol may take to read our GOAWAY. */
const violationFlushMs = 1_000

const lost = () => new Error('the connection was lost before the stream ended')

/** Speaks SPDY/3.1 over `socket`. */
export const createSpdySession = (socket: Duplex, options: SessionOptions): SpdySession => {
  const windowBytes = options.windowBytes ?? 262_144
  const ownParity = options.role === 'client' ? 1 : 0
  const closed = Promise.withResolvers<Error | undefined>()
  const pings = new Map<number, () => void>()
  const decode = createDecoder()
  const output = createOutput(socket)
  const windows = createWindows(output, windowBytes)
  /** saidGoodbye: we said GOAWAY. heardGoodbye: the other side did, and what it has not ended by then is complete too. */
  const phase = { saidGoodbye: false, heardGoodbye: false, over: false }
  let nextId = options.role === 'client' ? 1 : 2
  let nextPing = nextId

  const endIfIdle = (): void => {
    if (phase.heardGoodbye && streams.open.size === 0) finish(undefined)
  }
  const streams = createStreams({ socket, output, windows, limitBytes: windowBytes, onForgotten: endIfIdle })
  const receiver = createReceiver({
    ownParity,
    maxStreams: options.maxStreams ?? 1_024,
    onStream: options.onStream,
    output,
    streams,
    windows,
    nextId: () => nextId,
    isOpen: () => !phase.saidGoodbye && !phase.heardGoodbye,
    onPong: (id) => pings.get(id)?.(),
    onGoAway: () => {
      phase.heardGoodbye = true
      endIfIdle()
    },
  })

  /** No frame is read or written after this. Streams whose end was not seen fail, unless the other side said goodbye. */
  const settle = (error: Error | undefined): void => {
    if (phase.over) return
    phase.over = true
    output.close()
    for (const stream of [...streams.open.values()]) {
      streams.discardWrites(stream)
      if (error === undefined) streams.remoteEnd(stream)
      else if (stream.remoteEnded) streams.drop(stream)
      else stream.duplex.destroy(error)
      stream.refuse(error ?? lost())
    }
    for (const answered of pings.values()) answered()
    closed.resolve(error)
  }
  const finish = (error: Error | undefined): void => {
    if (phase.over) return
    settle(error)
    closeGently(socket, options.env)
  }
  const goAway = (status: number): void => output.frame({ type: 'go-away', lastStreamId: receiver.lastSeenId(), status })
  const onChunk = (chunk: Buffer): void => {
    try {
      if (phase.over) return
      for (const frame of decode(chunk)) if (!phase.over) receiver.frame(frame)
      if (streams.congested() && !phase.over) socket.pause()
    } catch (error) {
      goAway(error instanceof SpdyError ? goAwayStatus.protocol : goAwayStatus.internal)
      settle(error instanceof Error ? error : new Error(String(error)))
      closeGently(socket, options.env, violationFlushMs)
    }
  }
  const goodbye = (): Error | undefined => (phase.heardGoodbye || phase.saidGoodbye || streams.open.size === 0 ? undefined : lost())

  if (socket instanceof Socket) socket.setNoDelay(true) // keys and window updates do not wait for company
  socket.on('error', settle)
  socket.on('end', () => finish(goodbye()))
  socket.on('close', () => settle(goodbye()))
  windows.announce()
  if (options.head && options.head.length > 0) onChunk(Buffer.from(options.head))
  socket.on('data', onChunk)

  return {
    open(headers) {
      if (phase.over || phase.heardGoodbye || phase.saidGoodbye) throw new Error('the connection is closed')
      const id = nextId
      nextId += 2
      const stream = streams.add(id, headers)
      output.frame({ type: 'syn-stream', streamId: id, associatedTo: 0, priority: 0, fin: false, unidirectional: false, headers })
      return stream.duplex
    },
    ping() {
      const id = nextPing
      nextPing += 2
      const answer = Promise.withResolvers<void>()
      if (phase.over) return Promise.resolve()
      pings.set(id, () => {
        pings.delete(id)
        answer.resolve()
      })
      output.frame({ type: 'ping', id })
      return answer.promise
    },
    close() {
      if (phase.over) return
      phase.saidGoodbye = true
      for (const stream of [...streams.open.values()]) stream.duplex.destroy()
      goAway(goAwayStatus.ok)
      finish(undefined)
    },
    destroy(error) {
      settle(error ?? goodbye())
      socket.destroy()
    },
    closed: closed.promise,
  }
}
