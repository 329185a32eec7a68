import { assert } from 'vitest'
import type { Change, CommitResult, Revision, Row, Store, WatchRequest } from '../store.ts'

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
export const text = (value: Uint8Array | null | undefined): string | undefined => (value ? new TextDecoder().decode(value) : undefined)

/** A store under test, empty. `reopen` closes it and opens the same data again, where the data outlives the store. */
export interface Opened {
  readonly store: Store
  readonly reopen?: () => Promise<Store>
}

/** A watch that remembers what it heard. */
export interface Heard {
  readonly changes: Change[]
  readonly ended: Error[]
  stop(): void
}

/** One store with the short forms that the sentences use. */
export interface Bench extends Opened {
  put(key: string, value: string, expect?: 'absent' | 'any' | Revision): Promise<CommitResult>
  remove(key: string, expect?: 'any' | 'absent' | Revision): Promise<CommitResult>
  watch(prefix: string, after: Revision, deliver?: WatchRequest['deliver']): Promise<Heard>
  keys(request: Parameters<Store['range']>[0]): Promise<string[]>
}

export const bench = ({ store, reopen }: Opened): Bench => ({
  store,
  ...(reopen && { reopen }),
  put: (key, value, expect = 'any') => store.commit({ key, value: bytes(value), expect }),
  remove: (key, expect = 'any') => store.commit({ key, value: null, expect }),
  watch: (prefix, after, deliver) => hear(store, prefix, after, deliver),
  keys: async (request) => (await store.range(request)).rows.map(({ key }) => key),
})

export const hear = async (store: Store, prefix: string, after: Revision, deliver?: WatchRequest['deliver']): Promise<Heard> => {
  const changes: Change[] = []
  const ended: Error[] = []
  const stop = await store.watch({
    prefix,
    after,
    deliver: (batch) => {
      changes.push(...batch)
      deliver?.(batch)
    },
    ended: (why) => ended.push(why),
  })
  return { changes, ended, stop }
}

export const won = (result: CommitResult): { revision: Revision; created: Revision } => {
  assert(result.ok, 'the write lost')
  return result
}

export const lost = (result: CommitResult): { current: Row | undefined; revision: Revision } => {
  assert(!result.ok, 'the write won')
  return result
}

/** The revisions of changes, or of rows. */
export const revisions = (of: readonly { revision: Revision }[]): Revision[] => of.map(({ revision }) => revision)

export const upTo = (last: number, first = 1): number[] => Array.from({ length: last - first + 1 }, (_, i) => first + i)
