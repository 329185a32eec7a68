import { Duplex } from 'node:stream'
import { resetStatus } from './frames.ts'
import type { SpdyHeaders } from './header-block.ts'
import { createInbox, type Inbox } from './inbox.ts'

/**
 * One stream of a session. Reading slowly holds the other side back; `end()` closes only the sending direction. It may fail
 * without a listener: who cares for the error listens.
 */
export interface SpdyStream extends Duplex {
  readonly id: number
  readonly headers: SpdyHeaders
  /** Resolves when the opening of the stream was answered; rejects when it was refused. Writes wait for it. */
  readonly accepted: Promise<void>
}

/** What a stream needs of its session. */
export interface StreamLink {
  /** Sends all of `bytes`, as the windows and the socket allow, then calls `done`. */
  send(stream: StreamState, bytes: Buffer, done: () => void): void
  fin(stream: StreamState): void
  /** The reader has taken bytes. */
  taken(stream: StreamState, bytes: number): void
  /** The stream is over on this side: reset it if the other side does not know, and forget it. */
  gone(stream: StreamState, status: number): void
}

/** The session's record of a stream. */
export interface StreamState {
  readonly id: number
  readonly duplex: SpdyStream
  /** Bytes that wait for the reader. */
  readonly inbox: Inbox
  accept(): void
  refuse(error: Error): void
  isAccepted(): boolean
  /** No more bytes will come. */
  remoteEnded: boolean
  /** No more bytes will be sent. */
  localEnded: boolean
  /** The other side wants nothing more: what is written is dropped, as a process that has exited does not read its input. */
  discards: boolean
  /** Bytes that the reader has taken and no WINDOW_UPDATE has given back yet. */
  uncreditedBytes: number
  /** Bytes the other side still allows, where it keeps windows. */
  windowBytes: number
  /** Goes on with a write that waits for acceptance or for the window. */
  proceed: (() => void) | undefined
}

export interface StreamOptions {
  readonly id: number
  readonly headers: SpdyHeaders
  readonly windowBytes: number
}

/** Makes the Duplex of a stream and the record by which the session drives it. */
export const createStream = (link: StreamLink, options: StreamOptions): StreamState => {
  let accepted = false
  const answer = Promise.withResolvers<void>()
  answer.promise.catch(() => {}) // who does not wait for acceptance sees the refusal as the stream's error

  // Nothing is sent before the answer: upstream's server drops data of a stream that it has not answered yet.
  const onceAccepted = (act: () => void): void => {
    if (accepted || state.discards) act()
    else state.proceed = act
  }
  const duplex = new Duplex({
    allowHalfOpen: true,
    readableHighWaterMark: 16_384, // the inbox holds the rest, and counts it
    read: () => state.inbox.pump(),
    write: (chunk: Buffer, _encoding, done) => onceAccepted(() => link.send(state, chunk, done)),
    final: (done) =>
      onceAccepted(() => {
        link.fin(state)
        done()
      }),
    destroy: (error, done) => {
      state.proceed = undefined
      state.inbox.clear()
      link.gone(state, error ? resetStatus.internalError : resetStatus.cancel)
      done(error)
    },
  })
  duplex.on('error', () => {})
  const state: StreamState = {
    id: options.id,
    duplex: Object.assign(duplex, { id: options.id, headers: options.headers, accepted: answer.promise }),
    inbox: createInbox(
      () => duplex,
      (bytes) => link.taken(state, bytes),
    ),
    accept() {
      if (accepted) return
      accepted = true
      answer.resolve()
      proceed(state)
    },
    refuse: (error) => answer.reject(error),
    isAccepted: () => accepted,
    remoteEnded: false,
    localEnded: false,
    discards: false,
    uncreditedBytes: 0,
    windowBytes: options.windowBytes,
    proceed: undefined,
  }
  return state
}

/** Lets a waiting write go on. */
export const proceed = (stream: StreamState): void => {
  const act = stream.proceed
  stream.proceed = undefined
  act?.()
}
