import type { KubeObject } from '@skiff/machinery'

/** What a table shows of an object in one column. `nowMs` is what ages are counted to. Null where a custom column finds nothing. */
export type Cell = (object: KubeObject, nowMs: number) => unknown

/** A column of a kind's table, with the facts that clients print by. */
export interface Column {
  readonly name: string
  readonly type: string
  readonly format: string
  readonly description: string
  /** Above 0: shown in wide output alone. */
  readonly priority: number
  readonly cell: Cell
}

/** Cells by column name, written against the kind's own type. */
export type Cells = Readonly<Record<string, Cell>>

/** Cells forget the type they were written against: a kind's table is only asked about its own objects. */
export const cells = <T>(table: Readonly<Record<string, (object: T, nowMs: number) => unknown>>): Cells => table as unknown as Cells
