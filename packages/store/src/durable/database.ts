import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { Revision } from '../store.ts'
import type { Failure } from './protocol.ts'

/** "SKIF": marks the file as a store of ours. The format grows when an older program must not open it any more. */
const APPLICATION_ID = 0x534b4946
const FORMAT = 1

/**
 * One value is written once: each commit appends a row to `log`, and the row that it replaces stays where it is as history until it
 * is swept (`floor` and `swept`: see window.ts). `keys` leads from a key to its current row, as of `indexed` (see key-index.ts).
 */
const SCHEMA = `
  CREATE TABLE log (revision INTEGER PRIMARY KEY, key BLOB NOT NULL, created INTEGER NOT NULL, previous INTEGER NOT NULL, value BLOB);
  CREATE TABLE keys (key BLOB PRIMARY KEY, revision INTEGER NOT NULL, created INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE history (id INTEGER PRIMARY KEY CHECK (id = 1), floor INTEGER NOT NULL, swept INTEGER NOT NULL, indexed INTEGER NOT NULL);
  INSERT INTO history VALUES (1, 0, 0, 0);
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${FORMAT};
`

/** 8 KB pages hold three objects of 2 KB where 4 KB pages hold one. The cache is small: the kernel caches the file as well. */
const PAGE_BYTES = 8192
const CACHE_KB = 16_384
const READER_CACHE_KB = 2_048
/** Someone else's shell on the file may hold a lock for a moment. */
const BUSY_MS = 1_000

/** The connection that writes. FULL: each commit of the write-ahead log is flushed to the disk before it returns. */
export const openDatabase = (file: string): DatabaseSync => {
  const db = new DatabaseSync(file, { timeout: BUSY_MS })
  try {
    db.exec(`PRAGMA page_size = ${PAGE_BYTES}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
      PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -${CACHE_KB}; PRAGMA temp_store = MEMORY`)
    if (numberOf(db, 'PRAGMA schema_version') === 0) db.exec(`BEGIN IMMEDIATE; ${SCHEMA} COMMIT`)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** A connection that only reads: a statement that is under way on it sees one revision, whatever is committed meanwhile. */
export const openReader = (file: string): DatabaseSync => {
  const db = new DatabaseSync(file, { readOnly: true, timeout: BUSY_MS })
  db.exec(`PRAGMA cache_size = -${READER_CACHE_KB}`)
  return db
}

/** Why this file cannot be served, or undefined. `whole` reads all of it. */
export const fault = (db: DatabaseSync, whole: boolean): string | undefined => {
  if (numberOf(db, 'PRAGMA application_id') !== APPLICATION_ID) return 'it is a database of another program'
  const format = numberOf(db, 'PRAGMA user_version')
  if (format !== FORMAT) return `its format is ${format}, and this program reads ${FORMAT}`
  if (!whole) return undefined
  const found = db.prepare('PRAGMA quick_check(1)').get() as { quick_check: string }
  return found.quick_check === 'ok' ? undefined : found.quick_check
}

/** The newest revision in the file. */
export const newestRevision = (db: DatabaseSync): Revision =>
  numberOf(db, 'SELECT max(coalesce((SELECT max(revision) FROM log), 0), floor) FROM history')

/** A statement whose rows are arrays, which are cheaper than objects. */
export const rowsOf = (db: DatabaseSync, sql: string): StatementSync => {
  const statement = db.prepare(sql)
  statement.setReturnArrays(true)
  return statement
}

export const numberOf = (db: DatabaseSync, sql: string): number => {
  const row = rowsOf(db, sql).get() as unknown as number[] | undefined
  return row?.[0] ?? 0
}

/** SQLite's primary result codes, and the one that a full disk gives when the index of the log cannot grow. */
const [BUSY, LOCKED, FULL, SHARED_MEMORY_SIZE] = [5, 6, 13, 4874]

/**
 * After a failed flush nobody knows what the disk holds, and flushing again would report success wrongly: only a full disk and a
 * foreign lock pass.
 */
export const failureOf = (error: unknown): Failure => {
  const { errcode } = error as { errcode?: number }
  const code = errcode ?? 0
  const passing = code === SHARED_MEMORY_SIZE || [BUSY, LOCKED, FULL].includes(code & 255)
  return { kind: passing ? 'passing' : 'broken', message: error instanceof Error ? error.message : String(error) }
}
