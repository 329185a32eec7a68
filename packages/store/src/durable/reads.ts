import type { DatabaseSync } from 'node:sqlite'
import type { Revision } from '../store.ts'
import { openReader, rowsOf } from './database.ts'
import { type KeyIndex, latin1 } from './key-index.ts'
import { type Packed, type Packer, packer } from './records.ts'

/** A chunk is what the other thread can take in within about a millisecond, however small or big its rows are. */
const CHUNK_BYTES = 512 * 1024
const CHUNK_ROWS = 1_000
const SCRATCH_BYTES = CHUNK_BYTES + 64 * 1024

export interface Chunk {
  readonly records: Packed
  /** For a range: that of its snapshot. For history: all changes up to this one have been given. */
  readonly revision: Revision
  readonly end: boolean
  /** There are more rows than the limit. */
  readonly more: boolean
}

/** Everything that reads, in the worker. The table of keys must be up to date for `index` and `range`. A generator of chunks holds its snapshot until it is run to its end or returned. */
export interface Reads {
  /** Every key with its revisions, without values. */
  index(): Generator<Chunk>
  range(prefix: string, after: string | undefined, limit: number): Generator<Chunk>
  read(key: string): Packed
  row(key: string, revision: Revision): Packed
  /** Changes after `after`, to the newest of the moment at which the last chunk is made. */
  history(prefix: string, after: Revision): Generator<Chunk>
  close(): void
}

type LogRow = readonly [key: Uint8Array, revision: number, created: number, previous: number, value: Uint8Array | null]
type IndexRow = readonly [key: Uint8Array, revision: number, created: number]
type RangeRow = readonly [...IndexRow, value: Uint8Array]

const CURRENT = 'SELECT keys.key, keys.revision, keys.created, log.value FROM keys CROSS JOIN log ON log.revision = keys.revision'

export const reads = (db: DatabaseSync, file: string, keys: KeyIndex, window: { newest(): Revision; floor(): Revision }): Reads => {
  const indexed = rowsOf(db, 'SELECT revision FROM keys WHERE key = ?')
  const logged = rowsOf(db, 'SELECT key, revision, created, previous, value FROM log WHERE revision = ?')
  const changes = rowsOf(db, 'SELECT key, revision, created, previous, value FROM log WHERE revision > ? ORDER BY revision')
  const idle: DatabaseSync[] = []

  /** Filled and copied within one turn, so one is enough. */
  const rows = packer(new ArrayBuffer(SCRATCH_BYTES))

  const add = (row: LogRow | undefined): Packed => {
    if (row) rows.add(row[0], row[1], row[2], 0, row[4], null)
    return rows.copy()
  }

  const logRow = (revision: Revision) => logged.get(revision) as unknown as LogRow | undefined

  const read = (key: string): Packed => {
    const bytes = Buffer.from(key)
    const recent = keys.recent(latin1(bytes))
    if (recent) return add(recent.created === 0 ? undefined : logRow(recent.revision))
    const found = indexed.get(bytes) as unknown as [revision: number] | undefined
    return add(found && logRow(found[0]))
  }

  const historyPage = (prefix: Buffer, after: Revision): { records: Packed; through: Revision } => {
    let examined = 0
    for (const row of changes.iterate(after) as Iterable<unknown> as Iterable<LogRow>) {
      const [key, revision, created, previous, value] = row
      if (startsWith(key, prefix)) rows.add(key, revision, created, previous, value, previous > 0 ? (logRow(previous)?.[4] ?? null) : null)
      examined += 1
      if (examined === CHUNK_ROWS || rows.length >= CHUNK_BYTES) return { records: rows.copy(), through: revision }
    }
    return { records: rows.copy(), through: window.newest() }
  }

  return {
    read,
    row: (key, revision) => {
      const found = logRow(revision)
      return found ? add(found) : read(key)
    },
    *index() {
      const statement = rowsOf(db, 'SELECT key, revision, created FROM keys')
      yield* chunks(rows, statement.iterate() as Iterable<unknown> as Iterable<IndexRow>, 0, window.newest(), ([key, revision, created]) =>
        rows.add(key, revision, created, 0, null, null),
      )
    },
    *range(prefix, after, limit) {
      const reader = idle.pop() ?? openReader(file)
      try {
        const statement = rowsOf(reader, `${CURRENT} WHERE keys.key >= ? AND keys.key < ? ORDER BY keys.key LIMIT ?`)
        const [from, to] = bounds(prefix, after)
        // One row beyond the limit tells that there is more.
        const found = statement.iterate(from, to, limit > 0 ? limit + 1 : -1) as Iterable<unknown> as Iterable<RangeRow>
        yield* chunks(rows, found, limit, window.newest(), ([key, revision, created, value]) =>
          rows.add(key, revision, created, 0, value, null),
        )
      } finally {
        idle.push(reader)
      }
    },
    *history(prefix, after) {
      let through = after
      for (let end = false; !end; ) {
        // What was forgotten meanwhile cannot be given: the reader sees the floor and starts again.
        if (through < window.floor()) return yield { records: rows.copy(), revision: through, end: true, more: false }
        const page = historyPage(Buffer.from(prefix), through)
        through = page.through
        end = through >= window.newest()
        yield { records: page.records, revision: through, end, more: false }
      }
    },
    close: () => {
      for (const reader of idle.splice(0)) reader.close()
    },
  }
}

function* chunks<Found>(
  rows: Packer,
  found: Iterable<Found>,
  limit: number,
  revision: Revision,
  add: (row: Found) => void,
): Generator<Chunk> {
  let total = 0
  for (const row of found) {
    if (limit > 0 && total === limit) return yield { records: rows.copy(), revision, end: true, more: true }
    add(row)
    total += 1
    if (rows.count < CHUNK_ROWS && rows.length < CHUNK_BYTES) continue
    yield { records: rows.copy(), revision, end: false, more: false }
  }
  yield { records: rows.copy(), revision, end: true, more: false }
}

/** Keys from the first one to the second one, without it. No byte of UTF-8 is 0xff, so the last byte of a prefix can be raised. */
const bounds = (prefix: string, after: string | undefined): [from: Buffer, to: Buffer] => {
  const start = Buffer.from(prefix)
  const to = prefix === '' ? Buffer.from([0xff]) : Buffer.from(start)
  if (prefix !== '') to[to.length - 1] = (to[to.length - 1] as number) + 1
  // The first key after `after` is `after` and a zero byte.
  const next = after === undefined ? start : Buffer.concat([Buffer.from(after), Buffer.from([0])])
  return [Buffer.compare(next, start) > 0 ? next : start, to]
}

const startsWith = (key: Uint8Array, prefix: Buffer): boolean => key.length >= prefix.length && prefix.compare(key, 0, prefix.length) === 0
