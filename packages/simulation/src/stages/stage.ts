import type { KubeObject } from '@skiff/machinery'

/** A step in the life of a simulated object: whom it concerns, how long it waits, and what it then makes of the object. */
export interface Stage<T extends KubeObject = KubeObject> {
  readonly name: string
  matches(object: T): boolean
  /** Among several stages that match, the chance of each is its share of the weights. All 0: equal chances. */
  weight?(object: T): number
  /** Looked at again also when what was written changed nothing. */
  readonly isImmediate?: boolean
  /** From when it is chosen until it is played. Absent: at once. `chance` is uniform in [0, 1). */
  delayMs?(object: T, chance: () => number, nowMs: number): number
  /** Undefined: nothing is to be done after all. */
  next(object: T, nowMs: number): Effect<T> | undefined
}

export interface StageEvent {
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  readonly message: string
}

/** What a stage does to its object, all in one go. */
export interface Effect<T extends KubeObject = KubeObject> {
  /** The whole object with its new status; written to the status subresource. */
  readonly status?: T
  /** The whole object with its new metadata; written to the object itself. */
  readonly object?: T
  /** Other objects, applied before the patches: what a patch notes as done then is. */
  readonly applies?: readonly KubeObject[]
  readonly patches?: readonly StagePatch[]
  readonly events?: readonly StageEvent[]
  /** Deleted with no grace, after all else. */
  readonly delete?: boolean
}

export interface StagePatch {
  readonly subresource?: string
  readonly type: 'json' | 'merge' | 'strategic'
  readonly body: unknown
  /** The user to write as; absent: whoever plays the stage. */
  readonly as?: string
}

/** One of the stages by their weights, and by chance alone where they have none. */
export const chooseStage = <T extends KubeObject>(stages: readonly Stage<T>[], object: T, chance: () => number): Stage<T> | undefined => {
  if (stages.length <= 1) return stages[0]
  const weights = stages.map((stage) => Math.max(0, stage.weight?.(object) ?? 0))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  if (total === 0) return stages[Math.floor(chance() * stages.length)]
  let left = chance() * total
  return stages.find((_, i) => {
    left -= weights[i] as number
    return left < 0
  })
}
