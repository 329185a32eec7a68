/** A position in the store's single history. Starts at 1, grows by one a commit; exact as a number up to 2^53. */
export type Revision = number

/** One key's current state. `revision` is that of its last commit, `created` that of its first since it was last absent. */
export interface Row {
  readonly key: string
  readonly revision: Revision
  readonly created: Revision
  readonly value: Uint8Array
}

export interface Write {
  readonly key: string
  /** null deletes the key; deleting an absent key loses, whatever it expects. The bytes must not change afterwards. */
  readonly value: Uint8Array | null
  /** What must hold for the write to win: the key is absent, its last commit has this revision, or anything. */
  readonly expect: 'absent' | 'any' | Revision
  /** Handed to watchers in this process with the change, so that what the writer decoded is not decoded again. Never stored. */
  readonly carried?: unknown
}

/** Losing is a result and not an exception; the winner is shown. An exception means that the outcome is unknown or the store failed. */
export type CommitResult =
  | { readonly ok: true; readonly revision: Revision; readonly created: Revision }
  | { readonly ok: false; readonly current: Row | undefined; readonly revision: Revision }

/** One commit as a watcher sees it. For a deletion `value` is null. `previous` is the row that it replaced, if any. */
export interface Change {
  readonly key: string
  readonly revision: Revision
  readonly created: Revision
  readonly value: Uint8Array | null
  readonly previous: Row | undefined
  readonly carried?: unknown
}

export interface Range {
  readonly rows: readonly Row[]
  /** The revision at which `rows` is the truth. */
  readonly revision: Revision
  readonly more: boolean
}

/** The history before `revision` is gone: start again from a range. */
export class Compacted extends Error {
  readonly oldest: Revision
  constructor(oldest: Revision) {
    super(`the requested revision has been compacted; the oldest available is ${oldest}`)
    this.name = 'Compacted'
    this.oldest = oldest
  }
}

/** Why a store refuses to open or to go on; the message says what to do next. */
export class StoreUnusable extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'StoreUnusable'
  }
}

export interface WatchRequest {
  readonly prefix: string
  /** Changes with a revision above this one are delivered. Compacted is thrown when they are no longer all held. */
  readonly after: Revision
  /** The watcher keeps the rows itself: `previous` may be left out, which saves reading what was replaced. */
  readonly withoutPrevious?: boolean
  /**
   * Called in revision order, each change once, a batch at a time, synchronously as the batch becomes durable; for what was missed,
   * before the promise of `watch` resolves. Must not throw: that ends the watch.
   */
  readonly deliver: (changes: readonly Change[]) => void
  /** The watch ended by itself (the store failed or history was lost): start again from a range. */
  readonly ended: (why: Error) => void
}

/**
 * Keys, revisions, compare-and-swap, watch.
 *
 * Ordering: a commit becomes visible to read, range, revision and watch only once it is durable; watchers hear of it before the
 * promise of the commit resolves. A commit is compared with writes that are still on their way to the disk as well; when such a
 * batch fails, every write chained on it fails too.
 */
export interface Store {
  /** True: other processes write to it as well, so that of several API servers' loops one must be chosen. Absent: this one owns it. */
  readonly shared?: boolean
  read(key: string): Promise<Row | undefined>
  /** Rows whose key starts with `prefix`, in byte order of keys, after the key `after`, at most `limit` (0 or absent: all). */
  range(request: { readonly prefix: string; readonly after?: string; readonly limit?: number }): Promise<Range>
  commit(write: Write): Promise<CommitResult>
  /** Returns the function that stops the watch. */
  watch(request: WatchRequest): Promise<() => void>
  /** The newest durable revision. */
  revision(): Promise<Revision>
  /** Forget the history before `before`; current rows stay. */
  compact(before: Revision): Promise<void>
  /** Writes a consistent copy to `path` while the store serves. Stores without files refuse. */
  snapshot(path: string): Promise<void>
  /** Finishes the writes under way, then ends the watches. Everything after it is refused with StoreUnusable. */
  close(): Promise<void>
}
