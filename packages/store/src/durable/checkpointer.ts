import type { DatabaseSync } from 'node:sqlite'
import type { Env } from '@skiff/machinery'
import { failureOf, rowsOf } from './database.ts'
import type { Failure } from './protocol.ts'

/** Quiet for so long, the log is moved into the file although it is short. */
const IDLE_MS = 200
/** Written so much, it is moved at once: small steps keep the tail of commits short and the log in the same few blocks. */
const LOG_BYTES = 4 * 1024 * 1024
/** What one batch costs in the log beside its values: pages of the index. A guess is enough. */
const BATCH_BYTES = 64 * 1024

/** Moves the write-ahead log into the main file between batches, and sweeps the history when nobody writes. */
export interface Checkpointer {
  wrote(bytes: number): void
  stop(): void
}

export const checkpointer = (options: {
  readonly db: DatabaseSync
  readonly env: Env
  /** Sweeps a slice; true while there is more to sweep. */
  readonly sweep: () => boolean
  readonly broken: (failure: Failure) => void
}): Checkpointer => {
  const { db, env } = options
  const passive = rowsOf(db, 'PRAGMA wal_checkpoint(PASSIVE)')
  let waiting = 0
  let lastMs = 0
  let cancel: (() => void) | undefined

  /** A full disk passes: the log only grows meanwhile. Anything else makes the file unusable. */
  const guarded = (act: () => void) => {
    try {
      act()
    } catch (error) {
      const failure = failureOf(error)
      if (failure.kind === 'broken') options.broken(failure)
    }
  }

  const checkpoint = () =>
    guarded(() => {
      waiting = 0
      passive.get()
    })

  const rest = (ms: number) => {
    cancel = env.after(ms, () => {
      cancel = undefined
      const quietMs = env.monotonicMs() - lastMs
      if (quietMs < IDLE_MS) return rest(IDLE_MS - quietMs)
      let more = false
      guarded(() => {
        more = options.sweep()
      })
      if (more) return rest(0)
      checkpoint()
    })
  }

  return {
    wrote: (bytes) => {
      waiting += bytes + BATCH_BYTES
      lastMs = env.monotonicMs()
      if (waiting > LOG_BYTES) checkpoint()
      if (!cancel) rest(IDLE_MS)
    },
    stop: () => cancel?.(),
  }
}
