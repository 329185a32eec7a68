import type { DatabaseSync } from 'node:sqlite'
import type { Revision } from '../store.ts'
import { newestRevision, rowsOf } from './database.ts'
import type { Batch } from './protocol.ts'
import { type Packed, packer, unpacker } from './records.ts'
import type { HistoryWindow } from './window.ts'

/** Writes batches, one transaction each. The main thread has decided already that every write in them wins. */
export interface Appender {
  /** Returns the previous values asked for, in order. Throws when nothing of the batch was written. */
  append(batch: Batch): Packed | null
  /** Sweeps a part of the history in a transaction of its own, while nobody writes. */
  sweep(): void
  /** Forgets the changes up to `revision`; their rows are swept later. */
  forget(revision: Revision): void
  /** The newest durable revision. */
  revision(): Revision
}

const PREVIOUS_BYTES = 16_384

export const appender = (db: DatabaseSync, window: HistoryWindow): Appender => {
  const begin = db.prepare('BEGIN IMMEDIATE')
  const commit = db.prepare('COMMIT')
  const rollback = db.prepare('ROLLBACK')
  const log = db.prepare('INSERT INTO log (revision, key, created, previous, value) VALUES (?, ?, ?, ?, ?)')
  const point = db.prepare(
    'INSERT INTO keys (key, revision, created) VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET revision = excluded.revision, created = excluded.created',
  )
  const unpoint = db.prepare('DELETE FROM keys WHERE key = ?')
  const valueAt = rowsOf(db, 'SELECT value FROM log WHERE revision = ?')
  let newest = newestRevision(db)

  const transaction = (act: () => void) => {
    begin.run()
    try {
      act()
      commit.run()
    } catch (error) {
      window.revert()
      // Some failures roll back by themselves.
      if (db.isTransaction) rollback.run()
      throw error
    }
    window.settle()
  }

  const write = (batch: Batch): { last: Revision; previous: Packed | null } => {
    const records = unpacker(batch.records)
    const replaced = batch.wantPrevious ? packer(new ArrayBuffer(PREVIOUS_BYTES)) : undefined
    let last = newest
    while (records.next()) {
      const key = records.keyBytes()
      const value = records.value()
      const previous = records.previous()
      last = records.revision()
      if (replaced && wanted(records.previousValue(), previous)) replaced.add('', 0, 0, 0, previousValue(previous), null)
      log.run(last, key, records.created(), previous, value)
      if (value === null) unpoint.run(key)
      else point.run(key, last, records.created())
    }
    return { last, previous: replaced?.take() ?? null }
  }

  const previousValue = (revision: Revision) => (valueAt.get(revision) as unknown as [Uint8Array | null] | undefined)?.[0] ?? null

  return {
    append: (batch) => {
      let written: ReturnType<typeof write> | undefined
      transaction(() => {
        written = write(batch)
        window.note(written.last, batch.records.length)
        window.sweep()
      })
      newest = written?.last ?? newest
      return written?.previous ?? null
    },
    sweep: () => transaction(() => window.sweep()),
    forget: (revision) => transaction(() => window.forget(revision)),
    revision: () => newest,
  }
}

/** The main thread sends an empty previous value where it holds none. */
const wanted = (previousValue: Uint8Array | null, previous: Revision): boolean => previous > 0 && previousValue !== null
