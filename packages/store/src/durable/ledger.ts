import type { Change, CommitResult, Revision, Row, Write } from '../store.ts'

/** What the newest commit of a key left, durable or not. One object a key is all that the main thread keeps of it. */
export interface Standing {
  readonly revision: Revision
  /** 0: that commit is a deletion, kept here until it is durable. */
  readonly created: Revision
  /** The commit, while it is on its way to the disk. */
  pending: Pending | undefined
}

/** A write that won and is not durable yet. */
export interface Pending {
  readonly write: Write
  readonly revision: Revision
  readonly created: Revision
  /** What the key had before, to put back should the disk fail. */
  readonly before: Standing | undefined
  /** The value that is replaced, where it was itself pending; else the file holds it. */
  readonly beforeValue: Uint8Array | undefined
  readonly standing: Standing
  /** Settled when the batch is: the promise that the writer has. */
  readonly done: Promise<CommitResult>
  readonly resolve: (result: CommitResult) => void
  readonly reject: (why: Error) => void
}

/**
 * Decides who wins, at once and in memory: keys, their newest revisions, and what is pending. Knows no disk.
 * Revisions above `durable` are assigned but not visible; when they are lost they are assigned again.
 */
export interface Ledger {
  /** From the file, before anything is decided. */
  load(key: string, revision: Revision, created: Revision): void
  durable(): Revision
  /** The winner to be written, or what the loser lost against. */
  decide(write: Write): { readonly won: Pending } | { readonly lostTo: Standing | undefined }
  /** These are durable, in revision order. */
  settle(pending: readonly Pending[]): void
  /** Nothing after the durable revision was written; all of it, in revision order, is undone. */
  undo(pending: readonly Pending[]): void
}

export const ledger = (start: Revision): Ledger => {
  const standings = new Map<string, Standing>()
  let durable = start
  let assigned = start

  const pend = (write: Write, before: Standing | undefined): Pending => {
    assigned += 1
    const revision = assigned
    const present = before !== undefined && before.created > 0
    const created = present ? before.created : revision
    const { promise, resolve, reject } = Promise.withResolvers<CommitResult>()
    const standing: Standing = { revision, created: write.value === null ? 0 : created, pending: undefined }
    const beforeValue = (present && before.pending?.write.value) || undefined
    const pending: Pending = { write, revision, created, before, beforeValue, standing, done: promise, resolve, reject }
    standing.pending = pending
    standings.set(write.key, standing)
    return pending
  }

  return {
    load: (key, revision, created) => void standings.set(key, { revision, created, pending: undefined }),
    durable: () => durable,
    decide: (write) => {
      const standing = standings.get(write.key)
      return wins(write, standing) ? { won: pend(write, standing) } : { lostTo: standing }
    },
    settle: (pending) => {
      for (const { write, standing, revision } of pending) {
        durable = revision
        standing.pending = undefined
        if (standing.created === 0 && standings.get(write.key) === standing) standings.delete(write.key)
      }
    },
    undo: (pending) => {
      assigned = durable
      for (const { write, before } of pending.toReversed()) {
        if (before === undefined || (before.created === 0 && !before.pending)) standings.delete(write.key)
        else standings.set(write.key, before)
      }
    },
  }
}

/** Deleting an absent key never wins: there is nothing to delete. */
const wins = (write: Write, standing: Standing | undefined): boolean => {
  const present = standing !== undefined && standing.created > 0
  if (write.value === null && !present) return false
  if (write.expect === 'any') return true
  return write.expect === 'absent' ? !present : present && standing.revision === write.expect
}

/** The row that a pending write leaves, once it is durable. */
export const rowOf = ({ write, revision, created }: Pending): Row | undefined =>
  write.value === null ? undefined : { key: write.key, revision, created, value: write.value }

/** `previousValue` is read from the file where the ledger had none. */
export const changeOf = (pending: Pending, previousValue: Uint8Array | undefined): Change => {
  const { write, revision, created, before } = pending
  const value = pending.beforeValue ?? previousValue
  const present = before !== undefined && before.created > 0 && value !== undefined
  const previous = present ? { key: write.key, revision: before.revision, created: before.created, value } : undefined
  return { key: write.key, revision, created, value: write.value, previous, carried: write.carried }
}
