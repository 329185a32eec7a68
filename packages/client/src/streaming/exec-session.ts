import type { Readable, Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import type { TerminalSize } from './terminal-size.ts'

/** What is attached: of a container's process, or to a new command. */
export interface StreamSelection {
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
  readonly tty: boolean
}

/** What a command is given. A stream that the client did not ask for is absent. */
export interface ExecSession {
  readonly stdin?: Readable
  readonly stdout?: Writable
  readonly stderr?: Writable
  readonly tty: boolean
  /** Calls `listener` with the terminal's size, the newest one at once and each later one. */
  onResize(listener: (size: TerminalSize) => void): void
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal
}

/** Runs a command and resolves with its exit code; rejects when it could not be run. The output is ended for it. */
export type ExecHandler = (session: ExecSession) => Promise<number>

/** A connection whose streams are in place. */
export interface ExecConnection {
  readonly session: ExecSession
  /** Writes the Status (or, to old protocols, the text of a failure) and closes. */
  finish(status: { readonly status?: string; readonly message?: string }): Promise<void>
}

/** The terminal's newest size, for a listener that may come later. */
export const sizeKeeper = (): { readonly put: (size: TerminalSize) => void; readonly onResize: ExecSession['onResize'] } => {
  let newest: TerminalSize | undefined
  let listener: ((size: TerminalSize) => void) | undefined
  return {
    put(size) {
      newest = size
      listener?.(size)
    },
    onResize(next) {
      listener = next
      if (newest) next(newest)
    },
  }
}

/** Ends a stream and waits until its bytes are on their way; a lost connection is not this one's trouble. */
export const endAndFlush = async (stream: Writable | undefined): Promise<void> => {
  if (stream === undefined || stream.destroyed) return
  stream.end()
  await finished(stream, { readable: false }).catch(() => {})
}
