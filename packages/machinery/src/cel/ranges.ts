import type { Checked } from './checking.ts'
import type { CelNode } from './parse.ts'

/** From the least to the most; as much as `unbounded` is more than anyone counts. */
export interface Range {
  readonly min: number
  readonly max: number
}
export const unbounded = 2 ** 64

export const fixed = (size: number): Range => ({ min: size, max: size })
const capped = (value: number): number => Math.min(value, unbounded)
export const plus = (...ranges: readonly Range[]): Range => ({
  min: capped(ranges.reduce((sum, { min }) => sum + min, 0)),
  max: capped(ranges.reduce((sum, { max }) => sum + max, 0)),
})
export const times = (a: Range, b: Range): Range => ({ min: capped(a.min * b.min), max: capped(a.max * b.max) })
export const scaled = ({ min, max }: Range, factor: number): Range => ({
  min: capped(Math.ceil(min * factor)),
  max: capped(Math.ceil(max * factor)),
})
export const union = (a: Range, b: Range): Range => ({ min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) })
export const unknown: Range = { min: 0, max: unbounded }

/** How large the keys and values of a list or map are. */
export interface EntrySizes {
  readonly of: 'list' | 'map'
  readonly key: Range
  readonly value: Range
}
/** A variable of a macro. */
export interface Local {
  readonly path: readonly string[]
  readonly size: Range | undefined
  readonly entries: EntrySizes | undefined
}
export type Locals = ReadonlyMap<string, Local>

/** How large what lies at a path may be: a variable's name, then field names, `@items`, `@keys`, `@values`. */
export type SizeOf = (path: readonly string[]) => number | undefined

/** An estimate under way. */
export interface Estimating {
  readonly checked: Checked
  readonly sizeOf: SizeOf
  cost(node: CelNode, locals: Locals): Range
  size(node: CelNode, locals: Locals): Range | undefined
  sizeOrUnknown(node: CelNode, locals: Locals): Range
  entries(node: CelNode, locals: Locals): EntrySizes | undefined
  path(node: CelNode, locals: Locals): readonly string[]
  setSize(node: CelNode, size: Range | undefined): void
  setEntries(node: CelNode, entries: EntrySizes | undefined): void
  setPath(node: CelNode, path: readonly string[]): void
}

export const listBase = fixed(10)
export const mapBase = fixed(30)
