import type { Change, CommitResult, Write } from '../store.ts'
import type { Watchers } from '../watchers.ts'
import { changeOf, type Ledger, type Pending, rowOf, type Standing } from './ledger.ts'
import { asksPrevious, outbox } from './outbox.ts'
import { type Packed, unpacker } from './records.ts'
import { firstRow } from './rows.ts'
import type { WorkerLink } from './worker-link.ts'

/** The way of a write: decided at once, sent with its batch, visible when durable. */
export interface Commits {
  commit(write: Write): Promise<CommitResult>
  /** The batch under way is durable. Watchers hear of it first, then its writers. */
  durable(spare: ArrayBuffer, previous: Packed | null): void
  /** Undoes and rejects everything that is not durable. */
  fail(why: Error): void
  /** Resolves when nothing is under way any more. */
  drained(): Promise<void>
}

export const commits = (options: {
  readonly book: Ledger
  readonly link: WorkerLink
  readonly live: Watchers
  readonly wantPrevious: () => boolean
}): Commits => {
  const { book, link, live } = options
  const box = outbox({ send: link.send, wantPrevious: options.wantPrevious })
  let drains: (() => void)[] = []

  const drain = () => {
    if (drains.length === 0 || !box.empty()) return
    for (const resolve of drains) resolve()
    drains = []
  }

  /** A loser waits for its winner to be durable: should the disk fail, then both fail. */
  const lose = async (key: string, standing: Standing | undefined): Promise<CommitResult> => {
    if (!standing) return { ok: false, current: undefined, revision: book.durable() }
    const { pending, revision } = standing
    if (pending) {
      await pending.done
      return { ok: false, current: rowOf(pending), revision: book.durable() }
    }
    const answer = await link.ask({ ask: 'row', key, revision })
    return { ok: false, current: firstRow(answer.records), revision: answer.revision }
  }

  return {
    commit: (write) => {
      const decided = book.decide(write)
      if ('lostTo' in decided) return lose(write.key, decided.lostTo)
      box.add(decided.won)
      return decided.won.done
    },
    durable: (spare, previous) => {
      const writes = box.delivered(spare)
      book.settle(writes)
      if (live.count() > 0) live.publish(changesOf(writes, previous))
      for (const { resolve, revision, created } of writes) resolve({ ok: true, revision, created })
      drain()
    },
    fail: (why) => {
      const writes = box.drop()
      book.undo(writes)
      for (const { reject } of writes) reject(why)
      drain()
    },
    drained: () =>
      new Promise((resolve) => {
        drains.push(resolve)
        drain()
      }),
  }
}

/** The values that writes replaced come from the worker in the order of the writes that asked for them. */
const changesOf = (writes: readonly Pending[], previous: Packed | null): Change[] => {
  const values = previous ? unpacker(previous) : undefined
  return writes.map((write) => changeOf(write, asksPrevious(write) && values?.next() ? (values.value() ?? undefined) : undefined))
}
