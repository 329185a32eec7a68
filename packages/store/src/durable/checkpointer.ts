import type { DatabaseSync } from 'node:sqlite'
import { rowsOf } from './database.ts'

/** Written so much, the log is moved at once: small steps keep the tail of commits short and the log in the same few blocks. */
const LOG_BYTES = 4 * 1024 * 1024
/** What one batch costs in the log beside its values: pages of the tables. A guess is enough. */
const BATCH_BYTES = 64 * 1024

/** Moves the write-ahead log into the main file, between batches. Both functions may fail as SQLite does. */
export interface Checkpointer {
  /** So much was written to the log. */
  wrote(bytes: number): void
  /** Nobody writes: whatever is in the log is moved. */
  rest(): void
}

export const checkpointer = (db: DatabaseSync): Checkpointer => {
  const passive = rowsOf(db, 'PRAGMA wal_checkpoint(PASSIVE)')
  let waiting = 0

  const checkpoint = () => {
    waiting = 0
    passive.get()
  }

  return {
    wrote: (bytes) => {
      waiting += bytes + BATCH_BYTES
      if (waiting > LOG_BYTES) checkpoint()
    },
    rest: () => {
      if (waiting > 0) checkpoint()
    },
  }
}
