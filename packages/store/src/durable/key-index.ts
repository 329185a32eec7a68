import type { DatabaseSync } from 'node:sqlite'
import type { Revision } from '../store.ts'
import { numberOf, rowsOf } from './database.ts'

/** The table follows the log when it is so far behind; a later start reads as much of the log again. */
const LAG = 4_096
/** Entries written within one batch: bounds what it pays for the past. */
const STEP = 256

/** Where a key's current row is; `created` 0 means that the key was deleted. */
export interface Pointer {
  readonly revision: Revision
  readonly created: Revision
}

/**
 * The table `keys`, written behind the log. Keys are spread over the whole table, so that writing each at once would double what a
 * commit writes; gathered and in key order many share a page, and a key that changes all the time is written once. The newest
 * pointers are held here, and after an unclean stop they are found in the log again: the table is whole up to `indexed`, and applying
 * a later change twice does no harm. Keys are strings of bytes (latin1), so that they sort as the table does.
 */
export interface KeyIndex {
  /** A pointer that the table may not have yet. */
  recent(key: string): Pointer | undefined
  /** These changes are durable in the log. */
  note(key: string, pointer: Pointer): void
  /** Inside a transaction: writes a part of what waits, when enough does. */
  step(): void
  /** Inside a transaction: writes all that waits. */
  flush(): void
  waits(): boolean
  /** All changes up to here are in the table. */
  indexed(): Revision
  settle(): void
  revert(): void
}

/** Pointers that are being written, in key order, up to the change `upTo`. */
interface Frozen {
  readonly pointers: ReadonlyMap<string, Pointer>
  readonly keys: readonly string[]
  readonly upTo: Revision
}

export const keyIndex = (db: DatabaseSync): KeyIndex => {
  const point = db.prepare(
    'INSERT INTO keys (key, revision, created) VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET revision = excluded.revision, created = excluded.created',
  )
  const unpoint = db.prepare('DELETE FROM keys WHERE key = ?')
  const record = db.prepare('UPDATE history SET indexed = ? WHERE id = 1')
  let fresh = new Map<string, Pointer>()
  let frozen: Frozen | undefined
  /** Keys of `frozen` written, as of the last transaction and as of this one. */
  let settled = 0
  let written = 0
  let indexed = numberOf(db, 'SELECT indexed FROM history')
  let newest = indexed

  const freeze = () => {
    frozen = { pointers: fresh, keys: [...fresh.keys()].sort(), upTo: newest }
    fresh = new Map()
    settled = 0
    written = 0
  }

  const write = ({ pointers, keys, upTo }: Frozen, count: number) => {
    const end = Math.min(keys.length, written + count)
    for (; written < end; written += 1) {
      const key = keys[written] as string
      const { revision, created } = pointers.get(key) as Pointer
      if (created === 0) unpoint.run(Buffer.from(key, 'latin1'))
      else point.run(Buffer.from(key, 'latin1'), revision, created)
    }
    if (written === keys.length) record.run(upTo)
  }

  /** Frozen pointers are dropped only when the transaction that wrote the last of them is durable. */
  const settle = () => {
    settled = written
    if (!frozen || settled < frozen.keys.length) return
    indexed = frozen.upTo
    frozen = undefined
  }

  return {
    recent: (key) => fresh.get(key) ?? frozen?.pointers.get(key),
    note: (key, pointer) => {
      fresh.set(key, pointer)
      newest = pointer.revision
    },
    step: () => {
      if (!frozen && newest - indexed >= LAG) freeze()
      if (frozen) write(frozen, STEP)
    },
    flush: () => {
      if (!frozen) freeze()
      if (frozen) write(frozen, Number.POSITIVE_INFINITY)
    },
    waits: () => frozen !== undefined || fresh.size > 0,
    indexed: () => indexed,
    settle,
    revert: () => {
      written = settled
    },
  }
}

/** Changes of the log that the table does not have, for `note`, in order. */
export const unindexed = function* (db: DatabaseSync): Generator<[key: string, pointer: Pointer]> {
  const rows = rowsOf(
    db,
    'SELECT key, log.revision, created, value IS NULL FROM history, log WHERE log.revision > indexed ORDER BY log.revision',
  )
  for (const row of rows.iterate() as Iterable<unknown>) {
    const [key, revision, created, deleted] = row as [Uint8Array, number, number, number]
    yield [latin1(key), { revision, created: deleted ? 0 : created }]
  }
}

export const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
