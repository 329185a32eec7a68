import type { Revision } from '../store.ts'
import type { Packed } from './records.ts'

/** How a failure of the disk is to be taken: `passing` may succeed later (no space), after `broken` nothing more is written. */
export interface Failure {
  readonly kind: 'passing' | 'broken'
  /** What SQLite said. */
  readonly message: string
}

/** What a thread is started for: to own a file and serve it, or one task that would hold up the others. */
export type WorkerStart =
  | {
      readonly task: 'serve'
      readonly file: string
      /** Check the whole file first: the last owner did not close it. */
      readonly check: boolean
      readonly historyLimit: number
    }
  | { readonly task: 'snapshot'; readonly file: string; readonly to: string }
  | { readonly task: 'restore'; readonly file: string }

export interface Batch {
  readonly do: 'batch'
  readonly records: Packed
  /** Someone watches: send back the values that these writes replace, where this side does not hold them. */
  readonly wantPrevious: boolean
}

/** A question has one answer; `range`, `history` and `index` have chunks, asked for one by one with `more`, until one says `end`. */
export type Question =
  | { readonly ask: 'index' }
  | { readonly ask: 'read'; readonly key: string }
  /** The row that `key` had at `revision`, or what it has now where that is forgotten. */
  | { readonly ask: 'row'; readonly key: string; readonly revision: Revision }
  | { readonly ask: 'range'; readonly prefix: string; readonly after: string | undefined; readonly limit: number }
  | { readonly ask: 'history'; readonly prefix: string; readonly after: Revision }
  | { readonly ask: 'compact'; readonly before: Revision }
  /** Nobody writes: do a part of what waits for that; the answer's `end` says that nothing is left. */
  | { readonly ask: 'tidy' }
  | { readonly ask: 'close' }

export type ToWorker = Batch | { readonly id: number; readonly question: Question } | { readonly id: number; readonly more: true }

export interface Answer {
  readonly records: Packed
  /** For a range: the revision of its snapshot. For history: all changes up to this one are in `records`. Else the newest. */
  readonly revision: Revision
  /** Nothing more comes. */
  readonly end: boolean
  /** A range that its limit cut short. */
  readonly more: boolean
  /** Changes up to here are forgotten; a history from before it has no records. */
  readonly floor: Revision
}

export type FromWorker =
  /** The file is open, or the one task is done. */
  | { readonly tell: 'opened'; readonly revision: Revision }
  | { readonly tell: 'refused'; readonly failure: Failure }
  /** The oldest batch on its way is durable. `spare` is its buffer, back for use; `previous` the values it was asked for, in order. */
  | { readonly tell: 'durable'; readonly spare: ArrayBuffer; readonly previous: Packed | null }
  | { readonly tell: 'lost'; readonly failure: Failure }
  | { readonly tell: 'answer'; readonly id: number; readonly answer: Answer }
  | { readonly tell: 'failed'; readonly id: number; readonly failure: Failure }
  /** The file is unusable, found outside of any batch or question. */
  | { readonly tell: 'broken'; readonly failure: Failure }
