import type { PriorityLevelConfigurationSpec } from '@skiff/api'

/** How many seats a level has. */
export interface Seats {
  /** Its own share. */
  readonly nominal: number
  /** What it keeps of that when all others want more. */
  readonly kept: number
  /** The most it may use when the others leave theirs. */
  readonly most: number
}

const sharesOf = ({ limited, exempt }: PriorityLevelConfigurationSpec): { readonly shares: number; readonly lendable: number } => ({
  shares: limited ? (limited.nominalConcurrencyShares ?? 30) : (exempt?.nominalConcurrencyShares ?? 0),
  lendable: (limited ?? exempt)?.lendablePercent ?? 0,
})

/** Divides the server's seats by the levels' shares, as upstream does. */
export const divideSeats = (total: number, levels: ReadonlyMap<string, PriorityLevelConfigurationSpec>): ReadonlyMap<string, Seats> => {
  let sum = 0
  for (const spec of levels.values()) sum += sharesOf(spec).shares
  return new Map(
    [...levels].map(([name, spec]) => {
      const { shares, lendable } = sharesOf(spec)
      const nominal = sum === 0 ? 0 : Math.ceil((total * shares) / sum)
      const borrowing = spec.limited?.borrowingLimitPercent
      const most = borrowing === undefined ? total : nominal + Math.round((nominal * borrowing) / 100)
      return [name, { nominal, kept: nominal - Math.round((nominal * lendable) / 100), most }]
    }),
  )
}
