import { checkCel } from './check.ts'
import type { Checked, Declared } from './checking.ts'
import { parseCel } from './parse.ts'

/** An expression whose types are right; throws a CelError that says what is not. */
export const compileCel = (source: string, declared: Declared): Checked => checkCel(source, parseCel(source), declared)
