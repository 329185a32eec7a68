import type { DatabaseSync } from 'node:sqlite'
import type { Revision } from '../store.ts'
import { newestRevision, rowsOf } from './database.ts'
import { type KeyIndex, latin1, type Pointer, unindexed } from './key-index.ts'
import type { Batch } from './protocol.ts'
import { type Packed, packer, unpacker } from './records.ts'
import type { HistoryWindow } from './window.ts'

/** Writes batches, one transaction each. The main thread has decided already that every write in them wins. */
export interface Appender {
  /** Returns the previous values asked for, in order. Throws when nothing of the batch was written. */
  append(batch: Batch): Packed | null
  /** Sweeps a part of the history in a transaction of its own, while nobody writes; true while more is due. */
  sweep(): boolean
  /** Forgets the changes up to `revision`; their rows are swept later. */
  forget(revision: Revision): void
  /** Brings the table of keys up to the newest revision. */
  index(): void
  /** The newest durable revision. */
  revision(): Revision
}

const SCRATCH_BYTES = 64 * 1024

export const appender = (db: DatabaseSync, window: HistoryWindow, keys: KeyIndex): Appender => {
  const log = db.prepare('INSERT INTO log (revision, key, created, previous, value) VALUES (?, ?, ?, ?, ?)')
  const valueAt = rowsOf(db, 'SELECT value FROM log WHERE revision = ?')
  const replaced = packer(new ArrayBuffer(SCRATCH_BYTES))
  const transact = transactions(db, [window, keys])
  let newest = newestRevision(db)

  const previousValue = (revision: Revision) => (valueAt.get(revision) as unknown as [Uint8Array | null] | undefined)?.[0] ?? null

  const write = (batch: Batch): [key: string, pointer: Pointer][] => {
    const records = unpacker(batch.records)
    const moved: [string, Pointer][] = []
    replaced.clear()
    while (records.next()) {
      const key = records.keyBytes()
      const value = records.value()
      const revision = records.revision()
      const created = records.created()
      const previous = records.previous()
      if (batch.wantPrevious && wanted(records.previousValue(), previous)) replaced.add('', 0, 0, 0, previousValue(previous), null)
      log.run(revision, key, created, previous, value)
      moved.push([latin1(key), { revision, created: value === null ? 0 : created }])
    }
    return moved
  }

  const index = () => {
    if (keys.waits()) transact(() => keys.flush())
  }

  for (const [key, pointer] of unindexed(db)) keys.note(key, pointer)
  index()

  return {
    append: (batch) => {
      const moved = transact(() => {
        const written = write(batch)
        window.note(written.at(-1)?.[1].revision ?? newest, batch.records.length)
        keys.step()
        window.sweep(keys.indexed())
        return written
      })
      for (const [key, pointer] of moved) {
        keys.note(key, pointer)
        newest = pointer.revision
      }
      return batch.wantPrevious ? replaced.copy() : null
    },
    sweep: () => {
      if (!window.due()) return false
      index()
      transact(() => window.sweep(keys.indexed()))
      return window.due()
    },
    forget: (revision) => transact(() => window.forget(revision)),
    index,
    revision: () => newest,
  }
}

/** Runs `act` in a transaction. What it changed in memory settles with it, or is reverted. */
const transactions = (db: DatabaseSync, parts: readonly { settle(): void; revert(): void }[]) => {
  const begin = db.prepare('BEGIN IMMEDIATE')
  const commit = db.prepare('COMMIT')

  const rollBack = () => {
    // Some failures roll back by themselves.
    if (db.isTransaction) db.exec('ROLLBACK')
  }

  return <T>(act: () => T): T => {
    let result: T
    try {
      begin.run()
      result = act()
      commit.run()
    } catch (error) {
      for (const part of parts) part.revert()
      rollBack()
      throw error
    }
    for (const part of parts) part.settle()
    return result
  }
}

/** The main thread sends an empty previous value where it holds none. */
const wanted = (previousValue: Uint8Array | null, previous: Revision): boolean => previous > 0 && previousValue !== null
