/** A plain sentence for the user; printed without a stack. */
export class UserError extends Error {}

/** Prints a sentence about progress. */
export type Tell = (text: string) => void
