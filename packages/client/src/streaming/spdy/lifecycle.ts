import type { Duplex } from 'node:stream'
import type { Env } from '@skiff/machinery'
import { closeGently } from '../close-gently.ts'
import { SpdyError } from './error.ts'
import { goAwayStatus } from './frames.ts'
import type { Output } from './output.ts'
import type { Streams } from './streams.ts'

/** How long a side that broke the protocol may take to read our GOAWAY. */
const violationFlushMs = 1_000

/** How a session ends. */
export interface Lifecycle {
  /** Whether streams may still be opened. */
  isOpen(): boolean
  /** No frame is read or written any more. */
  isOver(): boolean
  /** The other side opens no more streams; what it has not ended when it closes is complete too. */
  heardGoodbye(): void
  /** Ends the session when nothing keeps it open after a goodbye. */
  endIfIdle(): void
  /** Resets what is open, says GOAWAY and closes. */
  sayGoodbye(): void
  /** The socket has ended, closed or failed. */
  lost(error: Error | undefined, socketIsGone: boolean): void
  /** The other side broke the protocol, or we failed. */
  fail(error: unknown): void
  readonly closed: Promise<Error | undefined>
}

export interface LifecycleOptions {
  readonly socket: Duplex
  readonly env: Pick<Env, 'after'>
  readonly output: Output
  readonly streams: () => Streams
  readonly lastSeenId: () => number
  readonly onOver: () => void
}

export const createLifecycle = ({ socket, env, output, streams, lastSeenId, onOver }: LifecycleOptions): Lifecycle => {
  const closed = Promise.withResolvers<Error | undefined>()
  let saidGoodbye = false
  let heardGoodbye = false
  let over = false

  /** Streams whose end was not seen fail with `error`; without one they are complete. */
  const settle = (error: Error | undefined): void => {
    if (over) return
    over = true
    output.close()
    for (const stream of [...streams().open.values()]) {
      streams().discardWrites(stream)
      if (error === undefined) streams().remoteEnd(stream)
      else if (stream.remoteEnded) streams().drop(stream)
      else stream.duplex.destroy(error)
      stream.refuse(error ?? new Error('the connection was closed before the stream was accepted'))
    }
    onOver()
    closed.resolve(error)
  }
  const finish = (error: Error | undefined, flushMs?: number): void => {
    if (over) return
    settle(error)
    closeGently(socket, env, flushMs)
  }
  const goAway = (status: number): void => output.frame({ type: 'go-away', lastStreamId: lastSeenId(), status })
  const endIfIdle = (): void => {
    if (heardGoodbye && streams().open.size === 0) finish(undefined)
  }
  return {
    isOpen: () => !over && !saidGoodbye && !heardGoodbye,
    isOver: () => over,
    heardGoodbye() {
      heardGoodbye = true
      endIfIdle()
    },
    endIfIdle,
    sayGoodbye() {
      if (over) return
      saidGoodbye = true
      for (const stream of [...streams().open.values()]) stream.duplex.destroy()
      goAway(goAwayStatus.ok)
      finish(undefined)
    },
    lost(error, socketIsGone) {
      const expected = heardGoodbye || saidGoodbye || streams().open.size === 0
      const why = error ?? (expected ? undefined : new Error('the connection was lost before the stream ended'))
      if (socketIsGone) settle(why)
      else finish(why)
    },
    fail(error) {
      if (over) return
      goAway(error instanceof SpdyError ? goAwayStatus.protocol : goAwayStatus.internal)
      finish(error instanceof Error ? error : new Error(String(error)), violationFlushMs)
    },
    closed: closed.promise,
  }
}
