import type { Kind } from '@skiff/api'
import type { Entry } from './entry.ts'

/** What a conversion throws whose answer has to be asked for first. */
export class PendingConversion extends Error {
  readonly ask: () => Promise<void>
  constructor(ask: () => Promise<void>) {
    super('a conversion that nobody asked for')
    this.ask = ask
  }
}

/** The value of a pure function that converts objects: again each time an answer that it needs has come. */
export const converting = async <T>(act: () => T): Promise<T> => {
  for (;;) {
    try {
      return act()
    } catch (error) {
      if (!(error instanceof PendingConversion)) throw error
      await error.ask()
    }
  }
}

/** Makes stored objects known in a version, where a webhook converts: all of them in one call. */
export const prepareServed = async (kind: Kind, entries: readonly Entry[]): Promise<void> => {
  if (kind.conversion?.prepare && entries.length > 0)
    await kind.conversion.prepare(
      entries.map(({ object }) => object),
      'served',
    )
}
