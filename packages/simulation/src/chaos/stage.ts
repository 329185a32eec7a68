import type { Dice } from '@skiff/machinery'
import type { NodeShape } from '../nodes/shape.ts'
import type { World } from '../world/world.ts'
import type { Cuts } from './cuts.ts'
import type { Calm } from './watch/calm.ts'
import type { Losses } from './watch/losses.ts'
import type { Issued } from './watch/placements.ts'

/** What may happen at one moment; whatever is refused, or does not arrive, has not happened. */
export type Act = () => unknown

export interface Scene {
  readonly world: World
  readonly dice: Dice
  readonly shapes: readonly NodeShape[]
  readonly cuts: Cuts
  readonly calm: Calm
  readonly issued: Issued
  readonly losses: Losses
}
/** What acts are played on. */
export interface Stage extends Scene {
  one<T>(items: readonly T[]): T | undefined
  someNode(): Promise<string>
  revive(node: string): void
  /** Nodes that were deleted register again. */
  rejoin(): Promise<void>
}
