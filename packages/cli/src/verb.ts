import type { FlagSpec, Flags } from './flags.ts'
import type { Session } from './session.ts'

export interface Invocation {
  readonly session: Session
  readonly flags: Flags
  readonly args: readonly string[]
  readonly dashAt: number | undefined
}

/** A verb as its file declares it. `run` gives the exit code where it is not 0. */
export interface Verb {
  /** What follows the verb's name in its usage line. */
  readonly usage: string
  readonly flags: readonly FlagSpec[]
  /** Flags that must be said; the verb does not begin without them. */
  readonly required?: readonly string[]
  /** The exit code of errors, where it is not 1. */
  readonly failsWith?: number
  run(invocation: Invocation): Promise<number | undefined>
}

/** Verbs under a verb: `rollout status`. */
export interface VerbGroup {
  readonly parts: Readonly<Record<string, Verb | VerbGroup>>
  /** Other names of parts. */
  readonly aliases?: Readonly<Record<string, string>>
  /** What runs when no part is named. */
  readonly alone?: Verb
}
