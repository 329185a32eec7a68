import { afterEach, describe } from 'vitest'
import { type Bench, bench } from './contract/bench.ts'
import { commitContract } from './contract/commits.ts'
import { lifeContract } from './contract/life.ts'
import { rangeContract } from './contract/ranges.ts'
import { watchContract } from './contract/watches.ts'
import type { Store } from './store.ts'

/** A store under test, empty. `reopen` closes it and opens the same data again, where the data outlives the store. */
export interface Opened {
  readonly store: Store
  readonly reopen?: () => Promise<Store>
}

/** The sentences that every store keeps. Imported by tests alone: it needs vitest. */
export const storeContract = (name: string, open: () => Promise<Opened>): void => {
  const opened: Opened[] = []
  const fresh = async (): Promise<Bench> => {
    const next = await open()
    opened.push(next)
    return bench(next)
  }

  describe(name, () => {
    afterEach(async () => {
      await Promise.all(opened.splice(0).map(({ store }) => store.close()))
    })
    commitContract(fresh)
    rangeContract(fresh)
    watchContract(fresh)
    lifeContract(fresh)
  })
}
