/** What a fuzz run feeds: bytes in, an outcome out. */
export interface Target {
  readonly name: string
  /** Inputs that mutation starts from; `random` is seeded. */
  seeds(random: () => number): readonly (Uint8Array | string)[]
  /** Words that are put into inputs. */
  readonly words?: readonly string[]
  /**
   * Does what is tested with one input and says in a few words how it came out, so that inputs with an outcome of their own are kept.
   * Throws what the code under test throws, or a Violation.
   */
  run(input: Buffer): string
}

/** How deep the server lets a request's body nest. */
export const mostNested = 500

/** A property that did not hold. */
export class Violation extends Error {}

export const must = (holds: boolean, what: string): void => {
  if (!holds) throw new Violation(what)
}

/** Errors that the code under test means to throw: plain ones with a text for the client, and its own classes; no TypeError, no RangeError. */
const own = new Set(['Error', 'Refusal', 'CelError', 'DecodeError', 'ApplyConflicts'])
export const isMeant = (error: unknown): error is Error => error instanceof Error && own.has(error.constructor.name)

/** A text without what differs from input to input. */
export const outline = (text: string): string =>
  text
    .replace(/"(?:[^"\\]|\\.)*"|'[^']*'|`[^`]*`/g, '…')
    .replace(/[\d.]+/g, '0')
    .slice(0, 80)

/** The outcome of `act` where it throws what it means to; its own word where it does not. */
export const outcomeOf = (act: () => string): string => {
  try {
    return act()
  } catch (error) {
    if (error instanceof Violation || !isMeant(error)) throw error
    return `refused ${outline(error.message)}`
  }
}
