import type { DatabaseSync } from 'node:sqlite'
import type { Revision } from '../store.ts'
import { numberOf, rowsOf } from './database.ts'

/** Changes swept at once: bounds what one batch pays for the past. */
const SLICE = 256
/** A batch sweeps more than it writes, so that the history shrinks to its limit while writers go on. */
const SLICES_PER_BATCH = 2
/** Values held by the history at most, whatever the limit on changes: 10,000 changes of 1 MB would be 10 GB. */
const HISTORY_BYTES = 64 * 1024 * 1024

/**
 * The event window. Changes after `floor` are held for watches that start in the past. What changes up to `swept` replaced, and the
 * deletions among them, are gone from the file; between the two they wait to be swept.
 */
export interface HistoryWindow {
  floor(): Revision
  /** Changes wait to be swept. */
  due(): boolean
  /** Inside a transaction: it commits changes up to `revision`, whose values have `bytes` together. */
  note(revision: Revision, bytes: number): void
  /** Inside a transaction: forgets what is over the limits and sweeps a few slices, none of them beyond `limit`. */
  sweep(limit: Revision): void
  /** Inside a transaction: forgets changes up to `revision`. */
  forget(revision: Revision): void
  /** The transaction is durable: what it did holds. */
  settle(): void
  /** The transaction was rolled back, and so is this. */
  revert(): void
}

interface Span {
  readonly upTo: Revision
  readonly bytes: number
}

interface State {
  readonly newest: Revision
  readonly floor: Revision
  readonly swept: Revision
  /** The sizes of the changes after `floor`, in spans of about a slice, oldest first. */
  readonly spans: readonly Span[]
}

export const historyWindow = (db: DatabaseSync, historyLimit: number): HistoryWindow => {
  const replaced = db.prepare(
    'DELETE FROM log WHERE revision IN (SELECT previous FROM log WHERE revision > ? AND revision <= ? AND previous > 0)',
  )
  const deletions = db.prepare('DELETE FROM log WHERE revision > ? AND revision <= ? AND value IS NULL')
  const record = db.prepare('UPDATE history SET floor = ?, swept = ? WHERE id = 1')
  let settled = load(db)
  let state = settled

  const sweepSlice = (end: Revision) => {
    const upTo = Math.min(end, state.swept + SLICE)
    replaced.run(state.swept, upTo)
    deletions.run(state.swept, upTo)
    state = { ...state, swept: upTo }
  }

  return {
    floor: () => state.floor,
    due: () => state.swept < state.floor,
    note: (revision, bytes) => {
      state = { ...state, newest: revision, spans: noted(state.spans, revision, bytes) }
    },
    sweep: (limit) => {
      const floor = floorFor(state, historyLimit)
      if (floor > state.floor) state = raised(state, floor)
      const end = Math.min(state.floor, limit)
      if (state.swept >= end) return
      for (let i = 0; i < SLICES_PER_BATCH && state.swept < end; i += 1) sweepSlice(end)
      record.run(state.floor, state.swept)
    },
    forget: (revision) => {
      const floor = Math.min(revision, state.newest)
      if (floor <= state.floor) return
      state = raised(state, floor)
      record.run(state.floor, state.swept)
    },
    settle: () => {
      settled = state
    },
    revert: () => {
      state = settled
    },
  }
}

const load = (db: DatabaseSync): State => {
  const [floor, swept] = rowsOf(db, 'SELECT floor, swept FROM history').get() as unknown as [number, number]
  const newest = Math.max(floor, numberOf(db, 'SELECT max(revision) FROM log'))
  let spans: readonly Span[] = []
  const held = rowsOf(db, 'SELECT revision, coalesce(length(value), 0) FROM log WHERE revision > ? ORDER BY revision')
  for (const row of held.iterate(floor)) {
    const [revision, bytes] = row as unknown as [number, number]
    spans = noted(spans, revision, bytes)
  }
  return { newest, floor, swept, spans }
}

/** Adds changes to the last span, or begins the next one. */
const noted = (spans: readonly Span[], revision: Revision, bytes: number): readonly Span[] => {
  const last = spans[spans.length - 1]
  if (last && Math.floor(last.upTo / SLICE) === Math.floor(revision / SLICE))
    return spans.with(spans.length - 1, { upTo: revision, bytes: last.bytes + bytes })
  return [...spans, { upTo: revision, bytes }]
}

const raised = (state: State, floor: Revision): State => ({ ...state, floor, spans: state.spans.filter((span) => span.upTo > floor) })

/** Where the window may begin: whole spans are given up, oldest first, while there are too many changes or too many bytes. */
const floorFor = (state: State, historyLimit: number): Revision => {
  let { floor } = state
  let bytes = state.spans.reduce((sum, span) => sum + span.bytes, 0)
  for (const span of state.spans) {
    // Sweeping span by span: a span is given up only when all of it is beyond the limit.
    if (state.newest - span.upTo < historyLimit && bytes <= HISTORY_BYTES) break
    floor = span.upTo
    bytes -= span.bytes
  }
  return floor
}
