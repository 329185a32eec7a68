import { afterEach, describe } from 'vitest'
import { type Bench, bench, type Opened } from './contract/bench.ts'
import { commitContract } from './contract/commits.ts'
import { lifeContract } from './contract/life.ts'
import { rangeContract } from './contract/ranges.ts'
import { watchContract } from './contract/watches.ts'

export type { Opened }

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
