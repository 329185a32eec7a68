import type { Change, Row } from '../store.ts'
import { type Packed, unpacker } from './records.ts'

/** The row of an answer that has one at most. */
export const firstRow = (records: Packed): Row | undefined => rowsIn(records, [])[0]

/** Appends the rows of a chunk to `into`. Their values share the chunk's buffer: one row that is kept keeps up to 512 KB alive. */
export const rowsIn = (records: Packed, into: Row[]): Row[] => {
  const found = unpacker(records)
  while (found.next()) {
    const value = found.value()
    if (value !== null) into.push({ key: found.key(), revision: found.revision(), created: found.created(), value })
  }
  return into
}

export const changesIn = (records: Packed): Change[] => {
  const found = unpacker(records)
  const changes: Change[] = []
  while (found.next()) {
    const key = found.key()
    const created = found.created()
    const value = found.previousValue()
    const previous = value === null ? undefined : { key, revision: found.previous(), created, value }
    changes.push({ key, revision: found.revision(), created, value: found.value(), previous })
  }
  return changes
}
